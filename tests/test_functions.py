import pytest
from spacy.training import Example

from scripts.files import write_docs
from scripts.functions import create_rehearsal_reader, score_halves


@pytest.fixture
def corpus(base, tmp_path):
    write_docs([base.make_doc(f"New {i}") for i in range(4)], tmp_path / "new.spacy")
    for shard in range(2):
        docs = [base.make_doc(f"Old {shard}{i}") for i in range(6)]
        write_docs(docs, tmp_path / "old" / f"{shard}.spacy")
    return tmp_path


def passes(corpus, nlp, n, ratio=2.0, seed=0):
    read = create_rehearsal_reader(corpus / "new.spacy", corpus / "old", ratio, seed)
    return [[eg.reference.text for eg in read(nlp)] for _ in range(n)]


def test_each_pass_has_all_annotations_and_fresh_rehearsal(corpus, base):
    first, second = passes(corpus, base, 2, ratio=1.5)
    for texts in (first, second):
        assert sorted(t for t in texts if t[:3] == "New") == [
            f"New {i}" for i in range(4)
        ]
        assert sum(t[:3] == "Old" for t in texts) == 6
    assert not {t for t in first if t[:3] == "Old"} & set(second)


def test_rehearsal_begins_anew_when_all_of_it_was_read(corpus, base):
    first, second, third = passes(corpus, base, 3, ratio=1.5)
    assert sorted(first) == sorted(third) != sorted(second)


def test_order_depends_on_the_seed_alone(corpus, base):
    assert passes(corpus, base, 2) == passes(corpus, base, 2)
    assert passes(corpus, base, 1) != passes(corpus, base, 1, seed=1)


def example(nlp, text, gold, predicted, rehearsal=False):
    reference, doc = nlp.make_doc(text), nlp.make_doc(text)
    reference.ents = [reference.char_span(*span) for span in gold]
    doc.ents = [doc.char_span(*span) for span in predicted]
    if rehearsal:
        reference.user_data["rehearsal"] = True
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
