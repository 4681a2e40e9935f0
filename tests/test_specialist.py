import pytest
import srsly
from conftest import SETTINGS, TEXTS, make_pipeline

from scripts.components import ner
from scripts.configure import make_config, read_settings
from scripts.docs import read_docs, write_docs
from scripts.scale.shards import MANIFEST, checksum
from scripts.specialist import main, mark_all


def ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_only_new_types_are_marked_and_only_where_the_base_sees_nothing(base):
    specialist = make_pipeline("own")
    text = "Juan Paz left Oslo."
    doc, other = base.make_doc(text), base.make_doc(text)
    other.ents = [other.char_span(0, 4, "ORG")]
    for each in (doc, other):
        ner.mark(each, specialist(text), {"PERSON"})
    assert ents(doc) == [("Juan Paz", "PERSON")]
    assert ents(other) == [("Juan", "ORG")]


def test_marks_are_written_file_by_file_and_docs_with_one_are_counted(base, tmp_path):
    specialist = tmp_path / "specialist"
    make_pipeline("own").to_disk(specialist)
    for number, (text, _) in enumerate(TEXTS):
        path = tmp_path / "old" / f"{number:05}.spacy"
        write_docs([base.make_doc(text)] * 2, path)
    marked = tmp_path / "marked"
    assert mark_all(tmp_path / "old", marked, specialist, "ner", {"PERSON"}) == 6
    texts = [doc.text for doc in read_docs(marked)]
    assert texts == [text for text, _ in TEXTS for _ in range(2)]


@pytest.fixture
def choose(any_base, tmp_path):
    """Run the step for an annotation of a label, with rehearsal docs of some texts."""
    base = any_base
    base.to_disk(tmp_path / "base")
    texts = [*(text for text, _ in TEXTS), "Flu is back in Lima."]

    def run(label, specialist=True, **settings):
        annotated = base.make_doc("Flu is back in Oslo.")
        annotated.ents = [annotated.char_span(0, 3, label)]
        write_docs([annotated], tmp_path / "new.spacy")
        shard = tmp_path / "rehearsal" / "00000.spacy"
        write_docs(map(base.make_doc, texts), shard)
        line = {"file": shard.name, "base": "", "texts": "", "md5": checksum(shard)}
        srsly.write_jsonl(tmp_path / "rehearsal" / MANIFEST, [line])
        manifest = checksum(tmp_path / "rehearsal" / MANIFEST)
        srsly.write_json(tmp_path / "rehearse.json", {"manifest": manifest})
        paths = {"train": "new.spacy", "dev": "new.spacy", "rehearsal": "chosen"}
        overrides = {f"paths.{k}": str(tmp_path / v) for k, v in paths.items()}
        overrides |= {"update.min_steps": 100, **settings}
        new_labels = [label] if label == "DISEASE" else []
        alone = {"corpora.train.ratio": 0.0, "corpora.train.specialist": False}
        update = {"corpora.train.specialist": specialist}
        for name, changes in {"specialist": alone, "update": update}.items():
            changes = {**overrides, **changes}
            read = read_settings(SETTINGS, new_labels, 6, changes)
            base_dir = str(tmp_path / "base")
            config = make_config(base, base_dir, "ner", read, [label], 6)
            config.to_disk(tmp_path / f"{name}.cfg")
        main(
            tmp_path / "specialist.cfg",
            tmp_path / "update.cfg",
            str(tmp_path / "rehearsal"),
            tmp_path / "rehearse.json",
            tmp_path / "chosen",
            tmp_path / "specialist",
        )
        return list(read_docs(tmp_path / "chosen", base.vocab))

    return run


@pytest.mark.parametrize(
    "label, specialist", [("DISEASE", True), ("DISEASE", False), ("GPE", True)]
)
def test_specialist_is_trained_only_for_a_type_that_the_base_does_not_know(
    choose, tmp_path, label, specialist
):
    docs = choose(label, specialist)
    texts = [*(text for text, _ in TEXTS), "Flu is back in Lima."]
    assert [doc.text for doc in docs] == texts
    assert (tmp_path / "specialist").exists()
    is_trained = specialist and label == "DISEASE"
    assert (tmp_path / "specialist" / "model-last").exists() is is_trained
    assert (("Flu", label) in ents(docs[-1])) is is_trained


def test_as_many_words_are_chosen_as_training_reads(choose):
    budget = {"update.passes": 1, "update.min_steps": 4}
    budget |= {"update.min_batch_words": 8}
    docs = choose("GPE", **budget, **{"corpora.train.ratio": 1.0})
    # Of 4 steps of 8 words half are of rehearsal docs.
    n_words = [len(doc) for doc in docs]
    assert 16 <= sum(n_words) < 16 + max(n_words)
