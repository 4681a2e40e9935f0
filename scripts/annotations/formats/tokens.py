"""Rows of tokens and tags, as Hugging Face datasets have them.

`{"tokens": [word, …], "ner_tags": [tag, …]}`, tags as strings, also under `ner` or
`labels`. `tags` are those of entities if one is `O` or begins as they do, such as `B-`,
and else parts of speech; `heads` and `deps` are relations, heads counted from 0, or
from 1 with 0 for a root.
"""

from typing import Any

from scripts.annotations.formats import plain
from scripts.annotations.formats.columns import TAG, from_tags
from scripts.annotations.formats.plain import BLANK
from scripts.annotations.records import Record, RejectedError, short

TAG_KEYS = ("ner_tags", "ner", "labels", "tags")
# Keys of what is marked on each token, and how `Doc.to_json` calls it.
TOKEN_KEYS = {"tags": "tag", "pos_tags": "tag", "xpos": "tag", "upos": "pos"}
TOKEN_KEYS |= {"pos": "pos", "feats": "morph", "morphs": "morph", "deps": "dep"}
TOKEN_KEYS |= {"deprel": "dep", "heads": "head", "head": "head"}


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a row by its tags."""
    known = {*TAG_KEYS, *TOKEN_KEYS}
    # Beside tags a label is that of the whole text.
    span_keys = {*plain.SPAN_KEYS} - (
        {"label", "labels"} if "ner_tags" in keys else set()
    )
    has_spans = "text" in keys and not keys.isdisjoint(span_keys)
    return "tokens" in keys and not has_spans and not keys.isdisjoint(known)


def parse(value: Any) -> Record:
    """Parse a row of tokens; a space is put between each two."""
    words = check_list(value, "tokens")
    if None in words:
        raise RejectedError("the tokens are not strings: write tokens as words")
    key = next((key for key in TAG_KEYS if key in value), "")
    tags = check_list(value, key, words) if key else []
    is_bio = any(
        tag == "O" or (TAG.fullmatch(tag or "") and tag != "-") for tag in tags
    )
    has_entities = key not in ("", "tags") or is_bio
    rest = {k: v for k, v in value.items() if k != key or not has_entities}
    row = from_columns(rest, words)
    if not has_entities:
        return plain.parse(row)._replace(group=plain.group_of(value))
    if unknown := [tag for tag in tags if tag and not TAG.fullmatch(tag)]:
        raise RejectedError(f"not a tag such as O or B-LABEL: {short(unknown[0])}")
    entities = from_tags(words, [tag or "" for tag in tags])
    record = plain.parse({**row, **entities})
    return record._replace(group=plain.group_of(value))


def check_list(value: Any, key: str, words: list[str] | None = None) -> list[Any]:
    """Return a list of strings, as long as the words, or reject the row."""
    items, name = value.get(key), "tags" if key in TAG_KEYS else key
    if not isinstance(items, list):
        raise RejectedError(f"the {name} are not a list")
    known = int | str | None if key in ("heads", "head") else str | None
    if not all(isinstance(item, known) for item in items):
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
    if any("head" in token for token in tokens):
        for token, head in zip(tokens, heads_from_0(tokens), strict=True):
            token["head"] = head
    return {"text": " ".join(words), "tokens": tokens, "sentence": True}


def heads_from_0(tokens: list[dict[str, Any]]) -> list[int | None]:
    """Return the heads of tokens, counted from 0, a root its own head.

    Some tools count them from 1, with 0 for a root: which it is, the label of the root
    tells.
    """
    heads = []
    for token in tokens:
        head = token.get("head")
        is_digits = isinstance(head, str) and head.isdecimal()
        heads.append(int(head) if is_digits else head)
    numbers = [head for head in heads if head is not None]
    if not all(type(n) is int and 0 <= n <= len(tokens) for n in numbers):
        raise RejectedError(f"a head outside the sentence: {short(heads)}", len(heads))
    labels = [str(token.get("dep") or "").lower() for token in tokens]
    roots = [i for i, label in enumerate(labels) if label == "root"]
    from_0 = [i for i, head in enumerate(heads) if head == i] == roots
    from_1 = [i for i, head in enumerate(heads) if head == 0] == roots
    if not roots or not (from_0 or from_1):
        raise RejectedError(
            "heads from 0 or from 1? no relation is root where it is one"
        )
    if from_0 and (not from_1 or len(tokens) not in heads):
        return heads
    return [
        head - 1 if head else i if head == 0 else None for i, head in enumerate(heads)
    ]
