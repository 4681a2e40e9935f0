import pytest
from conftest import TEXTS, make_pipeline
from spacy.tokens import Span
from spacy.training import Example

from scripts.docs import write_docs
from scripts.functions import (
    create_prepare_ner,
    create_rehearsal_reader,
    cut,
    piece_of,
    score_halves,
)


@pytest.fixture
def corpus(base, tmp_path):
    write_docs([base.make_doc(f"New {i}") for i in range(4)], tmp_path / "new.spacy")
    for shard in range(2):
        docs = [base.make_doc(f"Old {shard}{i}") for i in range(6)]
        write_docs(docs, tmp_path / "old" / f"{shard}.spacy")
    return tmp_path


def reader(corpus, ratio=2.0, two_teachers=True, seed=0):
    paths = (corpus / "new.spacy", corpus / "old")
    return create_rehearsal_reader(*paths, ratio, two_teachers, ["GPE"], seed)


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


def test_long_doc_is_cut_where_no_span_is_and_keeps_all_of_them(base):
    doc = base.make_doc("Flu is in Oslo. Anna Maria Berg has Gout and went to Lima")
    words = [token.text for token in doc]
    ents = [Span(doc, 0, 1, "D"), Span(doc, 5, 8, "PERSON"), Span(doc, 13, 14, "GPE")]
    doc.set_ents(ents, missing=[Span(doc, 9, 10)])
    doc.spans["incorrect_spans"] = [Span(doc, 10, 12, "D")]
    pieces = list(cut(doc, 6))
    # Behind the sentence; then in no span, though one is as long as it may be.
    assert [len(piece) for piece in pieces] == [5, 5, 4]
    assert [token.text for piece in pieces for token in piece] == words
    assert [token.ent_iob_ for piece in pieces for token in piece] == [
        token.ent_iob_ for token in doc
    ]
    found = [(e.text, e.label_) for piece in pieces for e in piece.ents]
    assert found == [(e.text, e.label_) for e in ents]
    (wrong,) = pieces[2].spans["incorrect_spans"]
    assert (wrong.text, wrong.label_) == ("and went", "D")
    (whole,) = cut(doc, 14)
    assert whole is doc
    (span,) = cut(piece_of(doc, 5, 8), 2)
    assert len(span) == 3


def test_rehearsal_begins_anew_when_all_of_it_was_read(corpus, base):
    first, second, third = passes(corpus, base, 3, ratio=1.5)
    assert sorted(first) == sorted(third) != sorted(second)


def test_order_depends_on_the_seed_alone(corpus, base):
    assert passes(corpus, base, 2) == passes(corpus, base, 2)
    assert passes(corpus, base, 1) != passes(corpus, base, 1, seed=1)


@pytest.fixture
def marked(base, tmp_path):
    """Rehearsal text where a specialist sees two cities, and the base none."""
    write_docs([base.make_doc("New")], tmp_path / "new.spacy")
    doc = base.make_doc("Juan Paz left Oslo. Nothing happened.")
    right, wrong = doc.char_span(14, 18, "GPE"), doc.char_span(20, 27, "GPE")
    doc.ents = [doc.char_span(0, 8, "PERSON"), right, wrong]
    write_docs([doc], tmp_path / "old" / "0.spacy")
    return tmp_path


def test_specialist_is_believed_where_the_pipeline_sees_the_same(marked, base):
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


def test_new_and_old_are_scored_apart(base):
    flu, lima = (0, 3, "DISEASE"), (7, 11, "GPE")
    learned = example(base, "Flu in Lima", [flu, lima], [flu])
    forgot = example(base, "Oslo", [(0, 4, "GPE")], [], rehearsal=True)
    scores = score_halves([learned, forgot], ["DISEASE"])
    assert (scores["new_f"], scores["old_f"]) == (1.0, 0.0)


def test_new_label_on_old_text_costs_old_f(base):
    invented = example(base, "Oslo", [], [(0, 4, "DISEASE")], rehearsal=True)
    assert score_halves([invented], ["DISEASE"])["old_f"] == 0.0


def test_entity_that_a_person_said_is_none_is_unlearned():
    nlp = make_pipeline("own")
    create_prepare_ner(["PERSON"], "incorrect_spans")(nlp)
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
