"""Tasks in processes of this machine, which end with the one that started them."""

import gc
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import parent_process
from typing import Any

from scripts.scale.workers import Workers


def start_processes(n_jobs: int) -> Iterator[Workers]:
    """Start processes; with one job, none: tasks run as they are submitted.

    Raises:
        ValueError: If a process was killed.
    """
    if n_jobs == 1:
        yield Workers(lambda run, *args: done(run(*args)), 1)
        return
    # What there is stays, and no process need look through its copy of it.
    gc.freeze()
    try:
        with ProcessPoolExecutor(n_jobs, initializer=follow_parent) as pool:
            yield Workers(pool.submit, n_jobs)
    except BrokenProcessPool as error:
        raise ValueError(
            "A process was killed, perhaps for memory: set vars.n_process lower "
            "and run again. What is done is kept."
        ) from error
    finally:
        gc.unfreeze()


def done(result: Any) -> Future:
    """Give what would come of a task that need not run."""
    future: Future = Future()
    future.set_result(result)
    return future


def follow_parent() -> None:
    """Leave Ctrl-C to the process that started this one, and end when it is gone.

    A timer, not a thread: beside any thread spaCy takes a fifth longer, for its parser
    asks for Python's lock thousands of times a doc.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, end_with_parent)
        signal.setitimer(signal.ITIMER_REAL, 1, 1)


def end_with_parent(*_: Any) -> None:
    """End this process if the one that started it is gone: nobody waits for it."""
    if not parent_process().is_alive():
        os._exit(1)
