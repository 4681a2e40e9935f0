"""Dataturks' rows: `{"content", "annotation": [{"label": […], "points": […]}]}`.

A point has `start`, `end` and `text`; the end is inclusive. Without an entity
`annotation` is null.
"""

from typing import Any

from scripts.annotations.formats.plain import make_record, make_span, parse_list
from scripts.annotations.records import Record, RejectedError, Span, short


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a row by its text and its annotation."""
    return {"content", "annotation"} <= keys


def parse(value: Any) -> Record:
    """Parse one of Dataturks' rows."""
    items = value.get("annotation")
    spans = () if items is None else parse_list(points_of(items), parse_point)
    return make_record(value, spans)._replace(annotated=items is not None)


def points_of(items: Any) -> list[tuple[Any, Any]]:
    """List the points of a row, each with its labels."""
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise RejectedError("the annotation is not a list of objects")
    points = [(item.get("label"), item.get("points")) for item in items]
    if not all(isinstance(some, list) for _, some in points):
        raise RejectedError("the points are not a list", len(items))
    return [(labels, point) for labels, some in points for point in some]


def parse_point(point: tuple[Any, Any]) -> Span:
    """Parse a point with its labels, of which there has to be one."""
    labels, place = point
    if not isinstance(labels, list) or len(labels) != 1 or not isinstance(place, dict):
        raise RejectedError(f"not one label: {short(point)}")
    end, text = place.get("end"), place.get("text")
    # Not isinstance: True and False are numbers, too.
    end = end + 1 if type(end) is int else end
    return make_span(place.get("start"), end, labels[0], text)
