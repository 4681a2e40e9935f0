r"""CoNLL-U: ten columns with tabs between them, a token a line.

Tags, features, heads and relations are read; `_` is no annotation. A word of a
multiword token that does not stand in the text, and an empty node, are ignored.
https://universaldependencies.org/format.html
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.annotations.records import RejectedError, Row, short

LINE_END = re.compile(r"\r\n|\r|\n")
NUMBER = re.compile(r"\d+([-.]\d+)?")
N_COLUMNS = 10
# Names of a sentence's document and text in its comments.
DOCUMENT, TEXT = "newdoc id", "text"
NEW_DOC = "# newdoc"


def is_mine(path: Path, head: bytes) -> bool:
    """Recognize a file by its first line that is not a comment."""
    lines = LINE_END.split(head.decode("utf-8-sig", errors="replace"))
    line = next((line for line in lines if line.strip() and line[0] != "#"), "")
    return is_token(line)


def is_token(line: str) -> bool:
    """Check whether a line is that of a token."""
    fields = line.split("\t")
    return len(fields) == N_COLUMNS and bool(NUMBER.fullmatch(fields[0]))


def read(path: Path, content: bytes) -> Iterator[Row]:
    """Read each sentence as a row, numbered by its first line."""
    document, comments, lines = "", {}, []
    text = content.decode("utf-8-sig")
    # One mark may be for the whole file, which is then the document.
    only = path.name if text.count(NEW_DOC) == 1 else ""
    for number, line in enumerate([*LINE_END.split(text), ""], start=1):
        if line.startswith("#"):
            name, _, value = line[1:].partition("=")
            comments[name.strip()] = value.strip()
        elif line.strip():
            lines.append((number, line))
        elif lines:
            document = only or comments.get(DOCUMENT, document)
            yield to_row(path, lines, comments.get(TEXT, ""), document)
            comments, lines = {}, []


def to_row(path: Path, lines: list[tuple[int, str]], text: str, document: str) -> Row:
    """Convert the lines of a sentence, with their numbers, to a row."""
    fields = [line.split("\t") for _, line in lines]
    try:
        if others := [line for _, line in lines if not is_token(line)]:
            reason = f"not ten columns with a number first: {short(others[0])}"
            raise RejectedError(reason, len(lines))
        text, places, ignored = find_words(fields, text)
    except RejectedError as error:
        # Without a text: fed back as it is, the row is rejected again.
        value = {"lines": [line for _, line in lines]}
        return Row(str(path), lines[0][0], value, error)
    words = [field for field in fields if field[0] in places]
    numbers = {field[0]: i for i, field in enumerate(words)}
    tokens = []
    for word in words:
        number, _, _, pos, tag, features, head, dep, *_ = word
        start, end = places[number]
        token = {"start": start, "end": end, "pos": pos, "tag": tag, "morph": features}
        if dep == "_" or head == "_":
            ignored += ["half a relation"] * (dep != head)
        elif head in numbers or head == "0":
            token |= {"head": numbers.get(head, numbers[number]), "dep": dep}
        elif head in {field[0] for field in fields}:
            ignored.append("relation to an ignored word")
        else:
            token |= {"head": head, "dep": dep}
        tokens.append({key: value for key, value in token.items() if value != "_"})
    value: dict[str, Any] = {"text": text, "tokens": tokens, "sentence": True}
    value |= {"ignored": ignored, "doc_id": document or None}
    return Row(str(path), lines[0][0], value)


def find_words(
    fields: list[list[str]], text: str
) -> tuple[str, dict[str, tuple[int, int]], list[str]]:
    """Find the words of a sentence in its text, which is made if it is not given.

    Returns:
        The text; start and end of each word by its number; why others are ignored.
    """
    if not text:
        text = make_text(fields)
    places, ignored, at, inside = {}, [], 0, (0, 0)
    for number, form, *_ in fields:
        start = text.find(form, at)
        end = start + len(form) if start >= 0 and not text[at:start].strip() else 0
        if "." in number:
            ignored.append("empty node")
        elif "-" in number:
            ignored.append("multiword token")
            inside = (int(number.partition("-")[2]), end)
        elif end and form:
            places[number], at = (start, end), end
        elif int(number) <= inside[0]:
            # The words of a multiword token may not stand in the text: du is de + le.
            ignored.append("word of a multiword token")
        else:
            reason = f"not in the text of the sentence: {short(form)}"
            raise RejectedError(f"{reason}, correct it or # text", len(fields))
        if number == str(inside[0]):
            at = max(at, inside[1])
    return text, places, ignored


def make_text(fields: list[list[str]]) -> str:
    """Make the text of a sentence from its tokens."""
    parts, inside = [], 0
    for number, form, *_, misc in fields:
        if "." in number or (number.isdigit() and int(number) <= inside):
            continue
        if "-" in number:
            inside = int(number.partition("-")[2])
        parts.append(form if "SpaceAfter=No" in misc else f"{form} ")
    return "".join(parts).strip()
