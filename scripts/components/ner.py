"""The NER: its facts are entities, `(start, end, label)` over the tokens of a doc."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import numpy as np
import spacy
from spacy.attrs import ORTH
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import Model

ATTRS = ("ENT_IOB", "ENT_TYPE")
LABEL_ATTR = "ENT_TYPE"
# Span group of a doc for spans that a person rejected.
INCORRECT = "incorrect_spans"
# Span group of a rehearsal doc for what a specialist finds in it.
MARKS = "marks"
# Layers of a second NER's tok2vec: half of those of spaCy's own pipelines, for speed.
N_LAYERS = 2
# Its tok2vec where the base's NER listens to a transformer.
SMALL = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "width": 96,
    "depth": N_LAYERS,
    "embed_size": 2000,
    "window_size": 1,
    "maxout_pieces": 3,
    "subword_features": True,
    "pretrained_vectors": None,
}
# An entity in all the likely parses of a beam has at least this share of their scores.
# An updated NER that is rehearsed changes 4 to 5 % of these, and 11 to 12 % of all.
BEAM_WIDTH, SURE = 16, 0.99
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


def covered(doc: Doc, predicted: Doc) -> Counter[tuple[str, str]]:
    """Count the base's labels that a person's entities overlap.

    Returns:
        How many entities with a label overlap predicted ones with another label, by
        both labels; without the second, how many entities have the label.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for fact in facts(doc):
        others = {o[-1] for o in facts(predicted) if overlap(fact, o)} - {fact[-1]}
        counts.update((fact[-1], label) for label in ("", *others))
    return counts


def mark(
    doc: Doc, predicted: Doc, labels: Collection[str], carved: dict[str, list[str]]
) -> None:
    """Mark in a rehearsal doc where a specialist finds new types: a span group.

    Where the base finds an entity it is right, for a specialist takes every name for
    its own type: unless the base's label is one that the new type was carved out of.
    """
    found = facts(doc)
    doc.spans[MARKS] = [
        Span(doc, start, end, label=label)
        for start, end, label in sorted(facts(predicted))
        if label in labels
        and {o[-1] for o in found if overlap((start, end, label), o)}
        <= {*carved.get(label, ())}
    ]


def marked_facts(doc: Doc) -> set[Fact]:
    """Return what a specialist found of new types in a rehearsal doc."""
    return to_facts(doc.spans.get(MARKS, ()))


def keep_agreed(doc: Doc, predicted: Doc, labels: Collection[str]) -> None:
    """Make entities of marks with these labels that another pipeline predicts too.

    The tokens of all other marks, and of the base's entities that a mark overlaps,
    become missing values, which teach nothing.
    """
    marks = marked_facts(doc)
    agreed = {fact for fact in marks & facts(predicted) if fact[-1] in labels}
    doubtful = {i for fact in marks - agreed for i in tokens(fact)}
    kept = [Span(doc, start, end, label=label) for start, end, label in agreed]
    for ent in doc.ents:
        (fact,) = to_facts([ent])
        if any(overlap(fact, other) for other in marks):
            doubtful |= {*tokens(fact)}
        else:
            kept.append(ent)
    doubtful -= {i for fact in agreed for i in tokens(fact)}
    doc.set_ents(kept, missing=[Span(doc, i, i + 1) for i in sorted(doubtful)])


def select(doc: Doc, labels: Collection[str], earlier: Collection[str] = ()) -> None:
    """Keep the annotations with the labels of one of two NERs.

    What has a label of an earlier NER becomes a missing value: that is found before.
    All else is no entity.
    """
    missing = [ent for ent in doc.ents if ent.label_ in earlier]
    missing += [Span(doc, i, i + 1) for i in sorted(unseen_tokens(doc))]
    doc.set_ents([e for e in doc.ents if e.label_ in labels], missing=missing)
    if INCORRECT in doc.spans:
        rejected = [span for span in doc.spans[INCORRECT] if span.label_ in labels]
        doc.spans[INCORRECT] = rejected


def make_second(
    nlp: Language, component: str, name: str, labels: Iterable[str]
) -> Language:
    """Make a second NER for new labels, alone in a pipeline.

    It is small, and so fast: its tok2vec begins as the first layers of the one that the
    base's NER uses.
    """
    layers, source = first_layers(nlp, component)
    components = nlp.config.interpolate()["components"]
    model = {**components[component]["model"], "tok2vec": layers}
    new = spacy.blank(nlp.lang, vocab=nlp.vocab)
    ner = new.add_pipe("ner", name=name, config={"model": model})
    for label in labels:
        ner.add_label(label)
    ner.initialize(lambda: [Example.from_dict(new.make_doc("a"), {})], nlp=new)
    tok2vec = ner.model.get_ref("tok2vec").layers[0]
    # From the input up the nodes of both are the same, until the layers of one end.
    nodes = (each.walk(order="dfs_pre") for each in (tok2vec, source or tok2vec))
    for node, other in zip(*nodes, strict=False):
        for param in other.param_names:
            node.set_param(param, other.get_param(param))
    return new


def first_layers(nlp: Language, component: str) -> tuple[dict[str, Any], Model | None]:
    """Return the config of the first layers of an NER's tok2vec, and the tok2vec.

    There is none to begin as if the NER listens to a transformer.
    """
    components = nlp.config.interpolate()["components"]
    config = components[component]["model"]["tok2vec"]
    model = nlp.get_pipe(component).model.get_ref("tok2vec").layers[0]
    for name, pipe in nlp.components:
        if component in getattr(pipe, "listening_components", []):
            config, model = components[name]["model"], pipe.model
    encoder = config.get("encode", config)
    if "depth" not in encoder:
        return {**SMALL}, None
    encoder["depth"] = min(encoder["depth"], N_LAYERS)
    return config, model


def sure_facts(
    nlp: Language, component: str, docs: Iterable[Doc]
) -> Iterator[set[Fact]]:
    """Yield the entities in each doc that an NER is sure of, by a beam search.

    What a pipeline is sure of changes little from one training to another, and what it
    guesses changes much.
    """
    ner = nlp.get_pipe(component)
    for batch in minibatch(docs, nlp.batch_size):
        beams = ner.beam_parse(batch, beam_width=BEAM_WIDTH)
        for scores in ner.scored_ents(beams):
            yield {fact for fact, score in scores.items() if score >= SURE}


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
