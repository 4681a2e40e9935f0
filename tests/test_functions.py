import pytest
from conftest import TEXTS, make_pipeline
from spacy.training import Example

from scripts.components import ner
from scripts.docs import write_docs
from scripts.functions import (
    create_prepare_component,
    create_rehearsal_corpus,
    score_halves,
)


@pytest.fixture
def corpus(base, tmp_path):
    write_docs([base.make_doc(f"New {i}") for i in range(4)], tmp_path / "new.spacy")
    for shard in range(2):
        docs = [base.make_doc(f"Old {shard}{i}") for i in range(6)]
        write_docs(docs, tmp_path / "old" / f"{shard}.spacy")
    return tmp_path


def reader(corpus, ratio=2.0, specialist=True, seed=0):
    paths = (corpus / "new.spacy", corpus / "old")
    return create_rehearsal_corpus(*paths, ratio, "ner", specialist, ["GPE"], seed)


def passes(corpus, nlp, n, ratio=2.0, seed=0):
    read = reader(corpus, ratio, seed=seed)
    return [[eg.reference.text for eg in read(nlp)] for _ in range(n)]


def test_each_pass_has_all_annotations_and_fresh_rehearsal(corpus, base):
    first, second = passes(corpus, base, 2, ratio=1.5)
    for texts in (first, second):
        assert sorted(t for t in texts if t[:3] == "New") == [
            f"New {i}" for i in range(4)
        ]
        assert sum(t[:3] == "Old" for t in texts) == 6
    assert not {t for t in first if t[:3] == "Old"} & set(second)


def test_rehearsal_begins_again_when_all_of_it_was_read(corpus, base):
    first, second, third = passes(corpus, base, 3, ratio=1.5)
    assert sorted(first) == sorted(third) != sorted(second)


def test_order_depends_on_the_seed_alone(corpus, base):
    assert passes(corpus, base, 2) == passes(corpus, base, 2)
    assert passes(corpus, base, 1) != passes(corpus, base, 1, seed=1)


@pytest.fixture
def marked(base, tmp_path):
    """A rehearsal doc where a specialist finds two cities, and the base finds none."""
    write_docs([base.make_doc("New")], tmp_path / "new.spacy")
    doc = base.make_doc("Juan Paz left Oslo. Nothing happened.")
    right, wrong = doc.char_span(14, 18, "GPE"), doc.char_span(20, 27, "GPE")
    doc.ents = [doc.char_span(0, 8, "PERSON"), right, wrong]
    write_docs([doc], tmp_path / "old" / "0.spacy")
    return tmp_path


def test_mark_of_the_specialist_counts_where_the_pipeline_predicts_the_same(
    marked, base
):
    examples = reader(marked, 9.0)(make_pipeline("own"))
    doc = next(eg.reference for eg in examples if eg.reference.text != "New")
    ents = [(ent.text, ent.label_) for ent in doc.ents]
    assert ents == [("Juan Paz", "PERSON"), ("Oslo", "GPE")]
    assert [token.text for token in doc if not token.ent_iob] == ["Nothing"]


def example(nlp, text, gold, predicted, rehearsal=False):
    reference, doc = nlp.make_doc(text), nlp.make_doc(text)
    reference.ents = [reference.char_span(*span) for span in gold]
    doc.ents = [doc.char_span(*span) for span in predicted]
    if rehearsal:
        reference.cats["rehearsal"] = 1.0
    return Example(doc, reference)


def test_new_and_old_are_scored_separately(base):
    flu, lima = (0, 3, "DISEASE"), (7, 11, "GPE")
    learned = example(base, "Flu in Lima", [flu, lima], [flu])
    forgot = example(base, "Oslo", [(0, 4, "GPE")], [], rehearsal=True)
    scores = score_halves([learned, forgot], ner.score, ["DISEASE"])
    assert (scores["new_f"], scores["old_f"]) == (1.0, 0.0)


def test_new_label_on_old_text_costs_old_f(base):
    invented = example(base, "Oslo", [], [(0, 4, "DISEASE")], rehearsal=True)
    assert score_halves([invented], ner.score, ["DISEASE"])["old_f"] == 0.0


def test_entity_that_a_person_rejected_is_unlearned():
    nlp = make_pipeline("own")
    create_prepare_component("ner", ["PERSON"])(nlp)
    text, oslo = TEXTS[0][0], (18, 22, "GPE")
    doc = nlp.make_doc(text)
    doc.set_ents([doc.char_span(*oslo)], default="missing")
    doc.spans["incorrect_spans"] = [doc.char_span(0, 9, "PERSON")]
    rest = [Example.from_dict(nlp.make_doc(t), {"entities": e}) for t, e in TEXTS[1:]]
    optimizer = nlp.resume_training()
    for _ in range(60):
        nlp.update([Example(nlp.make_doc(text), doc), *rest], sgd=optimizer)
    found = {(ent.text, ent.label_) for ent in nlp(text).ents}
    assert ("Anna Berg", "PERSON") not in found and ("Oslo", "GPE") in found
