import subprocess
import sys

import pytest
import srsly
from conftest import case_of, metrics_of

from scripts.evaluation.metrics import pass_gates
from scripts.verdict import main

TEXT = 'It\'s "flu" \u202eagain'
WHEEL = "en_new-0.2.0-py3-none-any.whl"


def verdict(folder, gates=(0.97, 0.3), report="none.html"):
    new = [
        case_of(f"{TEXT} and again", [(3, 4, "FLU")], updated=[(3, 4, "FLU")]),
        case_of(TEXT, [(3, 4, "FLU")], updated=[(3, 4, "FLU")]),
        # Shorter, but without anything that was learned.
        case_of("Omsk", updated=[(0, 1, "FLU")]),
    ]
    rows, metrics = metrics_of(new, labels=["FLU"])
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
    assert "Kept: F on the old types is 100.0, before 100.0 (retention" in words
    assert "Learned FLU: F on the new test is 80.0, before 0.0" in words
    assert "about 0.93 of the base's (13,000 words per second, the base 14" in words
    assert "Report" not in out
    *_, install, _, one, two, three = out.splitlines()
    assert install == f"pip install {tmp_path}/packages/en_new-0.2.0/dist/{WHEEL}"
    assert (one, two) == ("import spacy", 'nlp = spacy.load("en_new")')
    texts = []
    exec(three, {"nlp": lambda text: texts.append(text) or base(text)})
    assert texts == [TEXT]
    assert "\u202e" not in out


def test_report_is_named_if_there_is_one(tmp_path, capsys):
    (tmp_path / "report.html").touch()
    verdict(tmp_path, report="report.html")
    assert f"Report:{tmp_path}/report.html" in "".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "gates, problem, remedy",
    [
        ((1.1, 0.3), "The update forgot: F on the old types", "vars.min_retention"),
        ((0.97, 0.9), "The update learned too little of FLU", "vars.min_new_f"),
    ],
)
def test_update_that_did_not_pass_is_an_error_with_its_cure(
    tmp_path, gates, problem, remedy
):
    with pytest.raises(ValueError, match=f"{problem}.*lower {remedy}.*gate stops you"):
        verdict(tmp_path, gates)


def test_last_step_does_not_wait_for_spacy():
    code = "import scripts.verdict, sys; assert 'spacy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
