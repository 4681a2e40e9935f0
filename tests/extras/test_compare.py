import pytest
import spacy
import srsly
from conftest import make_pipeline

from scripts.extras.compare import main


@pytest.fixture
def pipelines(base, tmp_path):
    """A base, and one that finds DISEASE, which the vocab of the base lacks."""
    other = make_pipeline("own")
    patterns = [{"label": "DISEASE", "pattern": "Flu"}]
    other.add_pipe("entity_ruler", before="ner").add_patterns(patterns)
    for name, nlp in (("a", base), ("b", other)):
        nlp.to_disk(tmp_path / name)
    return str(tmp_path / "a"), str(tmp_path / "b")


def rows_to(path, *rows):
    srsly.write_jsonl(path, rows)
    return str(path)


def test_any_two_pipelines_are_compared_on_any_annotations(
    pipelines, tmp_path, monkeypatch
):
    rows = [{"text": "Flu is back in Oslo.", "label": [[0, 3, "DISEASE"]]}]
    path = rows_to(tmp_path / "gold.jsonl", *rows, {"text": "No span"}, {"broken": 1})
    main(*pipelines, path, tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"report.html", "report.md", "metrics.json", "changes.jsonl"}
    test = srsly.read_json(tmp_path / "out" / "metrics.json")["test"]
    assert test["docs"] == 2 and test["updated"]["f"] == 1.0 == test["change"]
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert ">rejected</th><td>1</td>" in page and "learned (1)" in page
    assert "gold.jsonl:3: no text" in page


def test_report_and_terminal_say_if_gold_has_no_annotations(
    pipelines, tmp_path, capsys
):
    path = rows_to(tmp_path / "gold.jsonl", {"text": "Flu!", "spans": []})
    main(*pipelines, path, tmp_path / "out")
    words = " ".join(capsys.readouterr().out.split())
    assert "gold.jsonl has no annotation for ner: nothing is scored." in words
    assert "No gold annotations" in (tmp_path / "out" / "report.md").read_text("utf-8")


@pytest.mark.parametrize(
    "rows, reason", [([], "there is none"), ([{"text": 1}], "no text")]
)
def test_file_without_a_row_to_compare_on_is_an_error(
    pipelines, tmp_path, rows, reason
):
    path = rows_to(tmp_path / "gold.jsonl", *rows)
    with pytest.raises(ValueError, match=f"can be compared on: {reason}"):
        main(*pipelines, path, tmp_path / "out")


def test_other_files_in_the_folder_stay(pipelines, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").touch()
    path = rows_to(tmp_path / "gold.jsonl", {"text": "Flu!", "spans": []})
    main(*pipelines, path, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").exists()


def test_pipelines_of_rules_alone_can_be_compared(tmp_path):
    for name, pattern in (("a", "Flu"), ("b", "Oslo")):
        nlp = spacy.blank("en")
        rule = {"label": "THING", "pattern": pattern}
        nlp.add_pipe("entity_ruler").add_patterns([rule])
        nlp.to_disk(tmp_path / name)
    row = {"text": "Flu is back in Oslo.", "label": [[15, 19, "THING"]]}
    path = rows_to(tmp_path / "gold.jsonl", row)
    main(str(tmp_path / "a"), str(tmp_path / "b"), path, tmp_path / "out")
    test = srsly.read_json(tmp_path / "out" / "metrics.json")["test"]
    assert (test["base"]["f"], test["updated"]["f"]) == (0.0, 1.0)
