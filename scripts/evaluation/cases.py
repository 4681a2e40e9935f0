"""What two pipelines find in the texts of gold docs."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from scripts.command import track
from scripts.components import kind_of, pipes_of
from scripts.components.kind import SURE, Fact, Kind
from scripts.scale.pipelines import leave_out_others

# The two pipelines, as all results name them.
WHO = ("base", "updated")


class Case(NamedTuple):
    """A gold doc, its facts, and those that `base` and `updated` find in its text.

    `sure` are those that the base is sure of.
    """

    doc: Doc
    kind: Kind
    gold: set[Fact]
    found: dict[str, set[Fact]]
    sure: Collection[Fact] = ()

    def judged(self, labels: Collection[str]) -> tuple[set[Fact], dict[str, set[Fact]]]:
        """Return the facts with these labels that count: gold, and what was found.

        What was found counts only where a person annotated.
        """
        unseen, tokens = self.kind.unseen_tokens(self.doc), self.kind.tokens
        found = {
            who: {f for f in fs if f[-1] in labels and unseen.isdisjoint(tokens(f))}
            for who, fs in self.found.items()
        }
        return {fact for fact in self.gold if fact[-1] in labels}, found

    def apart(self, facts: Collection[Fact], others: Collection[Fact]) -> set[Fact]:
        """Return the facts that share no token with any of the others."""
        tokens = self.kind.tokens
        taken = {i for other in others for i in tokens(other)}
        return {fact for fact in facts if taken.isdisjoint(tokens(fact))}


def add_sure(cases: list[Case], base: Language, component: str) -> list[Case]:
    """Add to cases which of its findings the base is sure of."""
    pipes, texts = pipes_of(base, component), [case.doc.text for case in cases]
    sure: list[set[Fact]] = [set() for _ in cases]
    with base.select_pipes(disable=pipes):
        docs = list(base.pipe(texts))
    for pipe in pipes:
        found = cases[0].kind.scored_facts(base, pipe, docs) if cases else ()
        for some, scores in zip(sure, found, strict=True):
            some |= {fact for fact, score in scores.items() if score >= SURE}
    return [
        case._replace(sure=some & case.found["base"])
        for case, some in zip(cases, sure, strict=True)
    ]


def annotate(
    pipelines: tuple[Language, Language],
    docs: Iterable[Doc],
    component: str,
    n_process: int = 1,
) -> list[Case]:
    """Annotate the texts of gold docs with the base and the updated pipeline.

    Their components that take no part in what `component` finds are disabled.
    """
    kind = kind_of(pipelines[0], component)
    gold = list(docs)
    both = []
    for who, nlp in zip(WHO, pipelines, strict=True):
        if component in nlp.pipe_names:
            leave_out_others(nlp, component)
        predicted = nlp.pipe([doc.text for doc in gold], n_process=n_process or -1)
        predicted = track(predicted, f"Annotating with {who}", len(gold))
        both.append([*map(kind.aligned_facts, predicted, gold)])
    return [
        Case(doc, kind, kind.facts(doc), dict(zip(WHO, found, strict=True)))
        for doc, *found in zip(gold, *both, strict=True)
    ]
