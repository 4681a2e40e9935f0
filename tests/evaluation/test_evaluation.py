import random
from itertools import pairwise
from statistics import quantiles

import numpy as np
import pytest
import spacy
from conftest import NLP, case_of, make_pipeline, metrics_of
from spacy.scorer import Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example

from scripts.components import KINDS
from scripts.evaluation.cases import WHO, Case, add_sure, annotate
from scripts.evaluation.changes import (
    CONTEXT,
    MAX_TOKENS,
    changes_of,
    find_changes,
    passages,
)
from scripts.evaluation.scores import score
from scripts.evaluation.statistics import bootstrap, f_scores, interval, sign_test

LABELS = ("A", "B", "C")


def random_ents(rng, n_tokens, labels=LABELS):
    """Entities that do not overlap."""
    ents, at = set(), 0
    while (at := at + rng.randrange(3)) < n_tokens:
        end = min(n_tokens, at + rng.randrange(1, 3))
        if rng.random() < 0.6:
            ents.add((at, end, rng.choice(labels)))
        at = end
    return ents


def random_case(rng):
    doc = Doc(NLP.vocab, words=["w"] * rng.randrange(1, 9))
    gold = random_ents(rng, len(doc), LABELS[:2])
    default = rng.choice(["outside", "outside", "missing"])
    doc.set_ents([Span(doc, *ent) for ent in gold], default=default)
    return Case(
        doc, KINDS["ner"], gold, {who: random_ents(rng, len(doc)) for who in WHO}
    )


def score_of(cases, labels=LABELS[:2]):
    return score(cases, labels)


def by_scorer(cases, who, labels=LABELS[:2]):
    """Scores of what counts: annotated labels on tokens without a missing value."""
    examples = []
    for case in cases:
        doc = Doc(NLP.vocab, words=[token.text for token in case.doc])
        doc.set_ents([Span(doc, *ent) for ent in case.found[who]])
        examples.append(Example(doc, case.doc))
    missing = {
        id(eg.predicted): {token.i for token in eg.reference if not token.ent_iob}
        for eg in examples
    }

    def annotated(doc, _):
        return [
            ent
            for ent in doc.ents
            if ent.label_ in labels
            and not {*range(ent.start, ent.end)} & missing.get(id(doc), set())
        ]

    scores = Scorer.score_spans(examples, "ents", getter=annotated)
    assert KINDS["ner"].score(examples, labels) == scores["ents_f"]
    return scores


@pytest.mark.parametrize("seed", range(20))
def test_scores_are_those_of_spacys_scorer_to_the_last_digit(seed):
    rng = random.Random(seed)
    cases = [random_case(rng) for _ in range(30)]
    test = score_of(cases)
    for who in WHO:
        scores = by_scorer(cases, who)
        assert test[who] == {key: scores[f"ents_{key}"] for key in "prf"}
        for label, both in test["labels"].items():
            assert both[who] == scores["ents_per_type"][label]


def test_scores_hold_if_the_pipelines_split_the_text_into_other_tokens():
    base, updated = spacy.blank("en"), spacy.blank("en")
    updated.tokenizer = lambda text: Doc(updated.vocab, words=text.split(" "))
    for nlp, pattern in ((base, "Omsk"), (updated, "Omsk")):
        nlp.add_pipe("entity_ruler").add_patterns(
            [{"label": "GPE", "pattern": pattern}]
        )
    doc = base.make_doc("It's Omsk now")
    doc.set_ents([doc.char_span(5, 9, "GPE")])
    (case,) = annotate((base, updated), [doc], "ner")
    assert case.found["base"] == case.found["updated"] == case.gold == {(2, 3, "GPE")}


def test_components_that_the_ner_does_not_need_are_not_run():
    base, ruled = make_pipeline("shared"), make_pipeline("shared")
    ruler = ruled.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "NAME", "pattern": [{"TAG": "NOUN"}]}])
    doc = base.make_doc("Anna Berg lives in Oslo.")
    doc.set_ents([])
    annotate((base, ruled), [doc], "ner")
    assert base.pipe_names == ["tok2vec", "ner"]
    # A rule may ask for tags.
    assert ruled.pipe_names == ["tok2vec", "tagger", "ner", "entity_ruler"]


