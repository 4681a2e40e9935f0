"""Rows of tokens and tags, as Hugging Face datasets have them.

`{"tokens": [word, …], "ner_tags": [tag, …]}`, tags as strings. `tags` are those of
entities if one is `O` or begins as they do, such as `B-`, and else parts of speech;
`heads` and `deps` are relations, heads counted from 0, or from 1 with 0 for a root.
"""

from typing import Any

from scripts.annotations.formats import plain
from scripts.annotations.formats.columns import TAG, from_tags
from scripts.annotations.formats.plain import BLANK
from scripts.annotations.records import Record, RejectedError, short

TAG_KEYS = ("ner_tags", "tags")
# Keys of what is marked on each token, and how `Doc.to_json` calls it.
TOKEN_KEYS = {"tags": "tag", "pos_tags": "tag", "xpos": "tag", "upos": "pos"}
TOKEN_KEYS |= {"pos": "pos", "feats": "morph", "morphs": "morph", "deps": "dep"}
TOKEN_KEYS |= {"deprel": "dep", "heads": "head", "head": "head"}


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a row by its tags."""
    known = {*TAG_KEYS, *TOKEN_KEYS}
    return "tokens" in keys and "text" not in keys and not keys.isdisjoint(known)


def parse(value: Any) -> Record:
    """Parse a row of tokens; a space is put between each two."""
    words = check_list(value, "tokens")
    tags = next((check_list(value, k, words) for k in TAG_KEYS if k in value), None)
    has_entities = "ner_tags" in value or any(
        tag == "O" or (TAG.fullmatch(tag) and tag != "-") for tag in tags or ()
    )
    if not has_entities:
        return plain.parse(from_columns(value, words))._replace(
            group=plain.group_of(value)
        )
    if unknown := [tag for tag in tags if tag and not TAG.fullmatch(tag)]:
        raise RejectedError(f"not a tag such as O or B-LABEL: {short(unknown[0])}")
    record = plain.parse(from_tags(words, tags))
    return record._replace(group=plain.group_of(value))


def check_list(value: Any, key: str, words: list[str] | None = None) -> list[Any]:
    """Return a list of strings, as long as the words, or reject the row."""
    items, name = value.get(key), "tags" if key in TAG_KEYS else key
    if not isinstance(items, list):
        raise RejectedError(f"the {name} are not a list")
    if key not in ("heads", "head") and not all(isinstance(i, str) for i in items):
        raise RejectedError(f"the {name} are not strings: write {name} as words")
    if words is not None and len(words) != len(items):
        raise RejectedError(f"tokens and {name} differ: {len(words)} and {len(items)}")
    return items


def from_columns(value: dict[str, Any], words: list[str]) -> dict[str, Any]:
    """Convert words with tags and relations to a row as `Doc.to_json` has it."""
    tokens, start = [], 0
    for word in words:
        tokens.append({"start": start, "end": start + len(word)})
        start += len(word) + 1
    for key in [key for key in TOKEN_KEYS if key in value]:
        for token, item in zip(tokens, check_list(value, key, words), strict=True):
            token[TOKEN_KEYS[key]] = None if item in BLANK else item
    heads = [token.get("head") for token in tokens]
    # Where no token is its own head, 0 is a root, and the first token is 1.
    is_from_0 = any(head == i for i, head in enumerate(heads))
    for i, token in enumerate(tokens):
        if type(token.get("head")) is int and not is_from_0:
            token["head"] = token["head"] - 1 if token["head"] else i
    return {"text": " ".join(words), "tokens": tokens, "sentence": True}
