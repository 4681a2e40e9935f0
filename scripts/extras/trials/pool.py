"""Trials at the same time, and a line of JSON for each that ends."""

from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any, TypeVar

import srsly

from scripts.scale.workers import Workers

T = TypeVar("T", bound=Hashable)


def run_all(
    todo: list[T],
    run: Callable[[T], dict[str, Any]],
    path: Path,
    workers: Workers,
    is_specialist: Callable[[T], bool],
) -> Iterator[tuple[T, dict[str, Any]]]:
    """Run trials, some at a time; specialists first, for others build on them.

    Args:
        todo: What tells the trials apart.
        run: Makes a trial, and gives its line of results.
        path: JSON Lines; a line is added as a trial ends.
        workers: What runs them.
        is_specialist: Whether a trial is one that others build on.

    Yields:
        The trials with their results, as they end.
    """
    for is_first in (True, False):
        started: dict[Future, T] = {}
        part = [trial for trial in todo if is_specialist(trial) is is_first]
        for number, trial in enumerate(part, start=1):
            started[workers.submit(run, trial)] = trial
            most = workers.n_jobs - 1 if number < len(part) else 0
            while len(started) > most:
                for future in wait(started, return_when=FIRST_COMPLETED).done:
                    line = future.result()
                    with path.open("a", encoding="utf-8") as results:
                        results.write(srsly.json_dumps(line) + "\n")
                    yield started.pop(future), line
