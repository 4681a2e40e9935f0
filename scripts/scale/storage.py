"""Files that settings name: local or in object storage (`s3://…`), compressed or not.

A path in object storage has a file system `fs`, which no local path has.
"""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import BinaryIO

from scripts.files import written_whole

GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# Bytes read at a time: raw text may not fit in memory.
CHUNK = 1 << 20
# Bytes that are read into memory at once: annotations have some thousand rows.
MAX_SIZE = 1 << 30
# Raised while a compressed file is read that is damaged or incomplete.
BROKEN = (EOFError, zlib.error, gzip.BadGzipFile)


def find_files(pattern: str) -> list[Path]:
    """Find the files that a setting names: a file, a folder or a glob, sorted."""
    path = as_path(pattern)
    if pattern and path.is_dir():
        found = files_in(path)
    elif path.is_file():
        found = [path]
    elif hasattr(path, "fs"):
        names = path.fs.glob(path.path)
        found = [as_path(path.fs.unstrip_protocol(name)) for name in names]
    else:
        found = [Path(name) for name in glob(str(path), recursive=True)]
    files = sorted(file for file in found if file.is_file())
    if not files:
        raise ValueError(f"No file at '{pattern}': correct the path.")
    return files


def find_rounds(pattern: str) -> list[str]:
    """List the rounds that a setting names: the matches of a glob, or its path."""
    # A file may be named [1].jsonl.
    matches = [] if Path(pattern).exists() else sorted(glob(pattern, recursive=True))
    return matches or [pattern] * bool(pattern)


def checksum_of(path: Path) -> str:
    """Compute the MD5 of a file, or of the names and contents of a folder's files."""
    # Not weasel's own, which reads files whole, and hidden ones too.
    digest = hashlib.md5()
    for file in [path] if path.is_file() else files_in(path):
        digest.update(bytes(file.relative_to(path)) if file != path else b"")
        with file.open("rb") as content:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def files_in(folder: Path) -> list[Path]:
    """List the files in a folder and its subfolders but the hidden ones, sorted."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def as_path(setting: str) -> Path:
    """Convert a setting to a path, local or in object storage, which has to answer."""
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

    So does a missing library; local and missing files keep their errors.
    """
    try:
        yield
    except ImportError as error:
        message = f"{path}: {error}: pip install -r requirements-raw.txt."
        raise ValueError(message) from error
    except (ValueError, FileNotFoundError, *BROKEN):
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


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole, local or in object storage."""
    with storage_errors(path), written_whole(path) as part:
        part.write_bytes(content)


def read_plain(path: Path) -> bytes:
    """Read a file whole, decompressed; a few bytes may unpack to gigabytes."""
    with open_plain(path) as file:
        content = file.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise ValueError(f"{path} holds more than {MAX_SIZE >> 30} GB: split it.")
    return content


@contextmanager
def open_plain(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read its bytes, decompressed if it is in gzip or Zstandard."""
    with storage_errors(path), path.open("rb") as file:
        head = file.read(len(ZSTANDARD))
        file.seek(0)
        if head.startswith(GZIP):
            file = gzip.GzipFile(fileobj=file)
        elif head == ZSTANDARD:
            from pyarrow import CompressedInputStream, PythonFile

            file = io.BufferedReader(CompressedInputStream(PythonFile(file), "zstd"))
        try:
            yield file
        except OSError as error:
            if head != ZSTANDARD or error.errno:
                raise
            # Not the system's error: the file is incomplete.
            raise EOFError(str(error)) from error
