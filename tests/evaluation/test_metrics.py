"""What changed, the gates, and what the tests do not prove."""

import pytest
from conftest import KEPT, OMSK, case_of, metrics_of

from scripts.evaluation.gates import GATES, pass_gates
from scripts.evaluation.metrics import count_changed, find_spurious, to_metrics
from scripts.evaluation.verdict import tell_learned

FLU = case_of("Flu is", [(0, 1, "NEW")], updated=[(0, 1, "NEW")])
LOST = case_of("Omsk is here", OMSK, OMSK, sure=OMSK)


def changed(*cases, labels=("OLD", "OTHER"), carved=None):
    return count_changed(cases, labels, carved or {})


@pytest.mark.parametrize(
    "updated, outcome, n_new",
    [
        ([(1, 2, "OLD")], "kept", 0),
        # Beside what is kept a new label is found.
        ([(1, 2, "OLD"), (2, 3, "NEW")], "kept", 0),
        ([], "lost", 0),
        ([(3, 4, "OLD")], "lost", 1),
        ([(1, 2, "OTHER")], "otherwise", 0),
        ([(1, 3, "OLD")], "otherwise", 0),
        ([(0, 1, "OTHER"), (1, 3, "OTHER")], "otherwise", 1),
        # NEW was carved out of OLD, and NEWER out of something else.
        ([(1, 2, "NEW")], "moved", 0),
        ([(0, 3, "NEW")], "moved", 0),
        ([(1, 2, "NEWER")], "otherwise", 0),
    ],
)
def test_each_finding_of_the_base_counts_once_by_what_became_of_it(
    updated, outcome, n_new
):
    found = [(1, 2, "OLD")]
    case = case_of("a b c d", base=found, updated=updated, sure=found)
    counts = changed(case, carved={"NEW": ["OLD"], "NEWER": ["OTHER"]})
    share = float(outcome in ("lost", "otherwise"))
    outcomes = {**dict.fromkeys(("kept", "lost", "otherwise", "moved"), 0), outcome: 1}
    assert counts["all"] == counts["sure"] == {"found": 1, **outcomes, "share": share}
    assert counts["new"] == n_new


def test_what_the_base_is_sure_of_is_counted_apart():
    found = [(n, n + 1, "OLD") for n in range(4)]
    case = case_of("a b c d", base=found, updated=found[:2], sure=found[1:3])
    counts = changed(case)
    assert (counts["all"]["kept"], counts["all"]["lost"]) == (2, 2)
    assert (counts["sure"]["kept"], counts["sure"]["lost"]) == (1, 1)
    assert counts["sure"]["found"] == 2
    assert counts["all"]["share"] == counts["sure"]["share"] == 0.5


def test_nothing_found_has_no_share():
    counts = changed(case_of("a b", updated=[(0, 1, "OLD")]))
    assert counts["all"]["share"] is counts["sure"]["share"] is None
    assert counts["new"] == 1
    # The base finds something, and is sure of nothing.
    counts = changed(case_of("a b", base=OMSK))
    assert counts["all"]["share"] == 1.0 and counts["sure"]["share"] is None


def test_label_that_was_annotated_is_no_change():
    found = [(0, 1, "OLD"), (1, 2, "ANNOTATED")]
    case = case_of("a b c", base=found, updated=[(2, 3, "ANNOTATED")], sure=found)
    known = {"OLD", "ANNOTATED"}
    labels = {"new": ["ANNOTATED"], "old": known}
    metrics = to_metrics({"new": [], "old": [case]}, labels, known, is_gold=False)
    assert metrics["changed"]["all"]["found"] == metrics["changed"]["sure"]["lost"] == 1
    assert metrics["changed"]["new"] == 0


def test_what_is_found_of_new_types_in_unseen_text_is_shown_most_frequent_first():
    texts = ["Kishida"] * 2 + ["Omsk", *"abcdef"] + ["patty"] * 3
    cases = [case_of(text, updated=[(0, 1, "NEW")]) for text in texts]
    _, metrics = metrics_of([], [*cases, *[KEPT] * 12])
    assert find_spurious(cases, {"OLD"}).total() == 12
    assert metrics["spurious"] == 500
    assert metrics["spurious_examples"] == ["patty", "Kishida", "Omsk", "a", "b"]


def judge(new=96, old=(KEPT,) * 96, labels=("NEW",), is_gold=True, **gates):
    """The metrics, with the gates, of an update that found `new` entities."""
    _, metrics = metrics_of([FLU] * new, old, labels, is_gold)
    return metrics | pass_gates(metrics, **gates)


def test_update_with_enough_gold_that_kept_and_learned_has_passed():
    metrics = judge()
    assert metrics["verdict"] == "passed" and metrics["passed"] is True
    assert metrics["doubts"] == []


