r"""Columns: a token a line and its tag at the end, an empty line after a sentence.

CoNLL-2003, IOB, IOB2, BIOES and BILUO; a tab or spaces between columns. The text is
the tokens with a space between each two; `-DOCSTART-` or `# newdoc` begins a document.
Where the first column numbers the tokens, as in GermEval, UNER and WikiNEuRal, the tag
is the one after the token: nested tags come later.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import accumulate
from pathlib import Path
from typing import Any

from scripts.annotations.records import RejectedError, Row

TAG = re.compile(r"O|[BIESULM]-.+|-")
DOC_START, NEW_DOC = "-DOCSTART-", "# newdoc"
# A comment that names something, and may end as a token does.
COMMENT = re.compile(r"#\s*[\w ]+ = ")
# Number of a line, its fields, and the line.
Line = tuple[int, list[str], str]
# Lines enough to recognize the format.
N_LINES = 50


def is_mine(path: Path, head: bytes) -> bool:
    """Recognize a file by the tags at the end of its first lines."""
    lines = head.decode("utf-8-sig", errors="replace").splitlines()[:N_LINES]
    rows = [row for row in map(split_line, lines) if row and row[0] != DOC_START]
    tagged = [row for row in rows if has_tag(row)]
    others = [r for r in rows if not has_tag(r) and not r[0].startswith("#")]
    # A line or two without a tag are for `read` to name; the last may be cut off.
    return len(tagged) > len(others)


def split_line(line: str) -> list[str]:
    """Split a line at its tabs, or at spaces if it has none."""
    fields = line.split("\t") if "\t" in line else line.split(" ")
    return [field.strip() for field in fields if field.strip()]


def has_tag(fields: list[str]) -> bool:
    """Check whether a line ends in a tag, or has one after a number and a token."""
    is_outer = len(fields) > 2 and fields[0].isdigit() and TAG.fullmatch(fields[2])
    return len(fields) > 1 and bool(is_outer or TAG.fullmatch(fields[-1]))


def read(path: Path, content: bytes) -> Iterator[Row]:
    """Read each sentence as a row, numbered by its first line."""
    found, sentence, n_docs = [], [], 0
    lines = StringIO(content.decode("utf-8-sig"), newline="")
    for number, line in enumerate([*lines, ""], start=1):
        fields = split_line(line)
        is_comment = line.startswith("#") and not has_tag(fields)
        is_comment = is_comment or bool(COMMENT.match(line))
        if fields and not is_comment and fields[0] != DOC_START:
            sentence.append((number, fields, line.strip()))
            continue
        if sentence:
            found.append((n_docs, sentence))
            sentence = []
        n_docs += fields[:1] == [DOC_START] or line.startswith(NEW_DOC)
    sentences = [sentence for _, sentence in found]
    layout = are_numbered(sentences), count_columns(sentences)
    if not layout[0] and number_sentences(sentences):
        raise ValueError(
            f"{path} has sentence numbers in the first column: put the token first, "
            "and an empty line after each sentence."
        )
    for document, sentence in found:
        # One mark may be for the whole file, which is then the document.
        only = path.name if n_docs else ""
        doc_id = f"{path.name}:{document}" if n_docs > 1 else only
        yield to_row(path, sentence, doc_id, *layout)


def are_numbered(sentences: list[list[Line]]) -> bool:
    """Check whether the first column of most sentences counts their tokens."""
    long = [sentence for sentence in sentences if len(sentence) > 1]
    n_counting = 0
    for sentence in long:
        numbers = [fields[0] for _, fields, _ in sentence]
        counts = [[str(i + first) for i in range(len(numbers))] for first in (0, 1)]
        n_counting += numbers in counts
    return n_counting > len(long) / 2


def number_sentences(sentences: list[list[Line]]) -> bool:
    """Check whether the first column has numbers, the same for several tokens."""
    rows = [fields for sentence in sentences for _, fields, _ in sentence]
    has_words = any(len(row) > 2 and row[1] != row[1].upper() for row in rows)
    columns = [[fields[0] for _, fields, _ in sentence] for sentence in sentences]
    repeats = any(len({*column}) < len(column) for column in columns)
    return has_words and repeats and all(row[0].isdigit() for row in rows)


def count_columns(sentences: list[list[Line]]) -> int:
    """Count the columns of most lines with spaces: a token may hold some more."""
    counts = Counter(
        len(fields)
        for sentence in sentences
        for _, fields, line in sentence
        if "\t" not in line and has_tag(fields)
    )
    return max(counts, key=lambda n: (counts[n], -n), default=0)


def parse_line(line: Line, is_numbered: bool, n_columns: int) -> tuple[str, str]:
    """Find the token and its tag in a line; one that is not there is empty."""
    _, fields, text = line
    n_more = max(0, len(fields) - n_columns) if "\t" not in text else 0
    word, *rest = fields[is_numbered:] or [""]
    if not has_tag(fields) or len(rest) <= n_more:
        return word, ""
    word, rest = " ".join([word, *rest[:n_more]]), rest[n_more:]
    tag = rest[0] if is_numbered and TAG.fullmatch(rest[0]) else rest[-1]
    return word, tag if TAG.fullmatch(tag) else ""


def to_row(
    path: Path, lines: list[Line], doc_id: str, is_numbered: bool, n_columns: int
) -> Row:
    """Convert the lines of a sentence, with their numbers and fields, to a row."""
    pairs = [parse_line(line, is_numbered, n_columns) for line in lines]
    words, tags = [word for word, _ in pairs], [tag or "O" for _, tag in pairs]
    value, error = {**from_tags(words, tags), "doc_id": doc_id or None}, None
    both = zip(lines, pairs, strict=True)
    if untagged := [line for line, (_, tag) in both if not tag]:
        # Fed back as it is, the row is rejected again.
        value["spans"] += [{"line": text} for _, _, text in untagged]
        number, fields, _ = untagged[0]
        reason = f"no tag such as O or B-LABEL at the end of line {number}"
        if TAG.fullmatch(fields[-1]):
            reason = f"no token before the tag of line {number}"
        error = RejectedError(reason, len(value["spans"]))
    return Row(str(path), lines[0][0], value, error)


def from_tags(
    words: list[str], tags: list[str], starts: Sequence[int] = (), text: str = ""
) -> dict[str, Any]:
    """Convert tokens and tags to a plain row, with a space between each two tokens.

    If the text is given, `starts` say where in it each token begins.

    A tag inside an entity continues the one before if that has its label, else it
    begins one: so each scheme is read, and no tag is lost. spaCy's `-` is a token that
    nobody annotated. Not spaCy's own converters, which know no `E`, `S` and `M`.
    """
    spans: list[dict[str, Any]] = []
    ends = [*accumulate((len(word) + 1 for word in words), initial=0)]
    is_open, starts = False, starts or ends[:-1]
    for word, tag, start in zip(words, tags, starts, strict=True):
        position, _, label = tag.partition("-")
        continues = is_open and position in "ILEM" and label == spans[-1]["label"]
        if continues:
            spans[-1]["end"] = start + len(word)
        elif label:
            spans.append({"start": start, "end": start + len(word), "label": label})
        is_open = bool(label) and position in "BIM"
    row = {"text": text or " ".join(words), "spans": spans, "partial": "-" in tags}
    return {**row, "layer": "ner"}
