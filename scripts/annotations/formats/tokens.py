"""Rows of tokens and tags, as Hugging Face datasets have them.

`{"tokens": [word, …], "ner_tags": [tag, …]}`, tags as strings.
"""

from typing import Any

from scripts.annotations.formats import plain
from scripts.annotations.formats.columns import TAG, from_tags
from scripts.annotations.records import Record, RefusedError, short

TAG_KEYS = ("ner_tags", "tags")


def is_mine(keys: frozenset[str]) -> bool:
    """Know a row by its tags."""
    return "tokens" in keys and "text" not in keys and not keys.isdisjoint(TAG_KEYS)


def parse(value: Any) -> Record:
    """Give a row of tokens as a record; a space between each two."""
    tags = next((value[key] for key in TAG_KEYS if key in value), None)
    words = value.get("tokens")
    for name, items in (("tokens", words), ("tags", tags)):
        if not isinstance(items, list):
            raise RefusedError(f"the {name} are no list")
        if not all(isinstance(item, str) for item in items):
            raise RefusedError(f"the {name} are no strings: write {name} as words")
    if len(words) != len(tags):
        raise RefusedError(f"tokens and tags differ: {len(words)} and {len(tags)}")
    if unknown := [tag for tag in tags if tag and not TAG.fullmatch(tag)]:
        raise RefusedError(f"no tag such as O or B-LABEL: {short(unknown[0])}")
    record = plain.parse(from_tags(words, tags))
    return record._replace(group=plain.group_of(value))
