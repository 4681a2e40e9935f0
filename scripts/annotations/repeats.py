"""Rows of the same text that belong together, before they become docs."""

from itertools import product

from scripts.annotations.records import IgnoredError, Record, Row


def prefer_annotated(rows: list[Row]) -> list[Row]:
    """Ignore a row without annotations where another one of its text has some."""
    annotated = {r.record.text for r in rows if r.record and r.record.annotated}
    reason = "not annotated, and another row of the text is"
    return [
        row._replace(record=None, error=IgnoredError(reason, row.n_spans))
        if row.record and not row.record.annotated and row.record.text in annotated
        else row
        for row in rows
    ]


def merge_partial(rows: list[Row]) -> list[Row]:
    """Merge questions about a text, such as Prodigy's, into the first of them.

    Each says nothing of the rest of the text, so that docs of their own would say
    different things in training. Questions that contradict each other stay apart.
    """
    first: dict[tuple[str, str], int] = {}
    merged = [*rows]
    for number, row in enumerate(rows):
        if not row.record or not row.record.partial:
            continue
        at = first.setdefault((row.file, row.record.text), number)
        one = merged[at].record
        if at == number or contradict(one, row.record):
            continue
        n_both = merged[at].n_spans + row.n_spans
        merged[at] = merged[at]._replace(record=merge(one, row.record))
        # Those that are in both count once.
        n_same = n_both - merged[at].n_spans
        error = IgnoredError("merged with another row of the text", n_same)
        merged[number] = row._replace(record=None, error=error)
    return merged


def merge(one: Record, other: Record) -> Record:
    """Merge what two records of a text say."""
    return one._replace(
        spans=(*dict.fromkeys((*one.spans, *other.spans)),),
        wrong=(*dict.fromkeys((*one.wrong, *other.wrong)),),
        ignored=(*one.ignored, *other.ignored),
        notes=(*one.notes, *other.notes),
    )


def contradict(one: Record, other: Record) -> bool:
    """Check whether two records mark the same part of a text in different ways."""
    pairs = product(one.spans, other.spans)
    overlap = any(a != b and a.start < b.end and b.start < a.end for a, b in pairs)
    return overlap or any(
        a[:3] == b[:3]
        for a, b in (
            *product(one.spans, other.wrong),
            *product(one.wrong, other.spans),
        )
    )
