import pytest
from conftest import SETTINGS, TEXTS, make_pipeline

from scripts.docs import read_docs, write_docs
from scripts.recipe import make_config, read_settings
from scripts.specialist import main
from scripts.teachers import mark, mark_all


def ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_only_new_types_are_marked_and_only_where_the_base_sees_nothing(base):
    specialist = make_pipeline("own")
    text = "Juan Paz left Oslo."
    doc, other = base.make_doc(text), base.make_doc(text)
    other.ents = [other.char_span(0, 4, "ORG")]
    mark([doc, other], specialist, {"PERSON"})
    assert ents(doc) == [("Juan Paz", "PERSON")]
    assert ents(other) == [("Juan", "ORG")]


def test_marks_are_the_same_however_often_the_specialist_is_loaded(
    base, tmp_path, monkeypatch
):
    specialist = tmp_path / "specialist"
    make_pipeline("own").to_disk(specialist)
    for number, (text, _) in enumerate(TEXTS):
        path = tmp_path / "old" / f"{number:05}.spacy"
        write_docs([base.make_doc(text)] * 2, path)
    for n_docs in (1, 3, 100):
        monkeypatch.setattr("scripts.teachers.N_WORN", n_docs)
        marked = tmp_path / f"marked-{n_docs}"
        assert mark_all(tmp_path / "old", marked, specialist, {"PERSON"}) == 6
        texts = [doc.text for doc in read_docs(marked)]
        assert texts == [text for text, _ in TEXTS for _ in range(2)]


@pytest.mark.parametrize(
    "label, two_teachers", [("DISEASE", True), ("DISEASE", False), ("GPE", True)]
)
def test_specialist_is_trained_only_for_a_type_that_the_base_does_not_know(
    any_base, tmp_path, label, two_teachers
):
    base = any_base
    base.to_disk(tmp_path / "base")
    annotated = base.make_doc("Flu is back in Oslo.")
    annotated.ents = [annotated.char_span(0, 3, label)]
    write_docs([annotated], tmp_path / "new.spacy")
    texts = [*(text for text, _ in TEXTS), "Flu is back in Lima."]
    write_docs([base.make_doc(t) for t in texts], tmp_path / "old" / "0.spacy")
    paths = {"train": "new.spacy", "dev": "new.spacy", "rehearsal": "old"}
    overrides = {f"paths.{k}": str(tmp_path / v) for k, v in paths.items()}
    overrides |= {"corpora.train.ratio": 0.0, "update.min_steps": 100}
    new_labels = [label] if label == "DISEASE" else []
    for name, is_heard in {"specialist": False, "update": two_teachers}.items():
        overrides["corpora.train.two_teachers"] = is_heard
        settings = read_settings(SETTINGS, new_labels, 6, overrides)
        config = make_config(base, str(tmp_path / "base"), settings, [label], 6)
        config.to_disk(tmp_path / f"{name}.cfg")
    configs = (tmp_path / "specialist.cfg", tmp_path / "update.cfg")
    folders = (tmp_path / "old", tmp_path / "marked", tmp_path / "specialist")
    main(*configs, *folders)
    docs = list(read_docs(tmp_path / "marked", base.vocab))
    assert [doc.text for doc in docs] == texts
    assert (tmp_path / "specialist").exists()
    is_trained = two_teachers and bool(new_labels)
    assert (tmp_path / "specialist" / "model-last").exists() is is_trained
    assert (("Flu", label) in ents(docs[-1])) is is_trained
