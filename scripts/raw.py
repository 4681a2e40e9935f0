"""Raw text as the steps read it: JSON Lines with `text`, or `.txt`."""

from collections.abc import Iterable, Iterator
from typing import Any

import srsly

from scripts.annotations.split import text_key
from scripts.files import find_files


def read_texts(pattern: str) -> Iterator[str]:
    """Read raw texts from a file, folder or glob.

    Raises:
        ValueError: If a line is not UTF-8, or JSON without a `text`.
    """
    for path in find_files(pattern):
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                except UnicodeDecodeError as error:
                    raise ValueError(f"{path}:{number}: not UTF-8: {error}.") from error
                if text and path.suffix != ".txt":
                    text = parse_json(text).get("text")
                    if not isinstance(text, str):
                        raise ValueError(f'{path}:{number}: no {{"text": …}} in JSON.')
                if text.strip():
                    yield text


def parse_json(line: str) -> dict[str, Any]:
    """Parse a JSON object; anything else is empty."""
    try:
        row = srsly.json_loads(line)
    except ValueError:
        row = {}
    return row if isinstance(row, dict) else {}


def unseen(texts: Iterable[str], seen: set[str]) -> Iterator[str]:
    """Leave out texts that were seen before, by case and white space the same.

    Args:
        texts: The texts.
        seen: Hashes of texts, from `text_key`; grows by those that come.

    Yields:
        The texts that are new.
    """
    for text in texts:
        key = text_key(text)
        if key not in seen:
            seen.add(key)
            yield text
