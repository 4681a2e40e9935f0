"""A dev and a test set split off the training annotations."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from spacy.tokens import Doc


def text_key(text: str) -> str:
    """Hash a text so that case and white space make no difference."""
    normal = " ".join(text.split()).casefold()
    return hashlib.md5(normal.encode("utf-8", "surrogatepass")).hexdigest()


def split_off(docs: Sequence[Doc], share: float) -> tuple[list[Doc], list[Doc]]:
    """Take a share of the docs, the same on every run and machine.

    Docs go by the hash of their text, each under its rarest label, so that every
    label stands on both sides where it can; equal texts stay together.

    Args:
        docs: The annotated docs.
        share: The share to take, from 0 to 1, by label; at least one text each.

    Returns:
        The docs that stay and the docs that are taken, both in input order.
    """
    counts = Counter(ent.label_ for doc in docs for ent in doc.ents)
    rarest: dict[str, tuple[int, str]] = {}
    for doc in docs:
        label = min(((counts[e.label_], e.label_) for e in doc.ents), default=(0, ""))
        key = text_key(doc.text)
        rarest[key] = max(label, rarest.get(key, label))
    strata = defaultdict(list)
    for key in sorted(rarest):
        strata[rarest[key]].append(key)
    taken = {
        key
        for keys in strata.values()
        for key in keys[: max(round(share * len(keys)), int(len(keys) > 1))]
    }
    stay = [doc for doc in docs if text_key(doc.text) not in taken]
    return stay, [doc for doc in docs if text_key(doc.text) in taken]
