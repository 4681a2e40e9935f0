"""How every step starts and fails: with its own `main`, and in one line."""

import os
import sys
from collections.abc import Callable
from errno import EDQUOT, EFBIG, ENOSPC

import typer
from wasabi import msg

# The disk, or what this user or process may write, is full.
NO_ROOM = (ENOSPC, EDQUOT, EFBIG)


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
