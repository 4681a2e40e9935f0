"""Zip files: each member is read as a file in a folder, and none is written to disk.

A member is a path, `export.zip/member` in messages.
"""

import io
import stat
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo
from zipfile import Path as Member

from scripts.scale.storage import MAX_SIZE, read_plain

# How a zip begins, with members and without.
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# Text is packed to a tenth, rarely to a hundredth; a bomb to a thousandth. It does no
# harm below so many bytes.
MAX_RATIO, HARMLESS = 200, 1 << 24
# Files that systems put into folders and archives.
SYSTEM = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
OFFICE = ("[content_types].xml", "mimetype")


def members_of(path: Path, archive: ZipFile) -> Iterator[Member]:
    """Yield the files in a zip, sorted, but for hidden ones and those of the system."""
    files = sorted(
        (info for info in archive.infolist() if not info.is_dir()),
        key=lambda info: info.filename,
    )
    check(path, files)
    for info in files:
        parts = info.filename.split("/")
        is_hidden = any(part.startswith(".") for part in parts)
        if not is_hidden and SYSTEM.isdisjoint(part.lower() for part in parts):
            yield Member(archive, info.filename)


def check(path: Path, files: list[ZipInfo]) -> None:
    """Refuse a zip that can't be read, or that would fill the memory.

    Python reads no more of a member than its size that is checked here.
    """
    size, n_packed = sum(info.file_size for info in files), path.stat().st_size
    if size > MAX_SIZE or size > max(HARMLESS, MAX_RATIO * n_packed):
        raise ValueError(
            f"{path} unpacks to {size} bytes, {size // n_packed} times its size: "
            "unpack it yourself if it is what you expect."
        )
    for info in files:
        name = f"{path}: {info.filename!r}"
        if info.filename.lower() in OFFICE:
            raise ValueError(f"{path} is an Office file: export JSON Lines instead.")
        if info.header_offset < 0:
            raise ValueError(f"{path} is not a complete zip file: a part is missing.")
        if info.flag_bits & 1:
            raise ValueError(f"{name} is encrypted: unpack it, and give the folder.")
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise ValueError(f"{name} is packed in an unusual way: give the folder.")
        is_odd = ".." in info.filename.split("/") or not info.filename.isprintable()
        if is_odd or stat.S_ISLNK(info.external_attr >> 16):
            raise ValueError(f"{name} is a link or has an odd name: give the folder.")


def expand(files: list[Path]) -> list[Path]:
    """Replace each zip among files by its members."""
    found: list[Path] = []
    for path in files:
        with path.open("rb") as file:
            is_zip = file.read(len(ZIP[0])) in ZIP
        if not is_zip:
            found.append(path)
            continue
        try:
            archive = ZipFile(io.BytesIO(read_plain(path)))
        # A ValueError of an offset that cannot be.
        except (BadZipFile, ValueError, NotImplementedError) as error:
            raise ValueError(f"{path} is not a complete zip file: {error}") from error
        # A path in it is named by this.
        archive.filename = str(path)
        found += members_of(path, archive)
    return found
