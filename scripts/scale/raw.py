"""Raw text as the steps read it: JSON Lines with `text`, `.txt`, or Parquet."""

import hashlib
import re
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

import srsly

from scripts.docs import read_docs
from scripts.scale.storage import BROKEN, find_files, open_plain

# Longest text in characters that is not split. It has some hundred words: a batch of
# training holds several such texts, and a batch to annotate takes a few megabytes.
MAX_LENGTH = 2_000
# Bytes of the longest line: a book has a million.
MAX_LINE = 1 << 28
# Where a longer text is split, the best first: at a paragraph, line, sentence or word.
BOUNDARIES = [
    re.compile(boundary)
    for boundary in (r"\n\s*\n", r"\n", r"[.!?]+\s+|[。！？]+\s*", r"\s+")
]
# Hashes that `Seen` remembers, of 8 bytes each.
TABLE_SIZE = 1 << 22


def read_texts(pattern: str) -> Iterator[str]:
    """Read the raw texts of a file, folder or glob, long ones in pieces."""
    for path in find_files(pattern):
        read = read_parquet if path.suffix == ".parquet" else read_lines
        try:
            for text in read(path):
                yield from filter(None, split_text(text))
        except BROKEN as error:
            message = f"{path} breaks off ({error}): replace the file."
            raise ValueError(message) from error


def count_texts(pattern: str) -> int:
    """Count the raw texts of a file, folder or glob."""
    return sum(1 for _ in read_texts(pattern))


def known_texts(paths: Iterable[Path]) -> Iterator[str]:
    """Read the texts of `.spacy` files, in pieces as raw texts are."""
    for path in paths:
        for doc in read_docs(path):
            yield from split_text(doc.text)


def read_lines(path: Path) -> Iterator[str]:
    """Read the text of each line of JSON or of `.txt`, compressed or not."""
    is_json = not path.name.endswith((".txt", ".txt.gz", ".txt.zst"))
    expected = 'UTF-8 and JSON with a "text"' if is_json else "UTF-8"
    with open_plain(path) as file:
        # A few bytes may unpack to a line of gigabytes.
        lines = iter(lambda: file.readline(MAX_LINE), b"")
        for number, line in enumerate(lines, start=1):
            if len(line) == MAX_LINE:
                raise ValueError(f"{path}:{number}: more than {MAX_LINE} bytes long.")
            try:
                # Some editors write a mark at the beginning of a file.
                text = line.decode("utf-8-sig").strip()
                if text and is_json:
                    text = srsly.json_loads(text)["text"]
                if not isinstance(text, str):
                    raise TypeError("the text is not a string")
                # Half of a UTF-16 pair, which JSON can hold, can't be annotated.
                text.encode()
            except (ValueError, LookupError, TypeError) as error:
                message = f"{path}:{number}: not {expected}: {error}."
                raise ValueError(message) from error
            yield text


def read_parquet(path: Path) -> Iterator[str]:
    """Read the column `text` of a Parquet file, some rows at a time."""
    with open_plain(path) as opened:
        from pyarrow.parquet import ParquetFile

        try:
            file = ParquetFile(opened)
        except ValueError as error:
            raise ValueError(f"{path} is not a Parquet file: {error}") from error
        if "text" not in file.schema_arrow.names:
            raise ValueError(f"{path} has no column 'text'.")
        for batch in file.iter_batches(columns=["text"]):
            for text in batch["text"].to_pylist():
                if not isinstance(text, str | None):
                    raise ValueError(f"{path}: the column 'text' holds no strings.")
                yield text or ""


def split_text(text: str, max_length: int = MAX_LENGTH) -> Iterator[str]:
    """Split a long text at the best boundaries; only white space is lost."""
    start = 0
    while len(text) - start > max_length:
        end = start + max_length
        for boundary in BOUNDARIES:
            # In the last half: a piece should not be a single word.
            matches = [*boundary.finditer(text, end - max_length // 2, end)]
            if matches:
                end = matches[-1].end()
                break
        yield text[start:end].strip()
        start = end
    yield text[start:].strip()


def text_key(text: str) -> str:
    """Hash a text so that case and white space make no difference."""
    normal = " ".join(text.split()).casefold()
    return hashlib.md5(normal.encode("utf-8", "surrogatepass")).hexdigest()


def hash_of(text: str) -> int:
    """Hash a text to 64 bits, never 0."""
    return int(text_key(text)[:16], 16) or 1


class Seen:
    """The texts that are known or were read before; case and white space do not count.

    All known texts are remembered, by their hashes. Of the texts that are read, each
    slot of a table remembers the last: memory stays the same however many there are, no
    new text is taken for an old one, and a copy may get through if it is far away.
    """

    def __init__(self, known: Iterable[str]) -> None:
        """Remember the texts that are known."""
        self.known = {hash_of(text) for text in known}
        self.table = array("Q", bytes(8 * TABLE_SIZE))

    def is_new(self, text: str) -> bool:
        """Check whether a text is new, and remember it."""
        key = hash_of(text)
        slot = key % TABLE_SIZE
        if key in self.known or self.table[slot] == key:
            return False
        self.table[slot] = key
        return True
