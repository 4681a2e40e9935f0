"""Gates of single labels and of earlier rounds: what passes, stops, or is in doubt."""

import pytest
from conftest import KEPT, OMSK, case_of, metrics_of

from scripts.evaluation.gates import pass_gates
from scripts.evaluation.scores import score
from scripts.evaluation.verdict import cure, verdict
from scripts.vars import LabelGate, read_gates

FLU = case_of("Flu is", [(0, 1, "NEW")], updated=[(0, 1, "NEW")])
LOST = case_of("Omsk is here", OMSK, OMSK, [])


def judge(gates="", old=(KEPT,) * 96, earlier=()):
    """The verdict on an update that keeps and learns all else."""
    _, metrics = metrics_of([FLU] * 96, old)
    metrics["earlier"] = [
        {"name": "earlier round one", **score(cases, ["OLD"])} for cases in earlier
    ]
    metrics |= pass_gates(metrics, labels=read_gates(gates))
    return metrics, " ".join(verdict(metrics))


@pytest.mark.parametrize(
    "gates, outcome, told",
    [
        ("OLD 0.97", "passed", "F of OLD is 99.5, before 100.0, on 100 annotations"),
        ("OLD 0.999", "stopped", "Too low: F of OLD is 99.5"),
        ("OLD f 0.999, NEW f 0.5", "stopped", "(the gate is 0.999)"),
        ("NEW f 1", "passed", "Learned: F of NEW is 100.0, before 0.0"),
        # There is nothing to keep of a new label.
        ("NEW 0.9", "not proven", "Not judged: NEW, 96 annotations in a test"),
        ("NOWHERE f 0.1", "not proven", "Not judged: NOWHERE, 0 annotations"),
    ],
)
def test_label_has_to_reach_its_own_gate(gates, outcome, told):
    metrics, text = judge(gates, [KEPT] * 99 + [LOST])
    assert (metrics["verdict"], metrics["passed"]) == (outcome, outcome != "stopped")
    assert told in text
    if outcome == "stopped":
        assert "annotate more of OLD, or change its gate" in cure(metrics)


def test_label_with_few_annotations_is_not_judged_and_does_not_pass():
    metrics, text = judge("OLD 0.97", [KEPT] * 95)
    assert metrics["verdict"] == "not proven"
    assert "OLD has 95 annotations in a test, fewer than 96" in metrics["doubts"]
    assert "Not judged: OLD, 95 annotations in a test (the gate is 0.97)." in text
    assert "annotate more of OLD for a test" in cure(metrics)
    # Said once, if no test has it at all.
    assert "more of OLD" not in cure({**metrics, "untested": ["OLD"]})


@pytest.mark.parametrize("n_lost, outcome", [(3, "passed"), (30, "stopped")])
def test_round_that_is_forgotten_stops_an_update(n_lost, outcome):
    # Nothing else tells: the old test has other texts.
    metrics, text = judge(earlier=[[KEPT] * (100 - n_lost) + [LOST] * n_lost])
    assert metrics["verdict"] == outcome
    assert "F of earlier round one is" in text


@pytest.mark.parametrize(
    "n_lost, outcome", [(1, "not proven"), (2, "not proven"), (12, "stopped")]
)
def test_small_test_of_a_round_stops_an_update_that_lost_more_than_by_chance(
    n_lost, outcome
):
    earlier = [[KEPT] * (30 - n_lost) + [LOST] * n_lost]
    assert judge(earlier=earlier)[0]["verdict"] == outcome


def test_update_with_no_old_label_but_those_of_rounds_is_judged_by_them():
    _, metrics = metrics_of([FLU] * 96, [KEPT], is_gold=False)
    metrics["changed"]["sure"]["share"] = None
    metrics["earlier"] = [{"name": "one", **score([KEPT] * 100, ["OLD"])}]
    metrics |= pass_gates(metrics)
    assert metrics["kept"] and metrics["verdict"] == "not proven"
    metrics["earlier"] = []
    assert not pass_gates(metrics)["kept"]


def test_each_round_has_a_gate_of_its_own():
    metrics, _ = judge(earlier=[[KEPT] * 1000, [KEPT] * 60 + [LOST] * 40])
    outcomes = [row["outcome"] for row in metrics["judged"]]
    assert (outcomes, metrics["verdict"]) == (["passed", "below"], "stopped")


def test_gates_are_read_with_labels_of_several_words():
    gates = read_gates(" ORG 0.97, WORK OF ART F 0.6 ,X=Y,Z|A=B 1.02 ")
    assert gates == [
        LabelGate("ORG", "kept", 0.97),
        LabelGate("WORK OF ART", "f", 0.6),
        LabelGate("X=Y,Z|A=B", "kept", 1.02),
    ]
    assert read_gates("") == []


WRONG = ("ORG", "0.97", "ORG 97", "DRUG f 60", "ORG f", "A B", "ORG: 0.97")
WRONG += ("ORG 0.97; DRUG f 0.6", "ORG 0.97 DRUG f 0.6")


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_gate_is_refused_before_any_training(text):
    with pytest.raises(ValueError, match=rf"vars\.gates: cannot read '{text}'\. Write"):
        read_gates(text)
