"""Tasks on a Ray cluster: the same results, also when a node is lost on the way."""

import logging
import os
import pickle
import socket
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from scripts.scale.local import follow_parent
from scripts.scale.workers import Workers

# Seconds in which a cluster answers.
TIMEOUT = 10
# Bytes of tasks that a cluster holds for each of its CPUs.
AHEAD = 1 << 23
KILLED = (
    "A process of the cluster was killed, perhaps for memory: see its log and run "
    "again. What is done is kept."
)
# What is a mistake in the input, or a fault of the disk.
ERRORS = (ValueError, OSError)


class Actor:
    """A process of a Ray cluster, and one beside it that runs tasks.

    Ray's own has threads, beside which spaCy is slower: see `follow_parent`.
    """

    def __init__(self) -> None:
        """Start the other process."""
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        context.Process(target=run_tasks, args=[theirs], daemon=True).start()
        theirs.close()

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Run a task, pickled as its result is."""
        try:
            self.pipe.send_bytes(batch["task"][0])
            result = self.pipe.recv_bytes()
        except (EOFError, ConnectionError):
            result = pickle.dumps(ValueError(KILLED))
        return {"result": [result]}


def run_tasks(pipe: Connection) -> None:
    """Run tasks as they come, pickled as their results are.

    An error is a result, for Ray Data would tell of it by the page.
    """
    follow_parent()
    while True:
        task = pickle.loads(pipe.recv_bytes())
        try:
            result = task()
        except ERRORS as error:
            result = error
        pipe.send_bytes(pickle.dumps(result))


def fail(error: Exception) -> None:
    """Raise an error: the task in place of one that could not be read."""
    raise error


class RayWorkers(Workers):
    """Workers of a Ray cluster."""

    def map(
        self, run: Callable[[Any], Any], read: Callable[[], Iterable[Any]]
    ) -> Iterator[Any]:
        """Run a function on each of many items, with Ray Data.

        One task reads, and beside an actor for each CPU a process keeps what `run` has
        loaded. What was on a node that is lost is read and run again on another.

        Args:
            run: The function; it and the items can be pickled.
            read: Gives the items, always the same ones.

        Yields:
            What comes of the items, in their order.
        """
        import ray.data

        def tasks(_: Any) -> Iterator[dict[str, list[bytes]]]:
            try:
                for item in read():
                    yield {"task": [pickle.dumps(partial(run, item))]}
            except ERRORS as error:
                yield {"task": [pickle.dumps(partial(fail, error))]}

        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        # Bytes: each task is a block, which goes to whichever actor is free.
        context.target_max_block_size = 1
        # As far as reading may be ahead.
        limits = ray.data.ExecutionResources(object_store_memory=AHEAD * self.n_jobs)
        context.execution_options.resource_limits = limits
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        actors = ray.data.ActorPoolStrategy(size=self.n_jobs)
        rows = (
            ray.data.from_items([None])
            .map_batches(tasks, batch_size=None, num_cpus=0)
            .map_batches(Actor, batch_size=1, compute=actors, num_cpus=1)
        )
        for row in rows.iter_rows():
            result = pickle.loads(row["result"])
            if isinstance(result, ERRORS):
                raise result
            yield result


def start_ray(address: str) -> Iterator[Workers]:
    """Connect to a Ray cluster; a task whose node is lost runs again on another.

    Paths must be the same on all nodes: of what tasks read and write, and of the
    project, from where they import.
    """
    try:
        import ray.data
    except ImportError as error:
        needed = "pip install -r requirements-ray.txt for vars.engine ray."
        raise ValueError(needed) from error
    address = address or os.environ.get("RAY_ADDRESS", "")
    check_address(address)
    is_ours = not ray.is_initialized()
    if is_ours:
        connect(address)
    try:
        n_jobs = int(ray.cluster_resources().get("CPU", 1))
        task = ray.remote(call)
        yield RayWorkers(lambda run, *args: task.remote(run, *args).future(), n_jobs)
    except ray.exceptions.RayTaskError:
        # What the task itself raised.
        raise
    except ray.exceptions.RayError as error:
        raise ValueError(KILLED) from error
    finally:
        if is_ours:
            ray.shutdown()


def connect(address: str) -> None:
    """Connect to a Ray cluster; with no address, start one on this machine.

    Raises:
        ValueError: If it does not let this process in.
    """
    import ray

    # Where memory runs out on this machine the kernel ends the process that has most
    # of it, and so the run; Ray would end an actor and begin it again.
    os.environ.setdefault("RAY_memory_monitor_refresh_ms", "0")
    try:
        # With none Ray would wait for the last cluster here, even if that is gone.
        ray.init(address or "local", log_to_driver=False)
    except (ConnectionError, ray.exceptions.RayError) as error:
        raise ValueError(
            f"Ray: {error}. Set RAY_AUTH_MODE=token where the cluster asks for a "
            "token, or correct vars.ray_address. What is done is kept."
        ) from error


def call(run: Callable[..., Any], *args: Any) -> Any:
    """Call what Ray does not take for a function, such as a partial."""
    return run(*args)


def check_address(address: str) -> None:
    """Refuse an address that nobody answers; Ray itself would wait for minutes.

    Raises:
        ValueError: If it is one of host and port, and nobody does.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host, int(port)), timeout=TIMEOUT).close()
        except OSError as error:
            raise ValueError(
                f"Nobody answers at the Ray address {address} ({error}): start the "
                "cluster, or correct vars.ray_address. What is done is kept."
            ) from error
