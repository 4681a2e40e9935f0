"""What an update needs to know of a kind of component: a class for each kind.

A *fact* is what a person can annotate in a doc: for the NER `(start, end, label)` over
tokens, the end exclusive; for the tagger and the morphologizer `(token, label)`; for
the parser `(token, head, label)`. The label is the last item. What is written here
holds for facts about one token; `ner.py` has what differs for spans.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple
from urllib.parse import unquote

from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.scorer import PRFScore
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Model

Fact = tuple[Any, ...]
# Span groups of a rehearsal doc for what a specialist finds in it, and finds likely.
MARKS, DOUBTS = "marks", "doubts"
# Category of a doc whose unmarked tokens were looked at, too.
COMPLETE = "complete"
# What a base predicts with at least this probability, or with this share of the scores
# of all likely parses, an update changes less than half as often as the rest.
SURE = 0.99
# What a specialist finds with this probability, and does not find in the end, is not
# known to be none, if the label is frequent in the raw text. French wines, half as
# frequent as in the annotations: F 60.0 with it (3 seeds), 56.1 without. Politics: F
# the same, and 414 new entities in 1,000 other texts instead of 284.
LIKELY = 0.05
# Factories of components that never change what one of another kind sets.
FACTORIES = frozenset(
    {
        "attribute_ruler",
        "lemmatizer",
        "morphologizer",
        "ner",
        "parser",
        "senter",
        "sentencizer",
        "tagger",
        "textcat",
        "textcat_multilabel",
        "trainable_lemmatizer",
    }
)


def to_config(labels: Iterable[str]) -> list[str]:
    """Write labels for a config, which takes a $ for the start of a variable."""
    return [label.replace("%", "%25").replace("$", "%24") for label in labels]


def from_config(labels: Iterable[str]) -> list[str]:
    """Read labels that were written for a config."""
    return [unquote(label) for label in labels]


class NewLabels(NamedTuple):
    """The annotated labels that the base does not know.

    Attributes:
        names: The labels.
        carved: The base's labels that each was carved out of, most frequent first.
        pos: The universal part-of-speech tags that a person gave some of them.
    """

    names: Sequence[str]
    carved: dict[str, list[str]]
    pos: dict[str, str]

    def parent_of(self, label: str, known: Iterable[str]) -> str:
        """Return the old label that a new one was carved out of most."""
        known = [*known]
        names = [name for name in self.carved.get(label, ()) if name in known]
        return [*names, *known][0]


def read_new_labels(account: dict[str, Any]) -> NewLabels:
    """Return the new labels in the account of `rehearse`."""
    return NewLabels(account["new_labels"], account["carved"], account.get("pos", {}))


class Kind:
    """A kind of component.

    Attributes:
        FACTORY: Its factory in spaCy.
        NAME: What its facts are called, in the plural.
        ATTRS: The token attributes that hold its facts; a doc without the first has
            none.
        LABEL_ATTR: The attribute that holds the labels.
        SHOW: Python that shows what a pipeline finds in a text.
        UNRELATED: Factories of components that never change what it finds.
        HAS_SECOND: Whether new labels can go to a second component.
        GROWS: Whether it has to grow before it can learn a new label.
        IS_COMPLETE: Whether a person who marked some tokens counts as having looked at
            all, unless a flag says otherwise.
        HAS_DOUBTS: Whether what a specialist finds likely teaches nothing.
        IS_DENSE: Whether every token has a fact: then only changed ones are shown.
        PREFIX: What spaCy puts before the names of their scores.
    """

    FACTORY: ClassVar[str]
    NAME: ClassVar[str]
    ATTRS: ClassVar[tuple[str, ...]]
    LABEL_ATTR: ClassVar[str]
    SHOW: ClassVar[str]
    PREFIX: ClassVar[str]
    UNRELATED: ClassVar[frozenset[str]]
    HAS_SECOND: ClassVar[bool] = False
    GROWS: ClassVar[bool] = True
    IS_COMPLETE: ClassVar[bool] = False
    HAS_DOUBTS: ClassVar[bool] = False
    IS_DENSE: ClassVar[bool] = True

    def facts(self, doc: Doc) -> set[Fact]:
        """Return the facts of a doc."""
        raise NotImplementedError

    def set_facts(self, doc: Doc, facts: Iterable[Fact]) -> None:
        """Set facts in a doc; its other tokens stay as they are."""
        raise NotImplementedError

    def aligned_facts(self, predicted: Doc, gold: Doc) -> set[Fact]:
        """Return predicted facts in tokens of gold, aligned as by the Scorer."""
        raise NotImplementedError

    def scored_facts(
        self, nlp: Language, component: str, docs: Iterable[Doc]
    ) -> Iterator[dict[Fact, float]]:
        """Yield the facts that a component finds likely in each doc, with how likely.

        What it is sure of (`SURE`) changes little from one training to another, and
        what it guesses changes much.
        """
        raise NotImplementedError

    def grow(self, nlp: Language, component: str, new: NewLabels) -> None:
        """Make room for new labels in a component, before it is trained."""
        raise NotImplementedError

    def to_label(self, text: str) -> str:
        """Write a label as spaCy does."""
        return text

    def is_internal(self, label: str) -> bool:
        """Check whether a component has a label for its own use."""
        return False

    def check_label(self, label: str) -> None:
        """Check that a label can be learned.

        Raises:
            ValueError: If spaCy would take it for something else.
        """
        if label in ("-", "_") or label.startswith("!"):
            raise ValueError(f"a label that spaCy cannot learn: {label}")

    def check(
        self, doc: Doc, facts: set[Fact], is_sentence: bool, is_complete: bool
    ) -> None:
        """Check that what a person marked in a doc fits together.

        Args:
            doc: The doc.
            facts: What the person marked.
            is_sentence: Whether the doc is one sentence.
            is_complete: Whether the person looked at every token.

        Raises:
            ValueError: If it does not.
        """

    def rejected_facts(self, doc: Doc) -> set[Fact]:
        """Return the facts that a person rejected."""
        return set()

    def unseen_tokens(self, doc: Doc) -> set[int]:
        """Return the tokens that nobody annotated: they have a missing value."""
        if COMPLETE in doc.cats:
            return set()
        return {*range(len(doc))} - {fact[0] for fact in self.facts(doc)}

    def can_be_marked(self, doc: Doc, fact: Fact) -> bool:
        """Check whether a person can mark a fact: nobody marks white space."""
        return not all(doc[i].is_space for i in self.tokens(fact))

    def tokens(self, fact: Fact) -> range:
        """Return the tokens that a fact is about."""
        return range(fact[0], fact[0] + 1)

    def text_of(self, doc: Doc, fact: Fact) -> str:
        """Return the text of the tokens that a fact is about."""
        return doc[self.tokens(fact).start : self.tokens(fact).stop].text

    def overlap(self, one: Fact, other: Fact) -> int:
        """Count the tokens that two facts are both about."""
        a, b = self.tokens(one), self.tokens(other)
        return max(0, min(a.stop, b.stop) - max(a.start, b.start))

    def to_spans(
        self, doc: Doc, some: Iterable[Fact], start: int = 0, end: int | None = None
    ) -> list[tuple[int, int, str]]:
        """Convert facts to character offsets in a passage: start, end and label.

        The passage is given in tokens, its end exclusive; facts outside are left out.
        """
        end = len(doc) if end is None else end
        zero = doc[start:end].start_char
        spans = []
        for fact in sorted(some):
            first, last = self.tokens(fact).start, self.tokens(fact).stop
            if first < end and start < last:
                span = doc[max(first, start) : min(last, end)]
                at = (span.start_char - zero, span.end_char - zero)
                spans.append((*at, self.show(doc, fact)))
        return spans

    def show(self, doc: Doc, fact: Fact) -> str:
        """Write a fact for a reader who sees its tokens."""
        return fact[-1]

    def draw(self, doc: Doc, sides: dict[str, set[Fact]]) -> dict[str, Any]:
        """Return words and arcs of each side, as displaCy needs them, or nothing."""
        return {}

    def split_points(self, doc: Doc) -> list[int]:
        """List the tokens that a doc can be cut before without cutting a fact."""
        return [*range(1, len(doc) + 1)]

    def complete(self, doc: Doc, predicted: Doc, labels: Collection[str]) -> set[Fact]:
        """Complete a person's annotations, in place, with what the base predicts.

        What a person annotated is theirs. Tokens that nobody looked at get what the
        base predicts; a token that was looked at, and was not marked, has none of the
        annotated labels.

        Returns:
            The facts that the base added.
        """
        theirs = {fact[0] for fact in self.facts(doc)}
        missing = self.unseen_tokens(doc)
        added = {
            fact
            for fact in self.facts(predicted)
            if fact[0] not in theirs and (fact[0] in missing or fact[-1] not in labels)
        }
        self.set_facts(doc, added)
        return added

    def to_row(
        self, doc: Doc, added: set[Fact], repaired: Collection[Fact] = ()
    ) -> dict[str, Any]:
        """Convert a completed doc to a row that can be corrected and fed back in.

        The `source` of a span is `base` if the base added it, `repair` if that was
        changed to fit what the person annotated, and else `person`.
        """
        spans = []
        some = (f for f in self.facts(doc) if self.can_be_marked(doc, f))
        for fact in sorted(some):
            source = "base" if fact in added else "person"
            source = "repair" if fact in repaired else source
            spans.append({**self.to_span(doc, fact), "source": source})
        return {"text": doc.text, "spans": spans}

    def to_span(self, doc: Doc, fact: Fact) -> dict[str, Any]:
        """Convert a fact to a span as annotations have it, in characters."""
        tokens = self.tokens(fact)
        span = doc[tokens.start : tokens.stop]
        return {"start": span.start_char, "end": span.end_char, "label": fact[-1]}

    def covered(self, doc: Doc, predicted: Doc) -> Counter[tuple[str, str]]:
        """Count the base's labels that a person's annotations are about.

        Returns:
            How many facts with a label overlap predicted ones with another label, by
            both labels; without the second, how many facts have the label.
        """
        by_token = self.labels_by_token(self.facts(predicted))
        counts: Counter[tuple[str, str]] = Counter()
        for fact in self.facts(doc):
            tokens, label = self.tokens(fact), fact[-1]
            others = {name for i in tokens for name in by_token.get(i, ())} - {label}
            counts.update((label, name) for name in ("", *others))
        return counts

    def mark(
        self,
        doc: Doc,
        found: Collection[Fact],
        likely: Iterable[Fact],
        new: NewLabels,
    ) -> None:
        """Mark in a rehearsal doc what a specialist finds of new labels.

        Where the base finds something it is right, for a specialist finds its own
        labels everywhere: unless the base's label is one that the new one was carved
        out of. The base's facts stay: training decides between them and the marks.

        Args:
            doc: The doc, as the base annotated it.
            found: What the specialist finds.
            likely: What it finds likely.
            new: The new labels.
        """
        by_token = self.labels_by_token(self.facts(doc))
        groups: dict[str, list[Span]] = {MARKS: [], DOUBTS: []}
        for fact in sorted({*found, *likely}):
            base = {name for i in self.tokens(fact) for name in by_token.get(i, ())}
            if fact[-1] in new.names and base <= {*new.carved.get(fact[-1], ())}:
                group = MARKS if fact in found else DOUBTS
                groups[group].append(self.to_mark(doc, fact))
        for name, spans in groups.items():
            doc.spans[name] = spans

    def labels_by_token(self, facts: Iterable[Fact]) -> dict[int, set[str]]:
        """Return the labels of the facts about each token that has some."""
        by_token: dict[int, set[str]] = {}
        for fact in facts:
            for i in self.tokens(fact):
                by_token.setdefault(i, set()).add(fact[-1])
        return by_token

    def to_mark(self, doc: Doc, fact: Fact) -> Span:
        """Convert a fact to a span that `marked_facts` can read."""
        tokens = self.tokens(fact)
        return Span(doc, tokens.start, tokens.stop, label=fact[-1])

    def marked_facts(self, doc: Doc, group: str = MARKS) -> set[Fact]:
        """Return what a specialist found of new labels in a rehearsal doc."""
        return {(span.start, span.label_) for span in doc.spans.get(group, ())}

    def is_marked(self, doc: Doc) -> bool:
        """Check whether a specialist marked something in a rehearsal doc."""
        return any(doc.spans.get(group) for group in (MARKS, DOUBTS))

    def keep_agreed(self, doc: Doc, predicted: Doc, labels: Collection[str]) -> bool:
        """Make facts of the marks with these labels that another pipeline predicts too.

        What the other marks are about teaches nothing.

        Returns:
            Whether the doc can still be learned from.
        """
        raise NotImplementedError

    def select(
        self, doc: Doc, labels: Collection[str], found_before: Collection[str] = ()
    ) -> None:
        """Keep the facts that one of two components learns; here there is one."""

    def make_start(
        self,
        nlp: Language,
        component: str,
        pipe: str,
        new: NewLabels,
        shared: Collection[str] = (),
    ) -> Language:
        """Make what training of a pipe with new labels begins as.

        It is alone in the pipeline, but for what it goes on sharing with others. The
        pipeline of the base is changed in place.
        """
        configs = nlp.config.interpolate()["components"]
        for name, other in nlp.components:
            listeners = getattr(other, "listening_components", ())
            if component in listeners and name not in shared:
                # Its config may name values of other components.
                nlp.get_pipe_config(name)["model"] = configs[name]["model"]
                nlp.replace_listeners(name, component, ["model.tok2vec"])
        self.grow(nlp, component, new)
        for name in {*nlp.component_names} - {component, *shared}:
            nlp.remove_pipe(name)
        return nlp

    def prepare(self, nlp: Language, component: str, labels: Iterable[str]) -> None:
        """Prepare a sourced component for training."""

    def rehearse(
        self, pipe: TrainablePipe, before: Model, docs: list[Doc], weight: float
    ) -> None:
        """Add to a pipe's gradient what makes it score docs as it did before.

        Args:
            pipe: The pipe; it is not updated yet.
            before: A copy of its model from before training.
            docs: Docs without annotations.
            weight: Weight of each token.
        """
        raise NotImplementedError

    def finish(self, nlp: Language, new: NewLabels) -> list[str]:
        """Adapt other components of an updated pipeline to new labels, in place.

        Returns:
            The names of the components that changed.
        """
        return []

    def summarize(self, errors: dict[str, int]) -> dict[str, float]:
        """Return scores of all facts by name, from 0 to 1, other than P, R and F.

        `errors` are the numbers of gold facts that are right, and in what way others
        are wrong.
        """
        return {}

    def score(
        self, examples: Iterable[Example], labels: Collection[str] | None = None
    ) -> float | None:
        """Return F over all facts, from 0 to 1, or None if there are none.

        Only what a person looked at counts: tokens without a missing value, and
        `labels`; None: all.
        """
        score = PRFScore()
        for example in examples:
            gold, unseen = example.reference, self.unseen_tokens(example.reference)
            both = self.aligned_facts(example.predicted, gold), self.facts(gold)
            score.score_set(
                *(
                    {
                        fact
                        for fact in facts
                        if (labels is None or fact[-1] in labels)
                        and unseen.isdisjoint(self.tokens(fact))
                    }
                    for facts in both
                )
            )
        return score.fscore if len(score) else None
