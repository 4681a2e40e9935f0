"""Remove what the steps made.

python -m scripts.clean project.lock corpus training packages
"""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from scripts.command import run
from scripts.files import remove


def main(
    paths: Annotated[
        list[Path], typer.Argument(help="Files to remove and folders to empty.")
    ],
) -> None:
    """Remove files, and all that folders contain except their `.gitkeep`."""
    for path in paths:
        if not path.is_dir():
            remove(path)
            continue
        for sub in path.iterdir():
            if sub.name != ".gitkeep":
                remove(sub)
    msg.good(f"Removed: {', '.join(map(str, paths))}")


if __name__ == "__main__":
    run(main)
