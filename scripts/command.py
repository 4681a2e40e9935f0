"""How every step starts and fails: with its own `main`, and in one line."""

import sys
from collections.abc import Callable

import typer


def run(main: Callable[..., None]) -> None:
    """Run a step's command; a mistake in its input is one line and exit code 1.

    Args:
        main: The step's command function, with typer's annotations.
    """
    try:
        typer.run(main)
    except (ValueError, OSError) as error:
        # Not wasabi, which would wrap the line.
        print("Error:", " ".join(str(error).split()), file=sys.stderr)
        sys.exit(1)