def test_base_is_sure_of_what_it_has_learned_and_not_of_what_it_guesses():
    base = make_pipeline("own")
    texts = ("Anna Berg flew to Oslo on Monday.", "office Anna in today , Paz Lima")
    cases = annotate((base, base), [base.make_doc(text) for text in texts], "ner")
    known, unlike = add_sure(cases, base, "ner")
    assert known.sure == known.found["base"] == {(0, 2, "PERSON"), (4, 5, "GPE")}
    assert unlike.found["base"] and not unlike.sure
    assert add_sure([], base, "ner") == []


def slow_bootstrap(counts, seed, n):
    """The plain way: draw docs, add up, score."""
    rng = random.Random(seed)
    changes = []
    for _ in range(n):
        drawn = [rng.choice(counts) for _ in counts]
        base, updated = f_scores(np.sum(drawn, axis=0))
        changes.append(updated - base)
    cuts = quantiles(changes, n=40)
    return cuts[0], cuts[-1]


def test_bootstrap_agrees_with_a_plain_one():
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 3, size=(60, 2, 3))
    rows, n_docs = np.unique(counts, axis=0, return_counts=True)
    draws = bootstrap(rows, n_docs)
    fast = interval(draws[:, 1] - draws[:, 0])
    assert fast == pytest.approx(slow_bootstrap(list(counts), 2, 3000), abs=0.01)


def test_interval_of_docs_that_are_all_alike_is_their_change():
    counts = np.array([[[0, 0, 2], [1, 0, 1]]])
    draws = bootstrap(counts, np.array([50]))
    assert interval(draws[:, 1] - draws[:, 0]) == pytest.approx([2 / 3, 2 / 3])


def test_interval_of_one_right_doc_in_two_is_known():
    # Recall is the share of right docs among 100: binomial, 0.5 ± 1.96 × 0.05.
    counts = np.array([[1, 0, 0], [0, 0, 1]])
    f = bootstrap(counts, np.array([50, 50]))
    recall = f / (2 - f)
    assert interval(recall) == pytest.approx([0.4, 0.6], abs=0.011)


@pytest.mark.parametrize(
    "gained, lost, p",
    [(0, 0, 1.0), (3, 3, 1.0), (5, 0, 0.0625), (0, 10, 2 / 1024), (1, 8, 20 / 512)],
)
def test_sign_test_gives_the_exact_binomial(gained, lost, p):
    assert sign_test(gained, lost) == pytest.approx(p)


@pytest.mark.parametrize(
    "found, pair, error",
    [
        ((0, 2, "A"), ("A", "A"), "right"),
        ((0, 2, "B"), ("A", "B"), "label"),
        ((0, 1, "A"), ("A", "A"), "boundary"),
        ((1, 3, "B"), ("A", "B"), "both"),
        (None, ("A", "MISSED"), "missed"),
    ],
)
def test_each_gold_entity_counts_once_with_what_was_found_for_it(found, pair, error):
    test = score_of([case_of("a b c d", [(0, 2, "A")], updated={found} - {None})])
    assert test["confusion"]["updated"] == {pair[0]: {pair[1]: 1}}
    assert {e: n for e, n in test["errors"]["updated"].items() if n} == {error: 1}


def test_entity_found_where_there_is_none_is_spurious_if_its_type_was_annotated():
    found = {(0, 1, "A"), (1, 2, "C")}
    test = score_of([case_of("a b c", updated=found)], labels="A")
    assert test["confusion"]["updated"] == {"SPURIOUS": {"A": 1}}


