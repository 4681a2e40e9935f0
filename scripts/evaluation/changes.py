"""What an update changed in a text, judged by gold: to read, not to count."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from scripts.evaluation.cases import WHO, Case, Fact

# What a change is: a gold fact of a new label is found; one of a type that the base
# knows is found, or a mistake is gone; a gold fact is lost; what is found is not gold;
# or nobody annotated such a label there.
GROUPS = ("learned", "fixed", "forgotten", "new mistake", "not judged")
# Tokens shown on each side of a change, and in a passage with changes close together.
CONTEXT, MAX_TOKENS = 25, 200


def find_changes(
    cases: Iterable[Case], labels: Collection[str], known: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Find the passages in which the pipelines differ.

    Args:
        cases: The test.
        labels: The labels that a person annotated.
        known: All labels of the base.

    Yields:
        `text`; `gold`, `base` and `updated`, each a list of start, end (exclusive, in
        characters) and label; `changes`, a list of group and label; and `drawing`, if
        there are arcs to draw.
    """
    for case in cases:
        tokens, to_spans = case.kind.tokens, case.kind.to_spans
        sides = {"gold": case.gold, **case.found}
        changes = [*changes_of(case, labels, known)]
        if case.kind.IS_DENSE:
            # All tokens have facts: those of the changed ones are shown.
            facts = [fact for fact, _ in changes]
            sides = {k: v - case.apart(v, facts) for k, v in sides.items()}
        ends = [(tokens(fact).start, tokens(fact).stop) for fact, _ in changes]
        for start, end in passages(ends, len(case.doc)):
            groups = [
                (group, fact[-1])
                for fact, group in changes
                if start <= tokens(fact).start < end
            ]
            if groups:
                inside = {
                    side: {f for f in facts if start <= tokens(f).start < end}
                    for side, facts in sides.items()
                }
                drawing = case.kind.draw(case.doc, inside)
                yield {
                    "text": case.doc[start:end].text,
                    **({"drawing": drawing} if drawing else {}),
                    **{k: to_spans(case.doc, v, start, end) for k, v in sides.items()},
                    "changes": groups,
                }


def list_corrections(
    cases: Iterable[Case], labels: Collection[str]
) -> list[dict[str, Any]]:
    """List corrected docs: `text`, what is `right`, `base` and `updated`, if `fixed`.

    A doc is right if all that was annotated is found, and nothing else of its labels.
    """
    rows = []
    for case in cases:
        gold, found = case.judged(labels)
        # Where a person rejected something, nothing else was looked at.
        rejected = case.kind.rejected_facts(case.doc)
        found = {who: found[who] | case.found[who] & rejected for who in WHO}
        sides = {"right": gold, **found}
        rows.append(
            {
                "text": case.doc.text,
                **{k: case.kind.to_spans(case.doc, v) for k, v in sides.items()},
                "fixed": found["updated"] == gold,
            }
        )
    return rows


def list_must_pass(cases: Iterable[Case]) -> list[dict[str, Any]]:
    """List must-pass docs: what has to be found, and if `base` and `updated` do.

    What a person marked in a doc is `wanted`, what was rejected `unwanted`; the rest
    may be found or not. `found` is what the update finds there.
    """
    rows = []
    for case in cases:
        unwanted = case.kind.rejected_facts(case.doc)
        marked = case.gold | unwanted
        found = {
            fact
            for fact in case.found["updated"]
            if any(case.kind.overlap(fact, other) for other in marked)
        }
        sides = {"wanted": case.gold, "unwanted": unwanted, "found": found}
        passed = {
            who: case.gold <= case.found[who] and not unwanted & case.found[who]
            for who in WHO
        }
        spans = {
            name: case.kind.to_spans(case.doc, some) for name, some in sides.items()
        }
        rows.append({"text": case.doc.text, **spans, **passed})
    return rows


def changes_of(
    case: Case, labels: Collection[str], known: Collection[str]
) -> Iterator[tuple[Fact, str]]:
    """Judge each fact that only one of the pipelines finds.

    Yields:
        The fact, and one of `GROUPS`.
    """
    gold, counted = case.judged(labels)
    for who, other in (WHO, WHO[::-1]):
        for fact in sorted(case.found[who] - case.found[other]):
            # What overlaps a gold fact is judged by it, whatever its label.
            if fact not in counted[who] and case.apart({fact}, gold):
                yield fact, "not judged"
            elif who == "base" and fact in gold:
                yield fact, "forgotten"
            elif who == "base":
                # A mistake that another one replaces is not fixed.
                if case.apart({fact}, case.found[other] - gold):
                    yield fact, "fixed"
            elif fact in gold:
                yield fact, "fixed" if fact[-1] in known else "learned"
            else:
                yield fact, "new mistake"


def passages(
    changes: Iterable[tuple[Any, ...]], n_tokens: int
) -> Iterator[tuple[int, int]]:
    """Yield the passages around changes; both as first token and the token after."""
    start = end = -1
    for first, last, *_ in sorted(changes):
        if end < 0:
            start = max(0, first - CONTEXT)
        elif first - CONTEXT > end or last - start > MAX_TOKENS:
            cut = min(end, first)
            yield start, cut
            start = max(cut, first - CONTEXT)
        end = max(end, min(n_tokens, last + CONTEXT))
    if end >= 0:
        yield start, end
