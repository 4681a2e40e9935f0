"""Files as the steps read and write them: found by pattern, written whole."""

import glob
import gzip
import io
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# What a packed file raises that is broken or breaks off.
BROKEN = (EOFError, zlib.error, gzip.BadGzipFile)


def find_files(pattern: str) -> list[Path]:
    """List the files that a setting names.

    Args:
        pattern: A file, a folder (all files in it, hidden ones left out) or a glob,
            here or in object storage.

    Returns:
        The files, sorted.

    Raises:
        ValueError: If there are none.
    """
    path = as_path(pattern)
    if pattern and path.is_dir():
        found = files_in(path)
    elif path.is_file():
        found = [path]
    elif hasattr(path, "fs"):
        names = path.fs.glob(path.path)
        found = [as_path(path.fs.unstrip_protocol(name)) for name in names]
    else:
        found = [Path(name) for name in glob.glob(str(path), recursive=True)]
    files = sorted(sub for sub in found if sub.is_file())
    if not files:
        raise ValueError(f"No file at '{pattern}': correct the path in vars.")
    return files


def files_in(folder: Path) -> list[Path]:
    """List all files in a folder and in those below, hidden ones left out, sorted."""
    return sorted(
        sub
        for sub in folder.rglob("*")
        if sub.is_file()
        and not any(part.startswith(".") for part in sub.relative_to(folder).parts)
    )


def as_path(setting: str) -> Path:
    """Give what a setting names: a path here, or in object storage (`s3://…`).

    Raises:
        ValueError: If that storage does not answer, or what reads it is not installed.
    """
    setting = setting.removeprefix("file://")
    if "://" not in setting:
        return Path(setting)
    try:
        from fsspec import get_filesystem_class
        from upath import UPath

        get_filesystem_class(setting.partition("://")[0])
        path = UPath(setting)
        path.exists()
    # Each storage has errors of its own: no answer, no credentials.
    except Exception as error:
        raise ValueError(
            f"'{setting}' can't be opened: {error}. See requirements-raw.txt."
        ) from error
    return path


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Say which file it was when object storage fails: each has errors of its own.

    Raises:
        ValueError: If it does, other than for a file that is not there.
    """
    try:
        yield
    except (ValueError, FileNotFoundError):
        raise
    except Exception as error:
        if not hasattr(path, "fs"):
            raise
        raise ValueError(
            f"{path}: {error}: run again. What is done is kept."
        ) from error


def read_bytes(path: Path) -> bytes:
    """Read a file, here or in object storage."""
    with storage_errors(path):
        return path.read_bytes()


@contextmanager
def open_plain(path: Path) -> Iterator[BinaryIO]:
    """Open a file for its bytes, out of its gzip or Zstandard where it is in one."""
    with path.open("rb") as file:
        head = file.read(len(ZSTANDARD))
        file.seek(0)
        if head == ZSTANDARD:
            try:
                from pyarrow import CompressedInputStream, PythonFile
            except ImportError as error:
                raise ValueError(f"{path}: pip install pyarrow to read it.") from error
            unpacked = CompressedInputStream(PythonFile(file), "zstd")
            try:
                yield io.BufferedReader(unpacked)
            except OSError as error:
                if error.errno or isinstance(error, io.UnsupportedOperation):
                    raise
                # Not the system's, nor the reader's: the file breaks off.
                raise EOFError(str(error)) from error
        else:
            yield gzip.GzipFile(fileobj=file) if head.startswith(GZIP) else file


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write a file or folder to, then rename it.

    An error leaves what was at `path` before, and says which file it was.

    Args:
        path: The file or folder that is to appear whole or not at all.

    Yields:
        The path to write to; its parent folders exist. In object storage `path` itself,
        to be written in one go.

    Raises:
        ValueError: If object storage fails.
    """
    if hasattr(path, "fs"):
        with storage_errors(path):
            yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    remove(beside)
    try:
        yield beside
        if path.is_dir() or beside.is_dir():
            remove(path)
        beside.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        remove(beside)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it, if it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
