"""Workers in processes of this machine, which end with their parent process."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import parent_process
from typing import Any

from scripts.scale.workers import Workers


def start_workers(n_process: int) -> Iterator[Workers]:
    """Start processes; if only one is asked for, tasks run in this one.

    Raises:
        ValueError: If a process is killed.
    """
    if n_process == 1:
        yield Workers(run_here, 1)
        return
    # Processes share what is in memory as long as no garbage collector touches it.
    gc.freeze()
    try:
        with ProcessPoolExecutor(n_process, initializer=follow_parent) as pool:
            yield Workers(pool.submit, n_process)
    except BrokenProcessPool as error:
        raise ValueError(
            "A process was killed, perhaps because memory ran out: set vars.n_process "
            "lower and run again. What is done is kept."
        ) from error
    finally:
        gc.unfreeze()


def run_here(run: Callable[..., Any], *args: Any) -> Future:
    """Run a task now, and return its result as a future."""
    future: Future = Future()
    future.set_result(run(*args))
    return future


def follow_parent() -> None:
    """Leave Ctrl-C to the parent process, and end this one when that is gone.

    With a timer, not a thread: spaCy takes a fifth longer if there is any thread, for
    its parser asks for Python's lock thousands of times a doc.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, end_without_parent)
        signal.setitimer(signal.ITIMER_REAL, 1, 1)


def end_without_parent(*_: Any) -> None:
    """End this process if its parent is gone."""
    if not parent_process().is_alive():
        os._exit(1)
