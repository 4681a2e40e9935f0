"""What changed by name: the same text with the same label, over all docs of a test."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from scripts.evaluation.cases import WHO, Case, Fact

# What became of a text, in the order in which groups of one size are listed.
LOST, FOUND, SAME = "no longer found", "newly found", "unchanged"
CHANGES = (LOST, "another label", "another head", "other bounds", FOUND, SAME)
# Tokens at each side of the text in the sentence that shows it.
CONTEXT = 12
Row = dict[str, Any]


def list_names(
    cases: Sequence[Case], watch: Sequence[str] = (), is_gold: bool = True
) -> list[Row]:
    """Group what changed by text and label: names to watch first, then the largest.

    Args:
        cases: What both pipelines find in the docs of a test.
        watch: Texts that are listed even if nothing changed.
        is_gold: Whether the test is gold, and not what the base itself finds.

    Returns:
        Rows with `text`, `label`, `change`, one of `CHANGES`, and what is found `now`
        instead; `n`, the number of times, and of these how many are `better` and
        `worse` by gold; how often the text was found with the label `before` and
        `after`; and a `sentence`.
    """
    groups: dict[tuple[str, ...], Row] = {}
    totals = {
        who: Counter(
            (case.kind.text_of(case.doc, fact), fact[-1])
            for case in cases
            for fact in case.found[who]
        )
        for who in WHO
    }
    judged = {fact[-1] for case in cases for fact in case.gold} if is_gold else set()
    first = {name.lower() for name in watch}
    for case in cases:
        for fact, change, other in changes_of(case, first):
            now = show_other(case, change, other)
            text, label = case.kind.text_of(case.doc, fact), fact[-1]
            row = {"text": text, "label": label, "change": change, "now": now, "n": 0}
            row |= {"better": 0, "worse": 0, "sentence": sentence_of(case, fact)}
            counts = {"before": totals["base"], "after": totals["updated"]}
            row |= {name: total[text, label] for name, total in counts.items()}
            row = groups.setdefault((text, label, change, now), row)
            row["n"] += 1
            if fact[-1] in judged and change != SAME:
                was = (fact in case.gold) == (change != FOUND)
                # To find nothing is right where nothing is gold.
                is_now = other in case.gold if other else not was
                row["better"] += is_now and not was
                row["worse"] += was and not is_now

    def rank(row: Row) -> tuple[Any, ...]:
        place = CHANGES.index(row["change"])
        return row["text"].lower() not in first, -row["n"], place, row["text"]

    return sorted(groups.values(), key=rank)


def changes_of(
    case: Case, watch: Collection[str]
) -> Iterator[tuple[Fact, str, Fact | None]]:
    """Yield each fact that changed, or is to be watched, how, and what is found now.

    Names to watch are in lower case.
    """
    kind, (base, updated) = case.kind, (case.found[who] for who in WHO)
    for fact in sorted(base - updated):
        others = sorted(other for other in updated if kind.overlap(fact, other))
        same = [o for o in others if kind.tokens(o) == kind.tokens(fact)]
        if same:
            is_head = same[0][-1] == fact[-1]
            yield fact, "another head" if is_head else "another label", same[0]
        elif others:
            yield fact, "other bounds", others[0]
        else:
            yield fact, LOST, None
    for fact in sorted(updated - base):
        if not any(kind.overlap(fact, other) for other in base):
            yield fact, FOUND, None
    for fact in sorted(base & updated):
        if kind.text_of(case.doc, fact).lower() in watch:
            yield fact, SAME, None


def show_other(case: Case, change: str, other: Fact | None) -> str:
    """Write what is found instead: its label, with its text if that is another."""
    if other is None:
        return ""
    now = case.kind.show(case.doc, other)
    return f"{case.kind.text_of(case.doc, other)} {now}" if "bounds" in change else now


def sentence_of(case: Case, fact: Fact) -> str:
    """Return the text around a fact."""
    tokens = case.kind.tokens(fact)
    start = max(0, tokens.start - CONTEXT)
    return case.doc[start : tokens.stop + CONTEXT].text


def find_absent(cases: Iterable[Case], watch: Iterable[str]) -> list[str]:
    """List the names to watch that stand in no text."""
    texts = [case.doc.text.lower() for case in cases]
    return [name for name in watch if not any(name.lower() in text for text in texts)]
