"""How every step starts, shows its progress and fails: in one line."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from errno import EDQUOT, EFBIG, ENOSPC
from typing import TypeVar

import typer
from tqdm import tqdm
from wasabi import msg

# The disk, or what this user or process may write, is full.
NO_ROOM = (ENOSPC, EDQUOT, EFBIG)
# Seconds between two lines.
INTERVAL = 30
# No thread that looks after the bar: beside any thread spaCy takes a fifth longer.
tqdm.monitor_interval = 0
Item = TypeVar("Item")


def run(main: Callable[..., None]) -> None:
    """Run a step's command; a mistake in its input is one line and exit code 1.

    Args:
        main: The step's command function, with typer's annotations.
    """
    # https://no-color.org; wasabi knows a name of its own alone.
    msg.show_color &= sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    try:
        typer.run(main)
    except (ValueError, OSError) as error:
        # Ray wraps what a worker raised.
        error = getattr(error, "cause", None) or error
        message = " ".join(str(error).split())
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            message += ": make room and run again. What is done is kept."
        # Not wasabi, which would wrap the line.
        print("Error:", message, file=sys.stderr)
        sys.exit(1)


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
