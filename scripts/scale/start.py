"""Start the workers that a step asks for: processes here, or a Ray cluster."""

import gc
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import Literal

from scripts.scale.workers import Workers, follow_parent

Engine = Literal["local", "ray"]


def start(engine: Engine, n_process: int) -> AbstractContextManager[Workers]:
    """Start workers: as many processes here (-1: all cores), or a Ray cluster."""
    if engine == "ray":
        # Imported only if it is asked for.
        return import_module("scripts.scale.ray").start_cluster()
    n_process = n_process if n_process > 0 else os.cpu_count() or 1
    return start_processes(n_process) if n_process > 1 else nullcontext(Workers(1))


@contextmanager
def start_processes(n_process: int) -> Iterator[Workers]:
    """Start processes on this machine."""
    # Processes share what is in memory as long as no garbage collector touches it.
    gc.freeze()
    try:
        with ProcessPoolExecutor(n_process, initializer=follow_parent) as pool:
            yield Workers(n_process, pool.submit)
    except BrokenProcessPool as error:
        raise ValueError(
            "A process was killed, perhaps because memory ran out: set vars.n_process "
            "lower and run again. What is done is kept."
        ) from error
    finally:
        gc.unfreeze()
