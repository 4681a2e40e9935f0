"""How every step starts, shows its progress and fails: in one line."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from errno import EACCES, EDQUOT, EFBIG, ENOENT, ENOSPC, EPERM, EROFS
from functools import wraps
from typing import Any, TextIO, TypeVar

import typer
from tqdm import tqdm
from wasabi import msg

from scripts.command.project_run import join_run

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
# Control characters, what reverses or hides text, and halves of a UTF-16 pair, which no
# file can hold, are shown by their numbers; joiners stay, which Persian and emoji need.
UNSEEN = [*range(9), *range(14, 32), *range(0x7F, 0xA0), 0xAD, 0x061C, 0x200B]
UNSEEN += [0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A)]
UNSEEN += [0xFEFF, *range(0xD800, 0xE000)]
VISIBLE = {code: f"[U+{code:04X}]" for code in UNSEEN}
# A terminal goes back, or down without a line end, at these.
INERT = VISIBLE | {code: f"[U+{code:04X}]" for code in (0x0B, 0x0C, 0x0D)}
# What wasabi prints in colour or bold, and tqdm's bar, which begins the line again.
OWN = re.compile(r"(\A\r|\A\x1b\[(?:1|38;5;\d+)m|\x1b\[0m(?=\n|\Z))")
Item = TypeVar("Item")


class Inert:
    """A stream to which no text can send control characters.

    A terminal gets colours and progress bars; a file does not.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to a stream from now on."""
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        """Return what else the stream has."""
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write a text, with control characters by their numbers."""
        parts = OWN.split(text)
        parts[::2] = [part.translate(INERT) for part in parts[::2]]
        return self.stream.write("".join(parts if self.isatty() else parts[::2]))


def inert(main: Callable[..., None]) -> Callable[..., None]:
    """Run a step's command with output that no text in its data can disturb."""

    @wraps(main)
    def run_inert(*args: Any, **options: Any) -> None:
        # What spaCy prints, and warnings, go through these too.
        with redirect_stdout(Inert(sys.stdout)), redirect_stderr(Inert(sys.stderr)):
            main(*args, **options)

    return run_inert


def run(main: Callable[..., None]) -> None:
    """Run a step's command; an error in its input is one line and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        # Not every console has ✔, or the letters of a label.
        stream.reconfigure(errors="backslashreplace")
    sys.argv[1:] = unquoted(sys.argv[1:])
    # https://no-color.org; wasabi knows only a variable of its own.
    msg.show_color &= sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    try:
        join_run()
        typer.run(inert(main))
    except (ValueError, OSError, ImportError) as error:
        message = " ".join(str(error).split()).translate(INERT)
        number = ENOENT if message.startswith(MISSING) else getattr(error, "errno", 0)
        if number in REMEDIES:
            message = f"{message.rstrip('.')}: {REMEDIES[number]}"
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
