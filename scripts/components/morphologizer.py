"""The morphologizer: its facts are `(token, label)`, features and part of speech.

A label is written as spaCy does: `Number=Sing|POS=NOUN`.
"""

import re

from spacy.language import Language
from spacy.morphology import Morphology
from spacy.parts_of_speech import IDS
from spacy.tokens import Token
from typing_extensions import override

from scripts.components.kind import FACTORIES, NewLabels
from scripts.components.tagger import Tagger

FEATURES = re.compile(r"[^=|]+=[^=|]+(\|[^=|]+=[^=|]+)*")


class Morphologizer(Tagger):
    """The morphologizer. What has no docstring here is described in `Kind`."""

    FACTORY = "morphologizer"
    NAME = "morphological features"
    PREFIX = "morph"
    ATTRS = ("MORPH", "POS")
    LABEL_ATTR = "MORPH"
    SHOW = "[(token.text, token.pos_, str(token.morph)) for token in nlp({text!r})]"
    UNRELATED = FACTORIES - {"morphologizer"}

    @override
    def to_label(self, text: str) -> str:
        if not FEATURES.fullmatch(text):
            return text
        return Morphology.dict_to_feats(Morphology.feats_to_dict(text))

    @override
    def check_label(self, label: str) -> None:
        is_good = label == "_" or bool(FEATURES.fullmatch(label))
        features = Morphology.feats_to_dict(label) if is_good else {}
        if not is_good or features.get("POS", "") not in IDS:
            raise ValueError(
                "a label that spaCy cannot learn, write it as Number=Sing|POS=NOUN: "
                f"{label}"
            )

    @override
    def label_of(self, token: Token) -> str:
        if not token.has_morph() and not token.pos:
            return ""
        features = Morphology.feats_to_dict(str(token.morph))
        if token.pos:
            features["POS"] = token.pos_
        return Morphology.dict_to_feats(features) or "_"

    @override
    def set_label(self, token: Token, label: str) -> None:
        features = Morphology.feats_to_dict(label)
        token.pos_ = features.pop("POS", "")
        if label:
            token.set_morph(Morphology.dict_to_feats(features) or "_")
        else:
            # None is a missing value, an empty one means no features.
            token.set_morph(None)

    @override
    def add_label(self, nlp: Language, component: str, label: str) -> None:
        features = Morphology.feats_to_dict(label)
        pos = features.pop("POS", "")
        nlp.vocab.strings.add(label)
        nlp.vocab.morphology.add(label)
        cfg = nlp.get_pipe(component).cfg
        cfg["labels_pos"][label] = IDS[pos]
        cfg["labels_morph"][label] = Morphology.dict_to_feats(features)

    @override
    def finish(self, nlp: Language, new: NewLabels) -> list[str]:
        """Do nothing: a label has its own part of speech."""
        return []
