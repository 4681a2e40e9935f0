"""The NER: its facts are entities, `(start, end, label)` over the tokens of a doc."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
import spacy
from spacy.attrs import ORTH
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import Model
from typing_extensions import override

from scripts.components.kind import DOUBTS, FACTORIES, LIKELY, MARKS, NewLabels
from scripts.components.moves import MoveKind

# Span group of a doc for spans that a person rejected.
INCORRECT = "incorrect_spans"
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
# Parses that a beam search follows.
BEAM_WIDTH = 16
# Start and end in tokens, end exclusive, and label.
Entity = tuple[int, int, str]


class Ner(MoveKind):
    """The NER. What has no docstring here is described in `Kind`."""

    FACTORY = "ner"
    NAME = "entities"
    PREFIX = "ents"
    ATTRS = ("ENT_IOB", "ENT_TYPE")
    LABEL_ATTR = "ENT_TYPE"
    SHOW = "[(ent.text, ent.label_) for ent in nlp({text!r}).ents]"
    UNRELATED = FACTORIES - {"ner"}
    HAS_SECOND = True
    GROWS = False
    IS_COMPLETE = True
    HAS_DOUBTS = True
    IS_DENSE = False

    @override
    def facts(self, doc: Doc) -> set[Entity]:
        return to_facts(doc.ents)

    @override
    def set_facts(self, doc: Doc, facts: Iterable[Entity]) -> None:
        spans = [Span(doc, start, end, label=label) for start, end, label in facts]
        doc.set_ents(spans, default="unmodified")

    @override
    def rejected_facts(self, doc: Doc) -> set[Entity]:
        return to_facts(doc.spans.get(INCORRECT, ()))

    @override
    def unseen_tokens(self, doc: Doc) -> set[int]:
        return set(np.flatnonzero(doc.to_array("ENT_IOB") == 0).tolist())

    @override
    def aligned_facts(self, predicted: Doc, gold: Doc) -> set[Entity]:
        spans: Iterable[Span] = predicted.ents
        if spans and not np.array_equal(predicted.to_array(ORTH), gold.to_array(ORTH)):
            for ent in spans:
                # The vocab of another pipeline may hold labels that this one lacks.
                gold.vocab.strings.add(ent.label_)
            spans = Example(predicted, gold).get_aligned_spans_x2y(spans)
        return to_facts(spans)

    @override
    def tokens(self, fact: Entity) -> range:
        return range(*fact[:2])

    @override
    def split_points(self, doc: Doc) -> list[int]:
        spans = [*doc.ents, *doc.spans.get(INCORRECT, ())]
        inside = {i for span in spans for i in range(span.start + 1, span.end)}
        return [i for i in range(1, len(doc) + 1) if i not in inside]

    @override
    def complete(
        self, doc: Doc, predicted: Doc, labels: Collection[str]
    ) -> set[Entity]:
        """Complete a person's annotations, in place, with what the base predicts.

        A person who annotates a new type says nothing about the others: left unmarked,
        they would be learned as no entity at all. So a label that occurs in the
        annotations counts as annotated everywhere, every other label comes from the
        base, and the person's span wins where two overlap. Tokens with a missing value
        were not looked at: there every label comes from the base, except what the
        person rejected.
        """
        taken = {token.i for ent in doc.ents for token in ent}
        missing = self.unseen_tokens(doc)
        added = set()
        for fact in self.facts(predicted) - self.rejected_facts(doc):
            tokens = self.tokens(fact)
            was_annotated = fact[-1] in labels and not missing.issuperset(tokens)
            if not was_annotated and taken.isdisjoint(tokens):
                added.add(fact)
        self.set_facts(doc, added)
        return added

    @override
    def marked_facts(self, doc: Doc, group: str = MARKS) -> set[Entity]:
        return to_facts(doc.spans.get(group, ()))

    @override
    def keep_agreed(self, doc: Doc, predicted: Doc, labels: Collection[str]) -> bool:
        """Make entities of marks with these labels that another pipeline predicts too.

        The tokens of all other marks, and of what the specialist finds likely to have
        one of these labels, become missing values, which teach nothing; and so do the
        base's entities there.
        """
        marks = self.marked_facts(doc)
        agreed = {fact for fact in marks & self.facts(predicted) if fact[-1] in labels}
        likely = {f for f in self.marked_facts(doc, DOUBTS) if f[-1] in labels}
        others = (marks | likely) - agreed
        certain = {i for fact in agreed for i in self.tokens(fact)}
        doubtful = {i for fact in others for i in self.tokens(fact)}
        kept = [Span(doc, start, end, label=label) for start, end, label in agreed]
        for ent in doc.ents:
            tokens = range(ent.start, ent.end)
            if (certain | doubtful).isdisjoint(tokens):
                kept.append(ent)
            else:
                doubtful |= {*tokens}
        missing = [Span(doc, i, i + 1) for i in sorted(doubtful - certain)]
        doc.set_ents(kept, missing=missing)
        return True

    @override
    def select(
        self, doc: Doc, labels: Collection[str], found_before: Collection[str] = ()
    ) -> None:
        """Keep the annotations with the labels of one of two NERs.

        What has a label of an earlier NER becomes a missing value: that is found
        before. All else is no entity.
        """
        missing = [ent for ent in doc.ents if ent.label_ in found_before]
        missing += [Span(doc, i, i + 1) for i in sorted(self.unseen_tokens(doc))]
        doc.set_ents([e for e in doc.ents if e.label_ in labels], missing=missing)
        if INCORRECT in doc.spans:
            rejected = [span for span in doc.spans[INCORRECT] if span.label_ in labels]
            doc.spans[INCORRECT] = rejected

    @override
    def scored_facts(
        self, nlp: Language, component: str, docs: Iterable[Doc]
    ) -> Iterator[dict[Entity, float]]:
        ner = nlp.get_pipe(component)
        for batch in minibatch(docs, nlp.batch_size):
            beams = ner.beam_parse(batch, beam_width=BEAM_WIDTH)
            for scores in ner.scored_ents(beams):
                yield {fact: score for fact, score in scores.items() if score >= LIKELY}

    @override
    def make_start(
        self,
        nlp: Language,
        component: str,
        pipe: str,
        new: NewLabels,
        shared: Collection[str] = (),
    ) -> Language:
        """Make a second NER for new labels, alone in a pipeline.

        It is small, and so fast: its tok2vec begins as the first layers of the one that
        the base's NER uses.
        """
        layers, source = first_layers(nlp, component)
        components = nlp.config.interpolate()["components"]
        model = {**components[component]["model"], "tok2vec": layers}
        alone = spacy.blank(nlp.lang, vocab=nlp.vocab)
        ner = alone.add_pipe("ner", name=pipe, config={"model": model})
        for label in new.names:
            ner.add_label(label)
        ner.initialize(lambda: [Example.from_dict(alone.make_doc("a"), {})], nlp=alone)
        tok2vec = ner.model.get_ref("tok2vec").layers[0]
        # From the input up the nodes of both are the same, until the layers of one end.
        nodes = (each.walk(order="dfs_pre") for each in (tok2vec, source or tok2vec))
        for node, other in zip(*nodes, strict=False):
            for param in other.param_names:
                node.set_param(param, other.get_param(param))
        return alone

    @override
    def prepare(self, nlp: Language, component: str, labels: Iterable[str]) -> None:
        """Add labels to a trained NER, and make it learn from rejected spans."""
        ner = nlp.get_pipe(component)
        for label in labels:
            ner.add_label(label)
        # A sourced NER keeps the settings it was saved with, whatever the config says.
        ner.cfg["incorrect_spans_key"] = INCORRECT
        ner.moves.cfg["neg_key"] = INCORRECT


def to_facts(spans: Iterable[Span]) -> set[Entity]:
    """Convert spans to facts."""
    return {(span.start, span.end, span.label_) for span in spans}


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
