"""What an update changed in a doc, judged by gold: to read, not to count."""

from collections.abc import Iterable, Iterator
from typing import Any

from scripts.evaluation.cases import WHO, Case, Entity, overlap
from scripts.evaluation.tally import Tally

# What a change is: a gold entity of a new type is found; one of a type that the base
# knows is found, or a mistake is gone; a gold entity is lost; what is found is not
# gold; or nobody looked there for such a type.
GROUPS = ("learned", "fixed", "forgotten", "new mistake", "not judged")
# Tokens shown at each side of a change, and those of a passage, if changes are close.
CONTEXT, MAX_TOKENS = 25, 200


def measure(cases: Iterable[Case], tally: Tally) -> Iterator[dict[str, Any]]:
    """Count cases, and give the changes in them as rows, one for each passage."""
    for case in cases:
        tally.add(case)
        changes = list(changes_of(case, tally.labels, tally.old))
        for start, end in passages([ent for ent, _ in changes], len(case.doc)):
            if any(start <= ent[0] < end for ent, _ in changes):
                yield to_row(case, changes, start, end)


def changes_of(
    case: Case, labels: frozenset[str], old: frozenset[str]
) -> Iterator[tuple[Entity, str]]:
    """Judge each entity that only one of the pipelines finds.

    Args:
        case: The case.
        labels: The labels that a person looked for.
        old: The labels of the base.

    Yields:
        The entity, and one of `GROUPS`.
    """
    gold = {ent for ent in case.gold if ent[2] in labels}
    looked_at = {who: case.looked_at(who, labels) for who in WHO}
    for who, other in (WHO, WHO[::-1]):
        for ent in sorted(case.found[who] - case.found[other]):
            is_right = ent in gold
            # What stands on a gold entity is judged by it, whatever its label.
            if not (ent in looked_at[who] or any(overlap(ent, g) for g in gold)):
                yield ent, "not judged"
            elif who == "base" and is_right:
                yield ent, "forgotten"
            elif who == "base":
                # A mistake in the place of another mends nothing.
                if not any(overlap(ent, new) for new in case.found[other] - gold):
                    yield ent, "fixed"
            elif is_right:
                yield ent, "fixed" if ent[2] in old else "learned"
            else:
                yield ent, "new mistake"


def passages(ents: list[Entity], n_tokens: int) -> Iterator[tuple[int, int]]:
    """Give the passages of a doc in which something changed, as token offsets."""
    start = end = -1
    for first, last, _ in sorted(ents):
        if end < 0:
            start = max(0, first - CONTEXT)
        elif first - CONTEXT > end or last - start > MAX_TOKENS:
            cut = min(end, first)
            yield start, cut
            start = max(cut, first - CONTEXT)
        end = max(end, min(n_tokens, last + CONTEXT))
    if end >= 0:
        yield start, end


def to_row(
    case: Case, changes: list[tuple[Entity, str]], start: int, end: int
) -> dict[str, Any]:
    """Give a passage as a row: its text, and entities by characters in it.

    Args:
        case: The case.
        changes: The changed entities with their groups.
        start: The passage's first token.
        end: The token after it.

    Returns:
        `text`; `gold`, `base` and `updated`, each a list of start, end (exclusive) and
        label; `changes`, a list of group and label.
    """
    passage = case.doc[start:end]

    def inside(ents: Iterable[Entity]) -> list[tuple[int, int, str]]:
        spans = (
            (case.doc[max(first, start) : min(last, end)], label)
            for first, last, label in sorted(ents)
            if first < end and start < last
        )
        zero = passage.start_char
        return [(s.start_char - zero, s.end_char - zero, label) for s, label in spans]

    return {
        "text": passage.text,
        "gold": inside(case.gold),
        **{who: inside(case.found[who]) for who in WHO},
        "changes": [(group, ent[2]) for ent, group in changes if start <= ent[0] < end],
    }
