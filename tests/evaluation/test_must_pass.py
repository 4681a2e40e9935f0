"""Must-pass sentences: what passes, and what stops an update."""

import pytest
from conftest import KEPT, OMSK, case_of, metrics_of
from spacy.tokens import Span

from scripts.components.ner import INCORRECT
from scripts.evaluation.changes import list_must_pass
from scripts.evaluation.gates import pass_gates
from scripts.evaluation.verdict import cure, verdict

FLU = case_of("Flu is", [(0, 1, "NEW")], updated=[(0, 1, "NEW")])
TEXT = "Omsk is near Perm"
PERM = (3, 4, "OLD")


def judge(*cases, **options):
    """The verdict on an update that keeps and learns all else."""
    _, metrics = metrics_of([FLU] * 96, [KEPT] * 96)
    metrics["must_pass"] = list_must_pass(cases)
    return {**metrics, **pass_gates(metrics, **options)}


def sentence(base=(), updated=(), rejected=(), gold=OMSK):
    case = case_of(TEXT, gold, base, updated, default="missing")
    case.doc.spans[INCORRECT] = [Span(case.doc, *fact) for fact in rejected]
    return case


@pytest.mark.parametrize(
    "base, updated, gate, outcome",
    [
        (OMSK, OMSK, "kept", "passed"),
        # What nobody marked may be found.
        (OMSK, [*OMSK, PERM], "kept", "passed"),
        (OMSK, [], "kept", "stopped"),
        ([], OMSK, "all", "passed"),
        ([], [], "kept", "not proven"),
        ([], [], "all", "stopped"),
    ],
)
def test_sentence_that_passed_with_the_base_stops_an_update_that_fails_it(
    base, updated, gate, outcome
):
    metrics = judge(sentence(base, updated), must_pass=gate)
    assert metrics["verdict"] == outcome
    assert outcome == "passed" or "What now: ." not in cure(metrics)
    assert metrics["passed"] == (outcome != "stopped")


def test_rejected_span_must_not_be_found():
    case = sentence(OMSK, [*OMSK, PERM], rejected=[PERM])
    metrics = judge(case)
    assert metrics["verdict"] == "stopped"
    [row] = metrics["must_pass"]
    assert (row["base"], row["updated"]) == (True, False)
    assert row["unwanted"] == [(13, 17, "OLD")] and len(row["found"]) == 2
    told = " ".join(verdict(metrics))
    assert f"Must-pass sentences: 0 of 1 pass. Not: “{TEXT}”." in told
    assert "annotate sentences like the must-pass ones" in cure(metrics)


def test_nothing_is_said_without_must_pass_sentences():
    assert "Must-pass" not in " ".join(verdict(judge()))
