import pytest
import srsly
from conftest import TEXTS, make_pipeline
from spacy.training import Example

from scripts.annotations.formats import parse_row
from scripts.annotations.offsets import Reading, to_span
from scripts.annotations.records import Row
from scripts.annotations.rows import read_rows
from scripts.docs import write_docs
from scripts.extras.suggest import main

FRIDAY = ("She came on Friday.", [(12, 18, "DAY")])


@pytest.fixture(scope="module")
def updated():
    """The tiny base, which learned that Friday is a DAY."""
    nlp = make_pipeline("shared")
    nlp.get_pipe("ner").add_label("DAY")
    texts = {text: {"entities": ents} for text, ents in (*TEXTS, FRIDAY)}
    examples = [Example.from_dict(nlp.make_doc(t), ents) for t, ents in texts.items()]
    optimizer = nlp.resume_training()
    for _ in range(100):
        nlp.update(examples, sgd=optimizer)
    return nlp


def suggest(base, updated, folder, texts, **options):
    base.to_disk(folder / "base")
    updated.to_disk(folder / "updated")
    known = base.make_doc("He came on Friday.")
    write_docs([known], folder / "annotations" / "train" / "00000.spacy")
    srsly.write_jsonl(folder / "raw.jsonl", [{"text": text} for text in texts])
    paths = (folder / "base", folder / "updated", str(folder / "raw.jsonl"))
    main(*paths, folder / "annotations", folder / "out", **options)
    return {path.stem: list(read_rows(path)) for path in (folder / "out").iterdir()}


def test_texts_come_by_disagreement_and_without_those_annotated(
    base, updated, tmp_path
):
    one, two = "🎉 She came on Friday.", "She came on Friday. She came on Friday."
    texts = ["Nothing happened in the office.", one, "He came on Friday.", two]
    files = suggest(base, updated, tmp_path, texts)
    assert [row.value["text"] for row in files["prodigy"]] == [two, one]
    files = suggest(base, updated, tmp_path, texts, limit=1)
    assert [row.value["text"] for row in files["prodigy"]] == [two]


def test_each_tool_gets_the_spans_in_its_own_offsets(base, updated, tmp_path):
    files = suggest(base, updated, tmp_path, ["🎉 She came on Friday."])
    [task] = files["label_studio"]
    task.value["annotations"] = task.value.pop("predictions")
    for name, unit in (
        ("prodigy", "chars"),
        ("doccano", "utf16"),
        ("label_studio", "chars"),
    ):
        [row] = files[name]
        text, spans = parse_row(Row("", 1, row.value)).record[:2]
        found = [to_span(text, span, Reading(unit)) for span in spans]
        assert [(text[s.start : s.end], s.label) for s in found] == [("Friday", "DAY")]


def test_pipelines_that_agree_on_all_are_an_error(base, tmp_path):
    with pytest.raises(ValueError, match="agree on all of"):
        suggest(base, base, tmp_path, ["Anna Berg flew to Oslo."])
