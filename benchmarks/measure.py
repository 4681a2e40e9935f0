"""The seconds and the memory that a run takes, in its own process."""

import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing import get_all_start_methods, get_context, set_start_method
from typing import Any


def measure(run: Callable[..., Any], *args: Any) -> tuple[float, float, Any]:
    """Return the seconds of a run, the MiB of its largest process, and its result."""
    # The process is spawned and would spawn its workers too; a step forks them.
    set_start_method(get_all_start_methods()[0], force=True)
    start = time.perf_counter()
    with (
        open(os.devnull, "w") as nothing,
        redirect_stdout(nothing),
        redirect_stderr(nothing),
    ):
        result = run(*args)
    seconds = time.perf_counter() - start
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(w).ru_maxrss for w in who)
    return seconds, peak / 1024, result


def in_process(run: Callable[..., Any], *args: Any) -> tuple[float, float, Any]:
    """Measure a run in its own process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, run, *args).result()
