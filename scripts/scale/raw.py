"""Raw text as the steps read it: JSON Lines with `text`, `.txt`, or Parquet."""

import re
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import srsly

from scripts.annotations.split import hash_of
from scripts.docs import read_docs
from scripts.files import BROKEN, find_files, open_plain, storage_errors

# Characters of a text that is taken whole: some hundred words, of which a batch of
# training holds a few such texts, and a batch to annotate takes megabytes.
MAX_LENGTH = 2_000
# Where a longer one is cut, the best first: at a paragraph, a line, a sentence, a word.
BOUNDS = [
    re.compile(bound)
    for bound in (r"\n\s*\n", r"\n", r"[.!?]+\s+|[。！？]+\s*", r"\s+")
]
# Places in the table of texts seen, of 8 bytes each.
N_PLACES = 1 << 22


def read_texts(pattern: str) -> Iterator[str]:
    """Read raw texts from a file, folder or glob, one at a time.

    Yields:
        The texts, long ones in pieces; blank ones are left out.

    Raises:
        ValueError: If a line is not UTF-8, or JSON without a `text`.
    """
    for path in find_files(pattern):
        is_parquet = path.suffix == ".parquet"
        for text in read_parquet(path) if is_parquet else read_lines(path):
            for piece in pieces(text):
                if piece.strip():
                    yield piece


def count_texts(pattern: str) -> int:
    """Count the raw texts of a file, folder or glob."""
    return sum(1 for _ in read_texts(pattern))


def known_texts(paths: Iterable[Path]) -> Iterator[str]:
    """Read the texts of `.spacy` files, in pieces as raw ones are."""
    for path in paths:
        for doc in read_docs(path):
            yield from pieces(doc.text)


def read_lines(path: Path) -> Iterator[str]:
    """Read the text of each line, of JSON or of `.txt`, packed or not."""
    name = path.with_suffix("") if path.suffix in (".gz", ".zst") else path
    for number, line in enumerate(bytes_of(path), start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}:{number}: not UTF-8: {error}.") from error
        if text and name.suffix != ".txt":
            text = parse_json(text).get("text")
            if not isinstance(text, str):
                raise ValueError(f'{path}:{number}: no {{"text": …}} in JSON.')
        yield text


def bytes_of(path: Path) -> Iterator[bytes]:
    """Read the lines of a file that may be packed."""
    try:
        with storage_errors(path), open_plain(path) as lines:
            yield from lines
    except BROKEN as error:
        raise ValueError(f"{path} breaks off: {error}: make it anew.") from error


def read_parquet(path: Path) -> Iterator[str]:
    """Read the column `text` of a Parquet file, some rows at a time."""
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise ValueError(f"{path}: pip install pyarrow to read Parquet.") from error
    with path.open("rb") as opened:
        try:
            file = ParquetFile(opened)
        except ValueError as error:
            raise ValueError(f"{path} is no Parquet: {error}") from error
        if "text" not in file.schema_arrow.names:
            raise ValueError(f"{path} has no column 'text'.")
        for batch in file.iter_batches(columns=["text"]):
            for text in batch["text"].to_pylist():
                if not isinstance(text, str | None):
                    raise ValueError(f"{path}: its column 'text' is none of strings.")
                yield text or ""


def parse_json(line: str) -> dict[str, Any]:
    """Parse a JSON object; anything else is empty."""
    try:
        row = srsly.json_loads(line)
    except ValueError:
        row = {}
    return row if isinstance(row, dict) else {}


def pieces(text: str, max_length: int = MAX_LENGTH) -> Iterator[str]:
    """Cut a long text at the best bound that there is: nothing is lost but white space.

    Args:
        text: The text.
        max_length: Characters in a piece, at most.
    """
    start = 0
    while len(text) - start > max_length:
        end = start + max_length
        for bound in BOUNDS:
            # In the last half: a piece is not to be a word.
            cuts = [
                match.end()
                for match in bound.finditer(text, end - max_length // 2, end)
            ]
            if cuts:
                end = cuts[-1]
                break
        yield text[start:end].strip()
        start = end
    yield text[start:].strip()


class Seen:
    """What texts are known or came before, by case and white space the same.

    Known ones are all held, by their hashes. Of those that come, each place of a table
    holds the last: memory is the same however many come, a new one is never taken for
    an old one, and of two that are the same the second may come through, if far off.
    """

    def __init__(self, known: Iterable[str]) -> None:
        """Begin with texts that are known."""
        self.known = np.unique(np.fromiter(map(hash_of, known), np.uint64))
        self.table = array("Q", bytes(8 * N_PLACES))

    def is_new(self, text: str) -> bool:
        """Say whether a text is new; from then on it is not."""
        key = hash_of(text)
        place = key % N_PLACES
        if self.table[place] == key or self.is_known(key):
            return False
        self.table[place] = key
        return True

    def is_known(self, key: int) -> bool:
        """Say whether a hash is that of a known text."""
        place = int(np.searchsorted(self.known, np.uint64(key)))
        return place < len(self.known) and int(self.known[place]) == key
