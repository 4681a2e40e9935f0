"""What is doubtful in annotations: evidence for another, minus evidence for this one.

There are three witnesses of what is marked, and of what might be: a specialist that
never saw the text, the same words in other places, and the base, if it knows the label.
What they say of a fact is added up in log odds, as if they knew nothing of each other.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from spacy.tokens import Doc

from scripts.components.kind import Fact, Kind

# How unsure a witness is at least.
LEAST = 0.01
# How much of the evidence for another annotation of the same tokens counts: what the
# specialist says for one of the two it says against the other. Share of errors among
# the first 50 rows of drugs and diseases: 84 and 80 % with a half, 86 and 64 with all.
RIVAL = 0.5
# What the witnesses say of something that is not marked, and of something that is.
FOUND = ("found, not marked", "marked elsewhere, not here", "the base finds it")
DENIED = ("marked, not found", "marked here, not elsewhere")
BOUNDS, LABEL = "found with other bounds or head", "found with another label"
KINDS = (*FOUND, *DENIED, BOUNDS, LABEL)
# How strongly each witness speaks for a fact, in log odds: the specialist, the same
# words in other places, and the base.
Evidence = tuple[float, float, float]


class Doubt(NamedTuple):
    """What is doubtful in a row.

    Attributes:
        score: Evidence for the suggestion minus evidence for the annotation, in log
            odds; what is not above 0 is not in doubt.
        kind: One of `KINDS`.
        annotated: The fact that a person marked, if one is doubted.
        suggested: The fact that there may be instead, if any.
    """

    score: float
    kind: str
    annotated: Fact | None = None
    suggested: Fact | None = None


class Forms(NamedTuple):
    """What is marked of each form: a text of one or more tokens, in lower case.

    Attributes:
        marked: How often each fact is marked, its tokens counted from the first one.
        free: How often a person looked at the form and marked none of its tokens.
        lengths: How many tokens marked forms have that begin with a token.
    """

    marked: dict[str, Counter[Fact]]
    free: Counter[str]
    lengths: dict[str, set[int]]


class Text(NamedTuple):
    """An annotated doc, and what two of the witnesses find in its text.

    Attributes:
        doc: The doc, as a person annotated it.
        likely: What a specialist that never saw it finds likely, with how likely.
        base: What the base finds.
    """

    doc: Doc
    likely: dict[Fact, float]
    base: set[Fact]


def shifted(fact: Fact, n_tokens: int) -> Fact:
    """Move a fact in its doc: all but its label are numbers of tokens."""
    return (*(number + n_tokens for number in fact[:-1]), fact[-1])


def form_of(doc: Doc, tokens: range) -> str:
    """Return the text of some tokens in lower case."""
    return doc[tokens.start : tokens.stop].text.lower()


def count_forms(docs: list[Doc], kind: Kind) -> Forms:
    """Count what is marked of each form, and how often nothing is."""
    forms = Forms(defaultdict(Counter), Counter(), defaultdict(set))
    for doc in docs:
        for fact in kind.facts(doc):
            tokens = kind.tokens(fact)
            forms.marked[form_of(doc, tokens)][shifted(fact, -tokens.start)] += 1
            forms.lengths[doc[tokens.start].lower_].add(len(tokens))
    for doc in docs:
        forms.free.update(
            form_of(doc, tokens) for tokens in free_places(doc, kind, forms)
        )
    return forms


def free_places(doc: Doc, kind: Kind, forms: Forms) -> Iterator[range]:
    """Yield tokens of a form that is marked somewhere, where none of them is marked.

    What nobody looked at is left out. Where every token has a fact there are none.
    """
    if kind.IS_DENSE:
        return
    taken = {i for fact in kind.facts(doc) for i in kind.tokens(fact)}
    taken |= kind.unseen_tokens(doc)
    for token in doc:
        for length in sorted(forms.lengths.get(token.lower_, ())):
            tokens = range(token.i, token.i + length)
            is_free = tokens.stop <= len(doc) and taken.isdisjoint(tokens)
            if is_free and form_of(doc, tokens) in forms.marked:
                yield tokens


def agreement_of(texts: list[Text], kind: Kind) -> dict[str, float]:
    """Return the share of the base's facts of each label that a person marked too.

    Where the base is mostly wrong, or the label was not really annotated, the base's
    word counts for nothing.
    """
    found, right = Counter(), Counter()
    for doc, _, base in texts:
        unseen, own = kind.unseen_tokens(doc), kind.facts(doc)
        some = [fact for fact in base if unseen.isdisjoint(kind.tokens(fact))]
        found.update(fact[-1] for fact in some)
        right.update(fact[-1] for fact in some if fact in own)
    return {label: (right[label] + 0.5) / (n + 1) for label, n in found.items()}


def log_odds(p: float) -> float:
    """Return the logarithm of the odds of a probability that is never quite sure."""
    p = min(max(p, LEAST), 1 - LEAST)
    return math.log(p / (1 - p))


def find_doubts(
    texts: list[Text], kind: Kind, labels: Collection[str]
) -> list[list[Doubt]]:
    """List what is doubtful in each text, the most doubtful first.

    `labels` are those that were annotated.
    """
    forms = count_forms([text.doc for text in texts], kind)
    agreement = agreement_of(texts, kind)
    found = []
    for text in texts:
        evidence = evidence_in(text, kind, forms, agreement)
        others = {f: evidence(f) for f in others_in(text, kind, forms, labels)}
        own = {fact: evidence(fact) for fact in sorted(kind.facts(text.doc))}
        doubts = [*doubt_marked(own, others, kind), *doubt_unmarked(own, others, kind)]
        doubts = [doubt for doubt in doubts if doubt.score > 0]
        found.append(sorted(doubts, key=lambda doubt: -doubt.score))
    return found


def evidence_in(
    text: Text, kind: Kind, forms: Forms, agreement: dict[str, float]
) -> Callable[[Fact], Evidence]:
    """Return a function that asks the witnesses about a fact in a text."""
    doc, likely, base = text
    own = kind.facts(doc)
    counted = {*map(kind.tokens, own), *free_places(doc, kind, forms)}

    def evidence(fact: Fact) -> Evidence:
        tokens = kind.tokens(fact)
        form, as_marked = form_of(doc, tokens), shifted(fact, -tokens.start)
        marked = forms.marked.get(form, Counter())
        # In other places than this one.
        n_same = marked[as_marked] - (fact in own)
        n_places = marked.total() + forms.free[form] - (tokens in counted)
        by_base = agreement[fact[-1]] if fact in base else 0.5
        return (
            log_odds(likely.get(fact, 0.0)),
            log_odds((n_same + 0.5) / (n_places + 1)),
            max(0.0, log_odds(by_base)),
        )

    return evidence


def others_in(
    text: Text, kind: Kind, forms: Forms, labels: Collection[str]
) -> list[Fact]:
    """List the facts that a person may have missed in a text, where they looked."""
    doc, likely, base = text
    others = {fact for fact in {*likely, *base} if fact[-1] in labels}
    for tokens in free_places(doc, kind, forms):
        [(fact, _)] = forms.marked[form_of(doc, tokens)].most_common(1)
        others.add(shifted(fact, tokens.start))
    others -= kind.facts(doc) | kind.rejected_facts(doc)
    unseen = kind.unseen_tokens(doc)
    return sorted(
        fact
        for fact in others
        if unseen.isdisjoint(kind.tokens(fact)) and kind.can_be_marked(doc, fact)
    )


def doubt_marked(
    own: dict[Fact, Evidence], others: dict[Fact, Evidence], kind: Kind
) -> Iterator[Doubt]:
    """Yield how doubtful each annotation is, with the best other one of its tokens."""
    for fact, witnesses in own.items():
        rivals = [other for other in others if kind.overlap(other, fact)]
        rival = max(rivals, key=lambda other: sum(others[other]), default=None)
        score, name = -sum(witnesses), DENIED[witnesses[0] > witnesses[1]]
        if rival and sum(others[rival]) > 0:
            name = BOUNDS if rival[-1] == fact[-1] else LABEL
            yield Doubt(score + RIVAL * sum(others[rival]), name, fact, rival)
        else:
            yield Doubt(score, name, fact)


def doubt_unmarked(
    own: dict[Fact, Evidence], others: dict[Fact, Evidence], kind: Kind
) -> Iterator[Doubt]:
    """Yield what may be missing where nothing is marked, the most likely first."""
    taken = [*own]
    for fact in sorted(others, key=lambda other: -sum(others[other])):
        if not any(kind.overlap(fact, other) for other in taken):
            taken.append(fact)
            witnesses = others[fact]
            name = FOUND[witnesses.index(max(witnesses))]
            yield Doubt(sum(witnesses), name, suggested=fact)
