"""Trials at the same time, and a line of JSON for each that ends."""

from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, TypeVar

import srsly

T = TypeVar("T", bound=Hashable)


def run_all(
    todo: list[T],
    run: Callable[[T], dict[str, Any]],
    path: Path,
    jobs: int,
    is_specialist: Callable[[T], bool],
) -> Iterator[tuple[T, dict[str, Any]]]:
    """Run trials, some at a time; specialists first, for others build on them.

    Args:
        todo: What tells the trials apart.
        run: Makes a trial, and gives its line of results.
        path: JSON Lines; a line is added as a trial ends.
        jobs: Trials at a time, a process each.
        is_specialist: Whether a trial is one that others build on.

    Yields:
        The trials with their results, as they end.
    """
    for is_first in (True, False):
        part = [trial for trial in todo if is_specialist(trial) is is_first]
        with ProcessPoolExecutor(jobs) as pool:
            started = {pool.submit(run, trial): trial for trial in part}
            for future in as_completed(started):
                line = future.result()
                with path.open("a", encoding="utf-8") as results:
                    results.write(srsly.json_dumps(line) + "\n")
                yield started[future], line
