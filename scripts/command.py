"""How every step starts, shows its progress and fails: in one line."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from errno import EACCES, EDQUOT, EFBIG, ENOENT, ENOSPC, EPERM, EROFS
from typing import TypeVar

import typer
from tqdm import tqdm
from wasabi import msg

from scripts.project_run import join_run

# The disk is full, or a quota is used up.
NO_SPACE = (ENOSPC, EDQUOT, EFBIG)
# What to do about an error of the system.
REMEDIES = {
    **dict.fromkeys(NO_SPACE, "make room and run again. What is done is kept."),
    **dict.fromkeys(
        (EACCES, EPERM, EROFS), "change the permissions, or the path, and run again."
    ),
    ENOENT: "run the step that writes it again, or correct the path.",
}
# How spaCy and srsly say that a file or folder is not there.
MISSING = ("[E050]", "[E052]", "[E053]", "Can't read file")
# Seconds between two lines in a log.
INTERVAL = 30
# No thread to monitor the bar: spaCy takes a fifth longer next to any thread.
tqdm.monitor_interval = 0
Item = TypeVar("Item")


def run(main: Callable[..., None]) -> None:
    """Run a step's command; an error in its input is one line and exit code 1."""
    # https://no-color.org; wasabi knows only a variable of its own.
    msg.show_color &= sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    try:
        join_run()
        typer.run(main)
    except (ValueError, OSError, ImportError) as error:
        message = " ".join(str(error).split())
        number = ENOENT if message.startswith(MISSING) else getattr(error, "errno", 0)
        if number in REMEDIES:
            message = f"{message.rstrip('.')}: {REMEDIES[number]}"
        # wasabi would wrap the line.
        print("Error:", message, file=sys.stderr)
        sys.exit(1)


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
