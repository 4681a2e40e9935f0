"""How far a long step is: a bar in a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

# Seconds between two lines.
INTERVAL = 30
# No thread that looks after the bar: beside any thread spaCy takes a fifth longer.
tqdm.monitor_interval = 0
Item = TypeVar("Item")


def track(
    items: Iterable[Item], doing: str, total: int | None = None, unit: str = "docs"
) -> Iterator[Item]:
    """Say how far a loop is, and how long it still takes, on standard error.

    Args:
        items: What is looped over.
        doing: What is being done.
        total: Number of items, where it is known.
        unit: What they are.

    Yields:
        The items.
    """
    if sys.stderr.isatty():
        yield from tqdm(items, desc=doing, total=total, unit=f" {unit}")
        return
    start = said = time.monotonic()
    for n_done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - said >= INTERVAL:
            said, line = now, f"{doing}: {n_done}"
            if total:
                left = tqdm.format_interval((total - n_done) * (now - start) / n_done)
                line = f"{line} of {total} {unit}, {left} left"
            print(line, file=sys.stderr, flush=True)
