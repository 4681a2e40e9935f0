import subprocess
import sys

import pytest
import srsly
from conftest import TEXTS

from scripts.docs import write_docs
from scripts.extras.old_test import main


def write(base, folder, limit=200, is_gold=False):
    base.to_disk(folder / "base")
    write_docs([base(text) for text, _ in TEXTS], folder / "old_test" / "0.spacy")
    srsly.write_json(folder / "rehearse.json", {"old_test_is_gold": is_gold})
    names = ("base", "old_test", "rehearse.json", "out")
    main(*(folder / name for name in names), limit=limit)
    return list(srsly.read_jsonl(folder / "out" / "prodigy.jsonl"))


def test_texts_with_most_types_come_first_with_what_the_base_finds(base, tmp_path):
    rows = write(base, tmp_path)
    n_labels = [len({span["label"] for span in row["spans"]}) for row in rows]
    assert n_labels == sorted(n_labels, reverse=True) and n_labels[0] == 2
    assert {row["text"] for row in rows} == {text for text, _ in TEXTS}
    lima = next(row for row in rows if row["text"].startswith("The office in Lima"))
    assert [(s["start"], s["end"], s["label"]) for s in lima["spans"]] == [
        (14, 18, "GPE")
    ]


def test_as_many_texts_are_written_as_are_asked_for_to_each_tool(base, tmp_path):
    assert len(write(base, tmp_path, limit=2)) == 2
    assert len(list(srsly.read_jsonl(tmp_path / "out" / "doccano.jsonl"))) == 2
    assert len(srsly.read_json(tmp_path / "out" / "label_studio.json")) == 2


def test_gold_that_is_there_is_not_asked_for_again(base, tmp_path):
    with pytest.raises(ValueError, match=r"vars\.old_test is set"):
        write(base, tmp_path, is_gold=True)


@pytest.mark.parametrize(
    "step, n_paths", [("old_test", 4), ("suggest", 5), ("audit", 5)]
)
@pytest.mark.parametrize("limit", ["0", "-5"])
def test_fewer_texts_than_one_can_not_be_asked_for(step, n_paths, limit):
    command = [sys.executable, "-m", f"scripts.extras.{step}", *["x"] * n_paths]
    done = subprocess.run([*command, "--limit", limit], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--limit" in done.stderr
