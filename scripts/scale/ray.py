"""Workers on a Ray cluster: a task whose node is lost runs again on another one.

Ray's own variable `RAY_ADDRESS` names the cluster; without it one is started here. All
paths must be the same on every node: of the base, the shards and this project.
"""

import os
import pickle
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

from scripts.scale.workers import Workers, follow_parent

# Seconds in which a cluster answers; Ray itself would wait for minutes.
TIMEOUT = 10


@contextmanager
def start_cluster() -> Iterator[Workers]:
    """Connect to a Ray cluster, or start one; all its CPUs are used."""
    try:
        import ray
    except ImportError as error:
        message = "pip install -r requirements-ray.txt for vars.engine ray."
        raise ValueError(message) from error
    connect(os.environ.get("RAY_ADDRESS", ""))
    task = ray.remote(run_aside)

    def submit(*call: Any) -> Future:
        return task.remote(pickle.dumps(call)).future()

    try:
        yield Workers(int(ray.cluster_resources().get("CPU", 1)), submit)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", error)
        if not isinstance(cause, BrokenProcessPool | ray.exceptions.RayError):
            # An error of the task itself.
            raise cause from error
        raise ValueError(
            "A process of the cluster was killed, perhaps because memory ran out: see "
            "its log and run again. What is done is kept."
        ) from error
    finally:
        ray.shutdown()


def connect(address: str) -> None:
    """Connect to a Ray cluster; with no address, start one on this machine."""
    import ray

    check_address(address)
    # Where memory runs out here, the largest process is killed, and the run ends; Ray
    # would run its task again and again.
    os.environ.setdefault("RAY_memory_monitor_refresh_ms", "0")
    try:
        # Without `local` Ray would wait for the last cluster here, even if it is gone.
        ray.init(address or "local", log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, ray.exceptions.RayError) as error:
        raise ValueError(
            f"Ray: {error}. Set RAY_AUTH_MODE=token where the cluster asks for a "
            "token, or correct RAY_ADDRESS. What is done is kept."
        ) from error


def check_address(address: str) -> None:
    """Check that somebody answers at an address of host and port."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host, int(port)), timeout=TIMEOUT).close()
        except OSError as error:
            raise ValueError(
                f"Nobody answers at the Ray address {address} ({error}): start the "
                "cluster, or correct RAY_ADDRESS. What is done is kept."
            ) from error


def run_aside(call: bytes) -> Any:
    """Run a task in another process than Ray's, whose threads slow spaCy down."""
    return process().submit(run_pickled, call).result()


@lru_cache
def process() -> ProcessPoolExecutor:
    """Start that process; it keeps the pipeline that its tasks load."""
    return ProcessPoolExecutor(1, get_context("spawn"), follow_parent)


def run_pickled(call: bytes) -> Any:
    """Unpickle a task and run it, so that Ray's process need not import spaCy."""
    run, *args = pickle.loads(call)
    return run(*args)
