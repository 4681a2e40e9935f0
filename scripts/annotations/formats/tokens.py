"""Rows of tokens and tags, as Hugging Face datasets have them.

`{"tokens": [word, …], "ner_tags": [tag, …]}`, tags as strings.
"""

from typing import Any

from scripts.annotations.formats import plain
from scripts.annotations.formats.columns import TAG, from_tags
from scripts.annotations.records import Record, RejectedError, short

TAG_KEYS = ("ner_tags", "tags")


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a row by its tags."""
    return "tokens" in keys and "text" not in keys and not keys.isdisjoint(TAG_KEYS)


def parse(value: Any) -> Record:
    """Parse a row of tokens; a space is put between each two."""
    tags = next((value[key] for key in TAG_KEYS if key in value), None)
    words = value.get("tokens")
    for name, items in (("tokens", words), ("tags", tags)):
        if not isinstance(items, list):
            raise RejectedError(f"the {name} are not a list")
        if not all(isinstance(item, str) for item in items):
            raise RejectedError(f"the {name} are not strings: write {name} as words")
    if len(words) != len(tags):
        raise RejectedError(f"tokens and tags differ: {len(words)} and {len(tags)}")
    if unknown := [tag for tag in tags if tag and not TAG.fullmatch(tag)]:
        raise RejectedError(f"not a tag such as O or B-LABEL: {short(unknown[0])}")
    record = plain.parse(from_tags(words, tags))
    return record._replace(group=plain.group_of(value))
