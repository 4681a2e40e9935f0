"""Paragraphs of spaCy 2's training JSON: `{"raw", "sentences": [{"tokens": […]}]}`.

A token has `orth` and `ner`, a BILUO tag; its tag and relation are not read. Without
`raw` the text is the tokens with a space between each two.
"""

from typing import Any

from scripts.annotations.formats import plain
from scripts.annotations.formats.columns import TAG, from_tags
from scripts.annotations.records import Record, RejectedError, short


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a paragraph by its sentences."""
    return "sentences" in keys and "text" not in keys


def parse(value: Any) -> Record:
    """Parse a paragraph."""
    tokens = tokens_of(value.get("sentences"))
    words, tags = ([token.get(key) for token in tokens] for key in ("orth", "ner"))
    if not all(isinstance(word, str) and word for word in words):
        raise RejectedError("a token has no orth, its text", len(tokens))
    if other := [tag for tag in tags if not TAG.fullmatch(str(tag or "-"))]:
        reason = f"not a tag such as O or U-LABEL: {short(other[0])}"
        raise RejectedError(reason, len(tokens))
    # spaCy writes a tag that is missing as `-` or null.
    tags, raw = [tag or "-" for tag in tags], value.get("raw")
    starts = find_words(words, raw) if isinstance(raw, str) else ()
    row = from_tags(words, tags, starts, raw if starts else "")
    is_annotated = any(tag != "-" for tag in tags)
    record = plain.parse({**row, "doc_id": value.get("doc_id")})
    return record._replace(annotated=is_annotated)


def tokens_of(sentences: Any) -> list[dict[str, Any]]:
    """List the tokens of all sentences."""
    if not isinstance(sentences, list):
        raise RejectedError("the sentences are not a list")
    lists = [s.get("tokens") if isinstance(s, dict) else None for s in sentences]
    if not all(isinstance(some, list) for some in lists):
        raise RejectedError("a sentence has no list of tokens")
    tokens = [token for some in lists for token in some]
    if not all(isinstance(token, dict) for token in tokens):
        raise RejectedError("the tokens are not objects")
    return tokens


def find_words(words: list[str], text: str) -> list[int]:
    """Find where each word begins in a text."""
    starts, at = [], 0
    for word in words:
        at = text.find(word, at)
        if at < 0:
            raise RejectedError(f"not in the raw text: {short(word)}", len(words))
        starts.append(at)
        at += len(word)
    return starts
