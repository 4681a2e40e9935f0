"""The NER: its facts are entities, `(start, end, label)` over the tokens of a doc."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
from spacy.attrs import ORTH
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example

ATTRS = ("ENT_IOB", "ENT_TYPE")
LABEL_ATTR = "ENT_TYPE"
# Span group of a doc for spans that a person rejected.
INCORRECT = "incorrect_spans"
# Factories of components that set no entities.
UNRELATED = {
    "attribute_ruler",
    "lemmatizer",
    "morphologizer",
    "parser",
    "senter",
    "sentencizer",
    "tagger",
    "textcat",
    "textcat_multilabel",
    "trainable_lemmatizer",
}
# Python that shows what a pipeline finds in a text.
SHOW = "[(ent.text, ent.label_) for ent in nlp({text!r}).ents]"
# Start and end in tokens, end exclusive, and label.
Fact = tuple[int, int, str]


def facts(doc: Doc) -> set[Fact]:
    """Return the entities of a doc."""
    return to_facts(doc.ents)


def to_facts(spans: Iterable[Span]) -> set[Fact]:
    """Convert spans to facts."""
    return {(span.start, span.end, span.label_) for span in spans}


def rejected_facts(doc: Doc) -> set[Fact]:
    """Return the entities that a person rejected."""
    return to_facts(doc.spans.get(INCORRECT, ()))


def unseen_tokens(doc: Doc) -> set[int]:
    """Return the tokens that nobody annotated: their entity is a missing value."""
    return set(np.flatnonzero(doc.to_array("ENT_IOB") == 0).tolist())


def aligned_facts(predicted: Doc, gold: Doc) -> set[Fact]:
    """Return the predicted entities in tokens of gold, aligned as by the Scorer."""
    spans: Iterable[Span] = predicted.ents
    if spans and not np.array_equal(predicted.to_array(ORTH), gold.to_array(ORTH)):
        for ent in spans:
            # The vocab of another pipeline may hold labels that this one lacks.
            gold.vocab.strings.add(ent.label_)
        spans = Example(predicted, gold).get_aligned_spans_x2y(spans)
    return to_facts(spans)


def tokens(fact: Fact) -> range:
    """Return the tokens that an entity is about."""
    return range(*fact[:2])


def overlap(one: Fact, other: Fact) -> int:
    """Count the tokens that two entities share."""
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def to_spans(
    doc: Doc, some: Iterable[Fact], start: int = 0, end: int | None = None
) -> list[tuple[int, int, str]]:
    """Convert entities to character offsets in a passage: start, end and label.

    The passage is given in tokens, its end exclusive; entities outside are left out.
    """
    end = len(doc) if end is None else end
    zero = doc[start:end].start_char
    spans = (
        (doc[max(first, start) : min(last, end)], label)
        for first, last, label in sorted(some)
        if first < end and start < last
    )
    return [(s.start_char - zero, s.end_char - zero, label) for s, label in spans]


def split_points(doc: Doc) -> list[int]:
    """List the tokens that a doc can be cut before without cutting an annotation."""
    spans = [*doc.ents, *doc.spans.get(INCORRECT, ())]
    inside = {i for span in spans for i in range(span.start + 1, span.end)}
    return [i for i in range(1, len(doc) + 1) if i not in inside]


def complete(doc: Doc, predicted: Doc, labels: Collection[str]) -> set[Fact]:
    """Complete a person's annotations with what the base predicts.

    A person who annotates a new type says nothing about the others: left unmarked,
    they would be learned as no entity at all. So a label that occurs in the
    annotations counts as annotated everywhere, every other label comes from the base,
    and the person's span wins where two overlap. Tokens with a missing value were not
    looked at: there every label comes from the base, except what the person rejected.
    Returns the entities that the base added to `doc`.
    """
    taken = {token.i for ent in doc.ents for token in ent}
    missing = unseen_tokens(doc)
    added = []
    for start, end, label in sorted(facts(predicted) - rejected_facts(doc)):
        tokens = range(start, end)
        was_annotated = label in labels and not missing.issuperset(tokens)
        if not was_annotated and taken.isdisjoint(tokens):
            added.append(Span(doc, start, end, label=label))
    doc.set_ents(added, default="unmodified")
    return to_facts(added)


def to_row(doc: Doc, added: set[Fact]) -> dict[str, Any]:
    """Convert a completed doc to a row that can be corrected and fed back in.

    The `source` of a span is `base` if the base added it, and else `person`.
    """
    spans = [
        {
            "start": ent.start_char,
            "end": ent.end_char,
            "label": ent.label_,
            "source": "base" if to_facts([ent]) <= added else "person",
        }
        for ent in doc.ents
    ]
    return {"text": doc.text, "spans": spans}


def mark(doc: Doc, predicted: Doc, labels: Collection[str]) -> None:
    """Mark in a rehearsal doc where a specialist finds a new type.

    Where the base finds something too the base is right: a specialist takes every name
    for its own type.
    """
    free = {token.i for token in doc if not token.ent_type}
    marks = [
        Span(doc, start, end, label=label)
        for start, end, label in sorted(facts(predicted))
        if label in labels and free.issuperset(range(start, end))
    ]
    doc.set_ents(marks, default="unmodified")


def keep_agreed(doc: Doc, predicted: Doc, labels: Collection[str]) -> None:
    """Keep a specialist's marks in a rehearsal doc that another pipeline predicts too.

    The tokens of all other marks become missing values, which teach nothing.
    """
    found = facts(predicted)
    agreed, alone = [], []
    for ent in doc.ents:
        is_mark = ent.label_ in labels
        is_alone = is_mark and to_facts([ent]).isdisjoint(found)
        (alone if is_alone else agreed).append(ent)
    doc.set_ents(agreed, missing=alone)


def prepare(nlp: Language, component: str, labels: Iterable[str]) -> None:
    """Add labels to a trained NER, and make it learn from rejected spans."""
    ner = nlp.get_pipe(component)
    for label in labels:
        ner.add_label(label)
    # A sourced NER keeps the settings it was saved with, whatever the config says.
    ner.cfg["incorrect_spans_key"] = INCORRECT
    ner.moves.cfg["neg_key"] = INCORRECT


def score(
    examples: Iterable[Example], labels: Collection[str] | None = None
) -> dict[str, Any]:
    """Score entities with spaCy's Scorer; `ents_f` is the score to go by.

    Only what a person looked at counts: tokens without a missing value, and `labels`.
    """
    examples = list(examples)
    return Scorer.score_spans(examples, "ents", getter=annotated_in(examples, labels))


def annotated_in(
    examples: Iterable[Example], labels: Collection[str] | None
) -> Callable[[Doc, str], list[Span]]:
    """Make the getter with which spaCy's Scorer sees what a person looked at."""
    unseen = {id(eg.predicted): unseen_tokens(eg.reference) for eg in examples}

    def annotated(doc: Doc, attr: str) -> list[Span]:
        tokens = unseen.get(id(doc), set())
        return [
            ent
            for ent in doc.ents
            if (labels is None or ent.label_ in labels)
            and tokens.isdisjoint(range(ent.start, ent.end))
        ]

    return annotated