@pytest.mark.parametrize(
    "options, doubt",
    [
        ({"is_gold": False}, "there is no gold of the old labels"),
        ({"new": 95}, "the new test has 95 annotations, fewer than 96"),
        ({"old": [KEPT] * 95}, "the old test has 95 annotations, fewer than 96"),
        ({"labels": ["NEW", "RARE"]}, "no test has RARE"),
        ({"min_retention": 0.96}, "you set min_retention to 0.96, and not 0.97"),
        ({"min_new_f": 0.2}, "you set min_new_f to 0.2, and not 0.3"),
        ({"max_changed": 0.06}, "you set max_changed to 0.06, and not 0.05"),
    ],
)
def test_each_doubt_alone_leaves_an_update_not_proven(options, doubt):
    metrics = judge(**options)
    assert metrics["doubts"] == [doubt]
    # It is packaged nevertheless.
    assert metrics["verdict"] == "not proven" and metrics["passed"] is True


def test_what_the_base_finds_is_not_counted_as_gold_of_the_old_types():
    assert judge(is_gold=False, old=[KEPT])["doubts"] == judge(is_gold=False)["doubts"]


def test_label_that_the_old_test_has_is_tested():
    case = case_of("Flu", [(0, 1, "NEW")], updated=[(0, 1, "NEW")])
    _, metrics = metrics_of([case], [KEPT], ["NEW", "OLD"])
    assert metrics["untested"] == []
    # There the base says what is right, and not a person.
    _, metrics = metrics_of([case], [KEPT], ["NEW", "OLD"], is_gold=False)
    assert metrics["untested"] == ["OLD"]


def test_corrections_that_were_trained_on_prove_nothing():
    metrics = judge()
    metrics["test_is_train"] = True
    judged = pass_gates(metrics)
    assert judged["doubts"] == ["the corrections that are scored were trained on"]
    assert judged["verdict"] == "not proven"


def test_gate_that_the_user_raised_is_no_doubt():
    metrics = judge(min_retention=0.99, min_new_f=0.9, max_changed=0.01)
    assert (metrics["verdict"], metrics["doubts"]) == ("passed", [])


@pytest.mark.parametrize(
    "options",
    [
        {"min_retention": 1.01},
        {"min_new_f": 1.01},
        {"new": 0},
        {"old": [KEPT, LOST]},
        {"old": [KEPT, LOST], "is_gold": False},
        # Nothing shows that anything was kept.
        {"old": []},
        {"old": [], "is_gold": False},
    ],
)
def test_update_that_a_gate_stops_is_stopped_whatever_is_in_doubt(options):
    metrics = judge(**options)
    assert metrics["verdict"] == "stopped" and metrics["passed"] is False


def test_without_gold_the_gate_is_what_changed_of_what_the_base_is_sure_of():
    # One of twenty is 5 %.
    for n_lost, kept in ((1, True), (2, False)):
        old = [*[KEPT] * (20 - n_lost), *[LOST] * n_lost]
        # The other gate is as wide as can be, or as narrow.
        for min_retention in (0, 9):
            metrics = judge(old=old, is_gold=False, min_retention=min_retention)
            assert metrics["kept"] is metrics["passed"] is kept
    assert metrics["retention"] is metrics["retention_interval"] is None
    assert metrics["retention_unmoved"] is None
    # The base guessed these, and guesses change.
    guessed = case_of("Omsk", base=OMSK)
    assert judge(old=[KEPT, guessed, guessed], is_gold=False)["kept"]


def test_with_gold_the_gate_is_retention():
    for n_lost, kept in ((0, True), (2, False)):
        old = [*[KEPT] * (20 - n_lost), *[LOST] * n_lost]
        for max_changed in (-1, 1):
            metrics = judge(old=old, max_changed=max_changed)
            assert metrics["kept"] is metrics["passed"] is kept
    assert metrics["retention"] == pytest.approx(18 / 19)
    assert metrics["gates"] == {**GATES, "max_changed": 1}


def test_scores_are_told_apart_for_texts_that_were_annotated_in_training():
    flu = case_of("Flu is here", [(0, 1, "FLU")], updated=[(0, 1, "FLU")])
    pox = case_of("Pox is here", [(0, 1, "FLU")])
    wrong = case_of("Flu is here", [], updated=[(0, 1, "FLU")])
    seen = {("flu", "FLU"), ("pox", "OTHER")}
    cases = {"new": [flu, pox, wrong], "old": [KEPT]}
    metrics = to_metrics(cases, {"new": ["FLU"], "old": ["OLD"]}, {"OLD"}, seen=seen)
    assert metrics["seen"]["gold"] == metrics["unseen"]["gold"] == 1
    assert metrics["seen"]["updated"] == {"p": 0.5, "r": 1.0, "f": pytest.approx(2 / 3)}
    assert metrics["unseen"]["updated"]["f"] == 0
    told = tell_learned({**metrics, **pass_gates(metrics)})
    assert "; 66.7 on texts annotated in training, 0.0 on others" in told
