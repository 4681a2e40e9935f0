import pytest
from conftest import TEXTS, make_pipeline
from spacy.training import Example

from scripts.components import KINDS
from scripts.components.kind import MARKS
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


def reader(corpus, ratio=2.0, specialist=True, found_before=(), seed=0, agree=0.0):
    paths = (corpus / "new.spacy", corpus / "old")
    how = (ratio, "ner", specialist, agree, [*found_before], seed)
    return create_rehearsal_corpus(*paths, *how)


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


# A folder without files, a file without docs, docs without words.
@pytest.mark.parametrize("docs", [None, [], ["", ""]])
@pytest.mark.parametrize("name", ["new", "old"])
def test_corpus_without_docs_is_an_error_and_no_endless_wait(
    base, corpus, tmp_path, name, docs
):
    for path in [*corpus.glob(f"{name}.spacy"), *corpus.glob(f"{name}/*")]:
        path.unlink()
    (tmp_path / name).mkdir(exist_ok=True)
    if docs is not None:
        write_docs(map(base.make_doc, docs), tmp_path / name / "0.spacy")
    paths = {"new": corpus / "new.spacy", "old": corpus / "old", name: tmp_path / name}
    # spaCy gives a reader the strings of its config.
    annotations, rehearsal = map(str, paths.values())
    read = create_rehearsal_corpus(annotations, rehearsal, 1.0, "ner", True, 0.0, [], 0)
    with pytest.raises(ValueError, match=rf"/{name} has no docs with words: run the"):
        list(read(base))


def test_file_of_the_corpus_that_is_damaged_is_named(base, corpus):
    (corpus / "new.spacy").write_bytes(b"half")
    with pytest.raises(ValueError, match=r"new\.spacy is damaged: run the step"):
        list(reader(corpus)(base))


def test_dev_set_without_docs_is_an_error():
    with pytest.raises(ValueError, match="dev set has no docs: run rehearse again"):
        score_halves([], KINDS["ner"].score, ["DISEASE"], BOTH)


@pytest.fixture
def marked(base, tmp_path):
    """A rehearsal doc where a specialist finds two cities, and the base finds none."""
    write_docs([base.make_doc("New")], tmp_path / "new.spacy")
    doc = base.make_doc("Juan Paz left Oslo. Nothing happened.")
    doc.ents = [doc.char_span(0, 8, "PERSON")]
    doc.spans[MARKS] = [doc.char_span(14, 18, "GPE"), doc.char_span(20, 27, "GPE")]
    write_docs([doc], tmp_path / "old" / "0.spacy")
    return tmp_path


@pytest.mark.parametrize(
    "specialist, ents, missing",
    [
        (True, [("Juan Paz", "PERSON"), ("Oslo", "GPE")], ["Nothing"]),
        # Begun as the base, or for the labels that it knows.
        (False, [("Juan Paz", "PERSON")], []),
    ],
)
def test_mark_of_the_specialist_counts_where_the_pipeline_predicts_the_same(
    marked, specialist, ents, missing
):
    examples = reader(marked, 9.0, specialist)(make_pipeline("own"))
    doc = next(eg.reference for eg in examples if eg.reference.text != "New")
    assert [(ent.text, ent.label_) for ent in doc.ents] == ents
    assert [token.text for token in doc if not token.ent_iob] == missing


@pytest.mark.parametrize("share, is_learned", [(0.5, True), (0.6, False)])
def test_mark_is_learned_only_of_a_type_that_is_frequent_in_the_raw_text(
    marked, base, share, is_learned
):
    # One annotation in 4 words; in rehearsal two marks in 8 words, at a share of 1.
    doc = base.make_doc("Now in Lima.")
    doc.ents = [doc.char_span(7, 11, "GPE")]
    write_docs([doc], marked / "new.spacy")
    examples = reader(marked, 2.0, agree=2 * share)(make_pipeline("own"))
    rehearsed = [eg.reference for eg in examples if "Oslo" in eg.reference.text]
    found = {ent.text for doc in rehearsed for ent in doc.ents}
    assert ("Oslo" in found) is is_learned


@pytest.mark.parametrize("found_before, missing", [([], []), (["DISEASE"], ["Flu"])])
def test_pipe_reads_its_own_labels_and_not_those_of_a_pipe_before_it(
    corpus, base, found_before, missing
):
    for path in (corpus / "new.spacy", corpus / "old" / "0.spacy"):
        doc = base.make_doc("Flu in Lima")
        doc.ents = [doc.char_span(0, 3, "DISEASE"), doc.char_span(7, 11, "GPE")]
        write_docs([doc], path)
    docs = [eg.reference for eg in reader(corpus, 1.0, found_before=found_before)(base)]
    assert len(docs) == 2
    for doc in docs:
        assert [ent.text for ent in doc.ents] == ["Lima"]
        assert [token.text for token in doc if not token.ent_iob] == missing


BOTH = ["DISEASE", "GPE"]


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
    scores = score_halves([learned, forgot], KINDS["ner"].score, ["DISEASE"], BOTH)
    assert (scores["new_f"], scores["old_f"]) == (1.0, 0.0)


def test_new_label_on_old_text_costs_old_f(base):
    invented = example(base, "Oslo", [], [(0, 4, "DISEASE")], rehearsal=True)
    scores = score_halves([invented], KINDS["ner"].score, ["DISEASE"], BOTH)
    assert scores["old_f"] == 0.0


def test_second_component_is_scored_on_its_own_labels_alone(base):
    flu, oslo = (0, 3, "DISEASE"), (7, 11, "GPE")
    learned = example(base, "Flu in Oslo", [flu, oslo], [flu])
    kept = example(base, "The Oslo", [(4, 8, "GPE")], [], rehearsal=True)
    scores = score_halves([learned, kept], KINDS["ner"].score, ["DISEASE"], ["DISEASE"])
    # Rehearsal docs have none of its labels: there is nothing to score.
    assert scores == {"new_f": 1.0, "old_f": None}


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


@pytest.mark.parametrize("n_earlier, n_read", [(2, [2, 2]), (9, [4, 4])])
def test_each_pass_reads_earlier_rounds_once_up_to_half_of_what_is_rehearsed(
    corpus, base, n_earlier, n_read
):
    docs = [base.make_doc(f"Earlier {i}") for i in range(n_earlier)]
    write_docs(docs, corpus / "old" / "earlier" / "00000.spacy")
    # 4 annotated docs, and 8 to rehearse, of two words each.
    both = passes(corpus, base, 2)
    earlier = [[text for text in texts if text[:3] == "Ear"] for texts in both]
    assert [len({*texts}) for texts in earlier] == n_read
    assert all(sum(text[:3] == "Old" for text in t) == 8 - n_read[0] for t in both)
    assert (set(earlier[0]) == set(earlier[1])) == (n_earlier == 2)


def test_earlier_rounds_are_shared_among_the_files_of_a_pass(corpus, base, tmp_path):
    (tmp_path / "many").mkdir()
    for number in range(2):
        doc = base.make_doc("New one and more")
        write_docs([doc], tmp_path / "many" / f"{number}.spacy")
    docs = [base.make_doc(f"Earlier {i}") for i in range(2)]
    write_docs(docs, corpus / "old" / "earlier" / "00000.spacy")
    how = (2.0, "ner", True, 0.0, [], 0)
    read = create_rehearsal_corpus(tmp_path / "many", corpus / "old", *how)
    texts = [eg.reference.text for eg in read(base)]
    assert sorted(t for t in texts if t[:3] == "Ear") == ["Earlier 0", "Earlier 1"]
