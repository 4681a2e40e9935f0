import pytest
import srsly
from conftest import TEXTS, make_pipeline, write_settings
from spacy.tokens import Span

from scripts.components import KINDS
from scripts.components.kind import MARKS, NewLabels
from scripts.configure import main as configure
from scripts.docs import read_docs, write_docs
from scripts.scale.shards import MANIFEST, checksum
from scripts.specialist import main, mark_all

NER = KINDS["ner"]


def marks(doc):
    return [(span.text, span.label_) for span in doc.spans.get(MARKS, ())]


def test_only_new_types_are_marked_and_only_where_the_base_sees_nothing(base):
    specialist = make_pipeline("own")
    text = "Juan Paz left Oslo."
    doc, other = base.make_doc(text), base.make_doc(text)
    other.ents = [other.char_span(0, 4, "ORG")]
    for each in (doc, other):
        found = NER.facts(specialist(text))
        NER.mark(each, found, [], NewLabels(["PERSON"], {}, {}))
    assert marks(doc) == [("Juan Paz", "PERSON")]
    assert marks(other) == []
    assert [(ent.text, ent.label_) for ent in other.ents] == [("Juan", "ORG")]


def test_marks_are_written_file_by_file_and_docs_with_one_are_counted(base, tmp_path):
    specialist = tmp_path / "specialist"
    make_pipeline("own").to_disk(specialist)
    for number, (text, _) in enumerate(TEXTS):
        path = tmp_path / "old" / f"{number:05}.spacy"
        write_docs([base.make_doc(text)] * 2, path)
    marked = tmp_path / "marked"
    how = (specialist, "ner", NewLabels(["PERSON"], {}, {}))
    assert mark_all(tmp_path / "old", marked, *how) == 6
    texts = [doc.text for doc in read_docs(marked)]
    assert texts == [text for text, _ in TEXTS for _ in range(2)]


@pytest.mark.parametrize("carved, n_marked", [({}, 0), ({"PERSON": ["ORG"]}, 1)])
def test_marks_win_over_labels_that_the_new_type_was_carved_out_of(
    base, tmp_path, carved, n_marked
):
    make_pipeline("own").to_disk(tmp_path / "specialist")
    doc = base.make_doc("Juan Paz left Oslo.")
    doc.ents = [Span(doc, 0, 2, "ORG")]
    write_docs([doc], tmp_path / "old" / "00000.spacy")
    paths = (tmp_path / "old", tmp_path / "marked", tmp_path / "specialist")
    assert mark_all(*paths, "ner", NewLabels(["PERSON"], carved, {})) == n_marked


@pytest.fixture
def choose(any_base, tmp_path):
    """Run the step for an annotation of a label, with rehearsal docs of some texts."""
    base = any_base
    base.to_disk(tmp_path / "base")
    texts = [*(text for text, _ in TEXTS), "Flu is back in Lima."]

    def run(label, keep="exact", min_steps=100, **settings):
        annotated = base.make_doc("Flu is back in Oslo.")
        annotated.ents = [annotated.char_span(0, 3, label)]
        write_docs([annotated], tmp_path / "new.spacy")
        shard = tmp_path / "rehearsal" / "00000.spacy"
        write_docs(map(base.make_doc, texts), shard)
        line = {"file": shard.name, "base": "", "texts": "", "md5": checksum(shard)}
        srsly.write_jsonl(tmp_path / "rehearsal" / MANIFEST, [line])
        manifest = checksum(tmp_path / "rehearsal" / MANIFEST)
        new_labels = [label] if label == "DISEASE" else []
        account = {"manifest": manifest, "carved": {label: []}}
        account["new_labels"] = new_labels
        srsly.write_json(tmp_path / "rehearse.json", account)
        account = {"labels": [label], "new_labels": new_labels, "corrections": False}
        srsly.write_json(tmp_path / "preprocess.json", account)
        configure(
            tmp_path / "base",
            write_settings(tmp_path / "update.cfg", min_steps, **settings),
            tmp_path / "preprocess.json",
            tmp_path / "rehearse.json",
            tmp_path / "configs",
            train=tmp_path / "new.spacy",
            dev=str(tmp_path / "new.spacy"),
            rehearsal=str(tmp_path / "chosen"),
            specialist=str(tmp_path / "specialist" / "model-last"),
            logs=str(tmp_path),
            keep=keep,
        )
        main(
            tmp_path / "configs",
            str(tmp_path / "rehearsal"),
            tmp_path / "rehearse.json",
            tmp_path / "chosen",
            tmp_path / "specialist",
        )
        return list(read_docs(tmp_path / "chosen", base.vocab))

    return run


@pytest.mark.parametrize(
    "label, keep, specialist",
    [
        ("DISEASE", "exact", "true"),
        ("DISEASE", "one", "true"),
        ("DISEASE", "exact", "false"),
        ("GPE", "exact", "true"),
    ],
)
def test_specialist_is_trained_only_for_a_type_that_the_base_does_not_know(
    choose, tmp_path, label, keep, specialist
):
    docs = choose(label, keep, specialist=specialist)
    texts = [*(text for text, _ in TEXTS), "Flu is back in Lima."]
    assert [doc.text for doc in docs] == texts
    assert (tmp_path / "specialist").exists()
    is_trained = specialist == "true" and label == "DISEASE"
    assert (tmp_path / "specialist" / "model-last").exists() is is_trained
    assert (("Flu", label) in marks(docs[-1])) is is_trained
    assert not any(doc.ents for doc in docs)


# Of 4 steps of 8 words half are of rehearsal docs; before each of them 3 are scored.
@pytest.mark.parametrize("weight, expected", [(0.0, 16), (1.0, 28)])
def test_as_many_words_are_chosen_as_training_reads(choose, weight, expected):
    budget = {"passes": 1, "min_batch_words": 8, "ratio": 1.0}
    docs = choose("GPE", min_steps=4, weight=weight, n_words=3, **budget)
    n_words = [len(doc) for doc in docs]
    assert expected <= sum(n_words) < expected + max(n_words)
