"""Files that settings name: local or in object storage (`s3://…`), compressed or not.

A path in object storage has a file system `fs`, which no local path has.
"""

import glob
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# Raised while a compressed file is read that is damaged or incomplete.
BROKEN = (EOFError, zlib.error, gzip.BadGzipFile)


def find_files(pattern: str) -> list[Path]:
    """Find the files that a setting names: a file, a folder or a glob, sorted.

    Raises:
        ValueError: If there is no such file.
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
    files = sorted(file for file in found if file.is_file())
    if not files:
        raise ValueError(f"No file at '{pattern}': correct the path.")
    return files


def files_in(folder: Path) -> list[Path]:
    """List the files in a folder and its subfolders but the hidden ones, sorted."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def as_path(setting: str) -> Path:
    """Convert a setting to a path, local or in object storage.

    Raises:
        ValueError: If the storage does not answer, or its library is not installed.
    """
    if "://" not in setting.removeprefix("file://"):
        return Path(setting.removeprefix("file://"))
    try:
        from upath import UPath

        path = UPath(setting)
        path.exists()
    # Each storage has errors of its own, for a denied access or a missing library.
    except Exception as error:
        raise ValueError(
            f"'{setting}' cannot be opened: {error}. See requirements-raw.txt."
        ) from error
    return path


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Convert any error of object storage to a ValueError that names the file.

    A missing file stays a FileNotFoundError, and local files keep their errors.
    """
    try:
        yield
    except (ValueError, FileNotFoundError):
        raise
    except Exception as error:
        if not hasattr(path, "fs"):
            raise
        message = f"{path}: {error}: run again. What is done is kept."
        raise ValueError(message) from error


def read_bytes(path: Path) -> bytes:
    """Read a file, local or in object storage."""
    with storage_errors(path):
        return path.read_bytes()


@contextmanager
def open_plain(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read its bytes, decompressed if it is in gzip or Zstandard."""
    with path.open("rb") as file:
        head = file.read(len(ZSTANDARD))
        file.seek(0)
        if head != ZSTANDARD:
            yield gzip.GzipFile(fileobj=file) if head.startswith(GZIP) else file
            return
        try:
            from pyarrow import CompressedInputStream, PythonFile
        except ImportError as error:
            raise ValueError(f"{path}: pip install pyarrow to read it.") from error
        try:
            yield io.BufferedReader(CompressedInputStream(PythonFile(file), "zstd"))
        except OSError as error:
            if error.errno or isinstance(error, io.UnsupportedOperation):
                raise
            # Neither the system's error nor the caller's: the file is incomplete.
            raise EOFError(str(error)) from error
