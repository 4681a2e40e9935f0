import subprocess
import sys

import pytest
import srsly
from conftest import KEPT, case_of, metrics_of

from scripts.evaluation.gates import pass_gates
from scripts.evaluation.verdict import cure
from scripts.evaluation.verdict import verdict as tell
from scripts.verdict import main

TEXT = 'It\'s "flu" \u202eagain'
WHEEL = "en_new-0.2.0-py3-none-any.whl"


def verdict(folder, gates=(0.97, 0.3), report="none.html", times=1, is_gold=True):
    new = [
        case_of(f"{TEXT} and again", [(3, 4, "FLU")], updated=[(3, 4, "FLU")]),
        case_of(TEXT, [(3, 4, "FLU")], updated=[(3, 4, "FLU")]),
        # Shorter, but without anything that was learned.
        case_of("Omsk", updated=[(0, 1, "FLU")]),
    ]
    cases = {"new": times * new, "old": [KEPT] * 2 * times}
    rows, metrics = metrics_of(**cases, labels=["FLU"], is_gold=is_gold)
    srsly.write_json(folder / "metrics.json", metrics | pass_gates(metrics, *gates))
    srsly.write_jsonl(folder / "changes.jsonl", rows)
    checked = {
        "wheel": WHEEL,
        "speed": {"base": 14000, "updated": 13000, "ratio": 0.928},
        "show": "[ent.text for ent in nlp({text!r}).ents]",
    }
    srsly.write_json(folder / "check.json", checked)
    dist = folder / "packages" / "en_new-0.2.0" / "dist"
    dist.mkdir(parents=True)
    (dist / WHEEL).touch()
    names = ("metrics.json", "changes.jsonl", "check.json", report, "packages")
    main(*(folder / name for name in names))


def test_last_lines_say_what_was_kept_and_learned_and_how_to_try_it(
    base, tmp_path, capsys
):
    verdict(tmp_path)
    out = capsys.readouterr().out
    words = " ".join(out.split())
    assert "Kept: F on the old labels is 100.0, before 100.0 (retention" in words
    assert "Learned FLU: F on the new test is 80.0, before 0.0" in words
    assert "about 0.93 of the base's (13,000 words per second, the base 14" in words
    assert "Report" not in out
    doubts = "the new test has 2 annotations, fewer than 96; the old test has 2 "
    assert f"Not proven: {doubts}" in words and "ready to ship" not in words
    remedies = "annotate more for vars.old_test; annotate more for vars.test"
    assert f"What now: {remedies}. See training/report.html, and" in words
    *_, install, _, one, two, three = out.splitlines()
    assert install == f"pip install {tmp_path}/packages/en_new-0.2.0/dist/{WHEEL}"
    assert (one, two) == ("import spacy", 'nlp = spacy.load("en_new")')
    texts = []
    exec(three, {"nlp": lambda text: texts.append(text) or base(text)})
    assert texts == [TEXT]
    assert "\u202e" not in out


def test_update_that_passed_is_ready_and_nothing_is_to_be_done(tmp_path, capsys):
    verdict(tmp_path, times=48)
    words = " ".join(capsys.readouterr().out.split())
    assert "Passed: ready to ship." in words and "What now" not in words


def test_without_gold_nothing_is_proven_and_how_to_get_some_is_said(tmp_path, capsys):
    verdict(tmp_path, times=48, is_gold=False)
    words = " ".join(capsys.readouterr().out.split())
    assert "Not proven: there is no gold of the old labels." in words
    assert "Changed: of 96 annotations that the base is sure of, 0.0 % are" in words
    assert "What now: annotate gold of the old labels:" in words
    assert "kept" not in words.lower() and "retention" not in words


def test_false_alarms_are_in_the_verdict_with_examples(tmp_path, capsys):
    spurious = case_of("Toyota", updated=[(0, 1, "FLU")])
    _, metrics = metrics_of([], [KEPT, *[spurious] * 3], labels=["FLU"])
    sentences = tell(metrics | pass_gates(metrics))
    alarm = "New labels are found 750 times in 1,000 texts of the old test: “Toyota”."
    assert f"{alarm} Are these right?" in sentences
    _, metrics = metrics_of([], labels=["FLU"])
    assert "New types" not in " ".join(tell(metrics | pass_gates(metrics)))


FLU = case_of("Flu", [(0, 1, "FLU")], updated=[(0, 1, "FLU")])


@pytest.mark.parametrize(
    "options, gates, remedies",
    [
        ({"is_gold": False}, {}, ["annotate gold of the old labels: python -m spacy"]),
        ({"new": [FLU]}, {}, ["annotate more for vars.test"]),
        ({"old": [KEPT]}, {}, ["annotate more for vars.old_test"]),
        ({"labels": ["FLU", "POX"]}, {}, ["annotate POX in a test"]),
        ({}, {"min_new_f": 0.1}, ["set the gates as they were"]),
        (
            {"test_is_train": True},
            {},
            ["set vars.test to texts not in"],
        ),
        # Stopped.
        (
            {},
            {"min_retention": 1.1},
            ["set vars.keep to exact", "add raw text", "change vars.min_retention"],
        ),
        ({"old": []}, {}, ["set vars.old_test to annotations of labels that the base"]),
        ({"is_gold": False}, {"max_changed": -1}, ["change vars.max_changed"]),
        ({}, {"min_new_f": 1.1}, ["annotate more texts, or lower vars.min_new_f"]),
    ],
)
def test_what_to_do_now_fits_each_doubt_and_each_gate(options, gates, remedies):
    options = {"new": [FLU] * 96, "old": [KEPT] * 96, "labels": ["FLU"], **options}
    is_train = options.pop("test_is_train", False)
    _, metrics = metrics_of(**options)
    metrics["test_is_train"] = is_train
    metrics |= pass_gates(metrics, **gates)
    assert metrics["verdict"] in ("not proven", "stopped")
    what_now = cure(metrics)
    assert what_now.startswith("What now: ")
    assert what_now.endswith('"When the gate stops you" in the README.')
    for remedy in remedies:
        assert remedy in what_now


def test_report_is_named_if_there_is_one(tmp_path, capsys):
    (tmp_path / "report.html").touch()
    verdict(tmp_path, report="report.html")
    assert f"Report:{tmp_path}/report.html" in "".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "gates, problem, remedy",
    [
        (
            (1.1, 0.3),
            "The update forgot: F on the old labels",
            "change vars.min_retention",
        ),
        (
            (0.97, 0.9),
            "The update learned too little of FLU",
            "lower vars.min_new_f",
        ),
    ],
)
def test_update_that_did_not_pass_is_an_error_with_its_cure(
    tmp_path, gates, problem, remedy
):
    match = f"^Stopped: not to be .*{problem}.*What now: .*{remedy}.*gate stops you"
    with pytest.raises(ValueError, match=match):
        verdict(tmp_path, gates)


def test_last_step_does_not_wait_for_spacy():
    code = "import scripts.verdict, sys; assert 'spacy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
