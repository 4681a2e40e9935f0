"""What a run takes: seconds and memory, in a process of its own."""

import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing import get_all_start_methods, get_context, set_start_method
from typing import Any


def measure(run: Callable[..., Any], *args: Any) -> tuple[float, float, Any]:
    """Give a run's seconds, the most memory of a process of it in MiB, its result."""
    # A spawned process would spawn its own workers, which are forked where a step runs.
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
    """Measure a run in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, run, *args).result()
