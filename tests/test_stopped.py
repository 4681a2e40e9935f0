"""What is left of a step that is stopped: nothing half, nothing older, one line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import srsly
from conftest import case_of, make_pipeline, metrics_of
from test_configure import update
from test_project import COMMANDS
from weasel.util.hashing import get_checksum

from scripts.docs import write_docs
from scripts.evaluate import main as evaluate
from scripts.evaluation.gates import pass_gates
from scripts.evaluation.metrics import read_metrics
from scripts.files import remove, work_folder
from scripts.preprocess import main as preprocess
from scripts.specialist import main as specialist
from scripts.train import main as train

ROOT = Path(__file__).parents[1]
FLU = case_of("Flu is here", [(0, 1, "FLU")], updated=[(0, 1, "FLU")])
# A step, where no file can grow larger than some bytes, or one is gone.
STEP = """
import sys
from scripts.{step} import main, run
if n_bytes := int(sys.argv.pop(1)):
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
run(main)
"""


def run_step(step, *arguments, n_bytes=0):
    words = [sys.executable, "-c", STEP.format(step=step), str(n_bytes)]
    words += map(str, arguments)
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True)


def train_again(folder, run=train):
    names = ("base", "configs", "trained", "updated", "rehearse.json")
    return run(*(folder / name for name in names))


def test_training_that_is_stopped_leaves_no_update_not_even_the_older_one(
    base, tmp_path
):
    update(base, tmp_path)
    write_docs([], tmp_path / "new.spacy")
    with pytest.raises(ValueError, match=r"new\.spacy has no docs with words: run"):
        train_again(tmp_path)
    assert not (tmp_path / "updated").exists()
    assert not [*tmp_path.rglob("*.part")]


def test_training_without_configs_says_so_and_costs_nothing(base, tmp_path):
    update(base, tmp_path)
    before = get_checksum(tmp_path / "updated")
    for config in (tmp_path / "configs").glob("*.cfg"):
        remove(config)
    with pytest.raises(ValueError, match=r"configs has no update\.cfg: run configure"):
        train_again(tmp_path)
    assert get_checksum(tmp_path / "updated") == before


def test_specialist_that_is_stopped_leaves_no_docs_to_train_on(tmp_path):
    update(make_pipeline("own"), tmp_path, specialist=str(tmp_path / "base"))
    write_docs([], tmp_path / "rehearsal" / "00000.spacy")
    (tmp_path / "rehearsal" / "manifest.jsonl").touch()
    account = {"manifest": "d41d8cd98f00b204e9800998ecf8427e", "carved": {}}
    srsly.write_json(tmp_path / "rehearse.json", {**account, "new_labels": ["DISEASE"]})
    remove(tmp_path / "configs" / "specialist.cfg")
    (tmp_path / "chosen").mkdir()
    with pytest.raises(FileNotFoundError, match=r"specialist\.cfg"):
        specialist(
            tmp_path / "configs",
            str(tmp_path / "rehearsal"),
            tmp_path / "rehearse.json",
            tmp_path / "chosen",
            tmp_path / "specialist",
        )
    assert not (tmp_path / "chosen").exists()
    assert not [*tmp_path.glob(".*")]


@pytest.mark.parametrize("name, other", [("test", "old_test"), ("old_test", "test")])
@pytest.mark.parametrize(
    "docs, reason", [([], "has no docs"), (None, "no .spacy file")]
)
def test_test_set_without_docs_is_named_and_older_scores_are_gone(
    base, tmp_path, name, other, docs, reason
):
    base.to_disk(tmp_path / "base")
    write_docs([base.make_doc("Flu.")], tmp_path / other / "00000.spacy")
    (tmp_path / name).mkdir()
    if docs is not None:
        write_docs(docs, tmp_path / name / "00000.spacy")
    for account in ("preprocess.json", "rehearse.json", "metrics.json"):
        srsly.write_json(tmp_path / account, {})
    names = ("base", "base", ".", "preprocess.json", "rehearse.json")
    outputs = ("metrics.json", "changes.jsonl", "names.jsonl", "report.md")
    with pytest.raises(ValueError, match=rf"{name} .*{reason}.*run the step"):
        evaluate(*(tmp_path / path for path in (*names, *outputs)))
    assert not (tmp_path / "metrics.json").exists()


def test_scores_are_not_read_without_the_pipeline_that_they_are_of(tmp_path):
    srsly.write_json(tmp_path / "metrics.json", {"pipeline": "0"})
    for made in (False, True):
        (tmp_path / "updated").mkdir() if made else None
        with pytest.raises(ValueError, match="of another pipeline: run evaluate"):
            read_metrics(tmp_path / "metrics.json", tmp_path / "updated")


def test_annotations_that_are_refused_leave_no_older_ones_beside_their_account(
    tmp_path,
):
    def run(end):
        rows = [{"text": "Flu is back.", "spans": [[0, end, "DISEASE"]]}]
        srsly.write_jsonl(tmp_path / "train.jsonl", rows)
        files = {"account_path": tmp_path / "account.json"}
        files["rejected_path"] = tmp_path / "rejected.jsonl"
        train = str(tmp_path / "train.jsonl")
        preprocess(train, tmp_path / "out", base="blank:en", dev=train, **files)

    run(3)
    assert (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="2 of 2 rows were rejected"):
        run(99)
    assert srsly.read_json(tmp_path / "account.json")["rows"]["rejected"] == 2
    assert not (tmp_path / "out").exists()


def test_folder_of_a_step_that_was_killed_is_removed_by_the_next_run_of_it(tmp_path):
    path = tmp_path / "en_new-0.1.0"
    (tmp_path / ".en_new-0.1.0.work" / "half").mkdir(parents=True)
    with work_folder(path) as folder:
        assert not [*folder.iterdir()]
    assert not [*tmp_path.iterdir()]


def test_no_step_reads_what_spacy_saves_while_it_trains():
    lines = [line for command in COMMANDS.values() for line in command["script"]]
    saved = [re.search(r"spacy train .*--output (\S+)", line) for line in lines]
    saved = [found[1] for found in saved if found]
    assert saved == ["training/base-training"]
    # Only as the last command of the same step, which runs when training has ended.
    readers = [
        name
        for name, command in COMMANDS.items()
        if any(f"{saved[0]}/" in line for line in command["script"])
    ]
    assert readers == ["train-base"]
    assert f"{saved[0]}/model-best" in COMMANDS["train-base"]["script"][-1]


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on a file's size")
def test_full_disk_while_training_is_one_line_that_names_the_folder(base, tmp_path):
    update(base, tmp_path)
    done = train_again(tmp_path, lambda *a: run_step("train", *a, n_bytes=5000))
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    assert re.fullmatch(
        r"Error: \[Errno 27\] File too large: '.*/trained/update': make room and run "
        r"again\. What is done is kept\.",
        last,
    )
    assert "Traceback" not in done.stderr
    assert not [*tmp_path.rglob("*.part")]


@pytest.fixture
def scored(base, tmp_path):
    """A pipeline with scores that let it be packaged."""
    base.to_disk(tmp_path / "base")
    _, metrics = metrics_of([FLU], labels=["FLU"])
    checksum = get_checksum(tmp_path / "base")
    metrics = {**metrics, **pass_gates(metrics, 0.97, 0.3), "pipeline": checksum}
    srsly.write_json(tmp_path / "metrics.json", metrics)
    rehearse = {"new_labels": ["FLU"], "carved": {}}
    srsly.write_json(tmp_path / "rehearse.json", rehearse)
    names = ("base", "base", "metrics.json", "rehearse.json", "out")
    paths = [tmp_path / name for name in names]
    return [*paths, "--name", "new", "--version", "0.2.0"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on a file's size")
@pytest.mark.parametrize("share", [0.5, 1.5])
def test_full_disk_while_packaging_is_one_line_that_names_the_package(
    scored, tmp_path, share
):
    # Half of the largest file of the pipeline fails at once, more in spaCy's build.
    files = (tmp_path / "base").rglob("*")
    n_bytes = int(share * max(path.stat().st_size for path in files))
    done = run_step("package", *scored, n_bytes=n_bytes)
    assert done.returncode == 1
    assert re.fullmatch(
        r"Error: \[Errno 27\] File too large: '.*/out/en_new-0\.2\.0': make room and "
        r"run again\. What is done is kept\.\n",
        done.stderr,
    )
    assert not [*(tmp_path / "out").iterdir()]


@pytest.mark.parametrize("gone", ["base", "metrics.json", "base/meta.json"])
def test_output_that_was_deleted_is_named_with_what_to_do(scored, tmp_path, gone):
    remove(tmp_path / gone)
    done = run_step("package", *scored)
    assert done.returncode == 1
    assert re.fullmatch(rf"Error: .*{gone}.*: run .* again.*\n", done.stderr)