@pytest.mark.parametrize(
    "gold, base, updated, groups",
    [
        ([(0, 1, "NEW")], [], [(0, 1, "NEW")], ["learned"]),
        ([(0, 1, "A")], [], [(0, 1, "A")], ["fixed"]),
        ([], [(0, 1, "A")], [], ["fixed"]),
        ([(0, 1, "A")], [(0, 1, "A")], [], ["forgotten"]),
        ([], [], [(0, 1, "A")], ["new mistake"]),
        ([(0, 2, "A")], [], [(0, 1, "A")], ["new mistake"]),
        # A mistake that another one replaces is not fixed.
        ([(0, 2, "A")], [(0, 1, "A")], [(0, 3, "A")], ["new mistake"]),
        ([], [(0, 1, "B")], [(2, 3, "B")], ["not judged", "not judged"]),
        # What overlaps a gold entity is judged by it, whatever its label.
        ([(0, 1, "NEW")], [(0, 1, "B")], [(0, 1, "NEW")], ["fixed", "learned"]),
    ],
)
def test_change_is_judged_by_gold(gold, base, updated, groups):
    case = case_of("a b c d", gold, base, updated)
    changes = changes_of(case, {"A", "NEW"}, "AB")
    assert [group for _, group in changes] == groups


def test_change_where_nobody_annotated_is_not_judged():
    case = case_of("a b c", [(0, 1, "A")], updated=[(2, 3, "A")], default="missing")
    changes = list(changes_of(case, "A", "A"))
    assert changes == [((2, 3, "A"), "not judged")]


def test_long_doc_is_cut_to_the_passages_that_changed():
    n = 10 * CONTEXT
    ents = [(n // 2, n // 2 + 1, "A"), (n - 1, n, "A")]
    case = case_of(" ".join(["w"] * n), gold=ents, updated=ents)
    rows = list(find_changes([case], LABELS[:2], LABELS))
    assert [len(row["text"].split()) for row in rows] == [2 * CONTEXT + 1, CONTEXT + 1]
    for row in rows:
        ((start, end, _),) = row["updated"]
        assert row["gold"] == row["updated"] and row["text"][start:end] == "w"


def test_entity_that_ends_outside_a_passage_is_cut():
    kept, new = (0, 40, "B"), (50, 51, "A")
    case = case_of(" ".join(["w"] * 99), [kept], [kept], [kept, new])
    (row,) = find_changes([case], LABELS[:2], LABELS)
    ((start, end, label),) = row["gold"]
    assert (start, row["text"][start:end].split(), label) == (0, ["w"] * 15, "B")


def test_changes_close_together_do_not_make_one_endless_passage():
    n = 50 * MAX_TOKENS
    ents = [(at, at + 1, "A") for at in range(0, n, CONTEXT)]
    some = list(passages(ents, n))
    assert max(end - start for start, end in some) <= MAX_TOKENS + 2 * CONTEXT
    assert all(before[1] <= after[0] for before, after in pairwise(some))
    for at, *_ in ents:
        assert sum(start <= at < end for start, end in some) == 1
    assert list(passages([], 5)) == []


def test_each_passage_has_a_change():
    long, short = (300, 500, "OLD"), (300, 301, "OLD")
    case = case_of("word " * 900, gold=[long], base=[long], updated=[short])
    rows, _ = metrics_of([], [case])
    assert all(row["changes"] for row in rows)
    assert sum(len(row["changes"]) for row in rows) == 2


def test_one_doc_gives_no_interval():
    case = case_of("a b", [(0, 1, "A")], updated=[(0, 1, "A")])
    test = score_of([case])
    assert test["change"] == 1.0
    assert test["interval"] is test["labels"]["A"]["interval"] is None
    assert score_of([case, case])["interval"] == [1.0, 1.0]


def test_no_docs_score_nothing():
    test = score_of([])
    assert test["docs"] == test["gold"] == test["gained"] == 0
    assert test["updated"] == {"p": 0.0, "r": 0.0, "f": 0.0}
    assert test["interval"] is test["ratio_interval"] is None
    assert test["p_value"] == 1.0
