"""Files that appear whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Write a file or folder that appears whole or not at all.

    An error leaves what was at `path` before; one of the system names the file.

    Yields:
        The path to write to, renamed to `path` at the end; its parent folders exist.
        In object storage `path` itself, to be written with one call.
    """
    if hasattr(path, "fs"):
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    remove(part)
    try:
        yield part
        if path.is_dir() or part.is_dir():
            remove(path)
        part.replace(path)
    except OSError as error:
        # Without a number it is a message, such as spaCy's, which a name would replace.
        if error.errno:
            error.filename = error.filename or str(path)
        raise
    finally:
        remove(part)


@contextmanager
def work_folder(path: Path) -> Iterator[Path]:
    """Make a folder next to a path for what is needed until that is written.

    It is removed at the end; that of a step that was killed, by the next run of it.
    """
    folder = path.with_name(f".{path.name}.work")
    remove(folder)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        remove(folder)


def remove(path: Path) -> None:
    """Remove a file, or a folder with everything in it, if it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
