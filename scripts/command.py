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

# The disk is full, or a quota is used up.
NO_SPACE = (ENOSPC, EDQUOT, EFBIG)
# Seconds between two lines in a log.
INTERVAL = 30
# No thread to monitor the bar: spaCy takes a fifth longer next to any thread.
tqdm.monitor_interval = 0
Item = TypeVar("Item")


def run(main: Callable[..., None]) -> None:
    """Run a step's command; an error in its input is one line and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        # Not every console has ✔, or the letters of a label.
        stream.reconfigure(errors="backslashreplace")
    sys.argv[1:] = unquoted(sys.argv[1:])
    # https://no-color.org; wasabi knows only a variable of its own.
    msg.show_color &= sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    try:
        typer.run(main)
    except (ValueError, OSError, ImportError) as error:
        message = " ".join(str(error).split())
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            message += ": make room and run again. What is done is kept."
        # wasabi would wrap the line.
        print("Error:", message, file=sys.stderr)
        sys.exit(1)


def unquoted(args: list[str]) -> list[str]:
    """Remove the quotes around arguments, which weasel leaves there on Windows."""
    return [
        arg[1:-1] if len(arg) > 1 and arg[0] == arg[-1] and arg[0] in "\"'" else arg
        for arg in args
    ]


def track(
    items: Iterable[Item], doing: str, total: int | None = None, unit: str = "docs"
) -> Iterator[Item]:
    """Show the progress of a loop on standard error: a bar, or lines in a log."""
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
