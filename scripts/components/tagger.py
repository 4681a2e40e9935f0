"""The tagger: its facts are part-of-speech tags, `(token, label)`."""

from collections.abc import Collection, Iterable, Iterator

import numpy as np
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Token
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import Model, set_dropout_rate, to_numpy
from thinc.layers.resizable import resize_linear_weighted
from thinc.types import Floats2d
from typing_extensions import override

from scripts.components.kind import FACTORIES, LIKELY, Kind, NewLabels

# How much lower a new label begins than its parent: without it, both are as likely.
LOWER = 1.0
Tag = tuple[int, str]


class Tagger(Kind):
    """The tagger. What has no docstring here is described in `Kind`."""

    FACTORY = "tagger"
    NAME = "tags"
    PREFIX = "tag"
    ATTRS = ("TAG",)
    LABEL_ATTR = "TAG"
    SHOW = "[(token.text, token.tag_) for token in nlp({text!r})]"
    UNRELATED = FACTORIES - {"tagger"}

    def label_of(self, token: Token) -> str:
        """Return the label of a token; empty if it has none."""
        return token.tag_

    def set_label(self, token: Token, label: str) -> None:
        """Set the label of a token; an empty one teaches nothing."""
        token.tag_ = label

    @override
    def facts(self, doc: Doc) -> set[Tag]:
        labels = ((token.i, self.label_of(token)) for token in doc)
        return {(i, label) for i, label in labels if label}

    @override
    def set_facts(self, doc: Doc, facts: Iterable[Tag]) -> None:
        for i, label in facts:
            self.set_label(doc[i], label)

    @override
    def aligned_facts(self, predicted: Doc, gold: Doc) -> set[Tag]:
        alignment = Example(gold, predicted).alignment.x2y
        facts = set()
        for i in range(len(gold)):
            # A token that the other pipeline splits has no label of its own.
            if len(others := alignment[i]) == 1:
                facts.add((i, self.label_of(predicted[int(others[0])])))
        return {(i, label) for i, label in facts if label}

    @override
    def summarize(self, errors: dict[str, int]) -> dict[str, float]:
        n_gold = sum(errors.values()) - errors["spurious"]
        return {"accuracy": errors["right"] / n_gold} if n_gold else {}

    @override
    def keep_agreed(self, doc: Doc, predicted: Doc, labels: Collection[str]) -> bool:
        found = {fact for fact in self.facts(predicted) if fact[-1] in labels}
        for i, label in self.marked_facts(doc):
            self.set_label(doc[i], label if (i, label) in found else "")
        return True

    @override
    def scored_facts(
        self, nlp: Language, component: str, docs: Iterable[Doc]
    ) -> Iterator[dict[Tag, float]]:
        pipe = nlp.get_pipe(component)
        for batch in minibatch(docs, nlp.batch_size):
            for scores in probabilities(pipe.model, batch):
                values = to_numpy(scores)
                yield {
                    (int(i), pipe.labels[j]): float(values[i, j])
                    for i, j in zip(*np.nonzero(values >= LIKELY), strict=True)
                }

    @override
    def grow(self, nlp: Language, component: str, new: NewLabels) -> None:
        """Make room for new labels: their weights begin as those of their parents.

        spaCy's tagger refuses a new label (E922). From zeros a new tag was not learned
        in 60 steps; from its parent's weights it was.
        """
        pipe = nlp.get_pipe(component)
        names, (*outer, softmax) = [*pipe.labels], output_path(pipe.model)
        rows = [names.index(new.parent_of(label, names)) for label in new.names]
        n_labels = len(names) + len(rows)
        grown = resize_linear_weighted(softmax, n_labels)
        for name in ("W", "b"):
            values = grown.get_param(name)
            lower = LOWER if name == "b" else 0.0
            values[len(names) :] = softmax.get_param(name)[rows] - lower
            grown.set_param(name, values)
        pipe.model.replace_node(softmax, grown)
        for node in outer:
            node.set_dim("nO", n_labels, force=True)
        for label in new.names:
            self.add_label(nlp, component, label)

    @override
    def rehearse(
        self, pipe: TrainablePipe, before: Model, docs: list[Doc], weight: float
    ) -> None:
        set_dropout_rate(pipe.model, 0.0)
        guesses, backprop = pipe.model.begin_update(docs)
        pairs = zip(guesses, probabilities(before, docs), strict=True)
        backprop([weight * (guess - target) for guess, target in pairs])

    def add_label(self, nlp: Language, component: str, label: str) -> None:
        """Add a label whose weights the model has already."""
        nlp.vocab.strings.add(label)
        nlp.get_pipe(component).cfg["labels"].append(label)

    @override
    def finish(self, nlp: Language, new: NewLabels) -> list[str]:
        """Set the part of speech of new tags, by which lemmas are found.

        It is that of the parent in the attribute ruler, unless `pos` names another.
        """
        rulers = [n for n in nlp.pipe_names if is_ruler(nlp, n)]
        if not rulers:
            return []
        ruler = nlp.get_pipe(rulers[0])
        by_tag = {
            pattern[0]["TAG"]: each["attrs"]
            for each in ruler.patterns
            for pattern in each["patterns"]
            if len(pattern) == 1 and pattern[0].keys() == {"TAG"}
        }
        changed = False
        for label in new.names:
            parents = [name for name in new.carved.get(label, ()) if name in by_tag]
            attrs = by_tag[parents[0]] if parents else {}
            if label in new.pos:
                attrs = {"POS": new.pos[label], "MORPH": "_"}
            if attrs and label not in by_tag:
                ruler.add([[{"TAG": label}]], attrs)
                changed = True
        return rulers[:1] if changed else []


def output_path(model: Model) -> Iterator[Model]:
    """Yield a model, and the last layer of each in turn: the softmax comes last."""
    yield model
    while model.layers:
        model = model.layers[-1]
        yield model


def probabilities(model: Model, docs: list[Doc]) -> Iterator[Floats2d]:
    """Yield the probability of each label for the tokens of each doc.

    spaCy leaves that step out where the largest score is all that it asks for.
    """
    *_, softmax = output_path(model)
    for scores in model.predict(docs):
        is_done = softmax.attrs["softmax_normalize"] or not len(scores)
        yield scores if is_done else model.ops.softmax(scores)


def is_ruler(nlp: Language, name: str) -> bool:
    """Check whether a pipe is spaCy's attribute ruler."""
    return nlp.get_pipe_meta(name).factory == "attribute_ruler"
