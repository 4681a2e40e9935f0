import pytest
from spacy.tokens import Span

from scripts.components import KINDS
from scripts.components.ner import INCORRECT, to_facts

NER = KINDS["ner"]


def doc_with(nlp, text, *ents):
    doc = nlp.make_doc(text)
    doc.ents = [doc.char_span(start, end, label) for start, end, label in ents]
    return doc


@pytest.mark.parametrize(
    "person, predicted, expected",
    [
        # What the person did not look for comes from the base.
        ([(0, 3, "D")], [(7, 11, "GPE")], [(0, 3, "D"), (7, 11, "GPE")]),
        # A label that the person annotated is gold everywhere.
        ([(0, 3, "D")], [(7, 11, "D")], [(0, 3, "D")]),
        # A person's span wins an overlap, whole or in part.
        ([(0, 3, "D")], [(0, 3, "GPE")], [(0, 3, "D")]),
        ([(4, 11, "D")], [(0, 6, "GPE")], [(4, 11, "D")]),
        ([], [(7, 11, "GPE")], [(7, 11, "GPE")]),
    ],
)
def test_base_completes_what_the_person_did_not_annotate(
    base, person, predicted, expected
):
    doc = doc_with(base, "Flu in Lima.", *person)
    NER.complete(doc, doc_with(base, "Flu in Lima.", *predicted), {"D"})
    assert [(e.start_char, e.end_char, e.label_) for e in doc.ents] == expected


def test_base_completes_all_where_the_person_did_not_look(base):
    doc = base.make_doc("Flu in Lima and Oslo.")
    lima, oslo = Span(doc, 2, 3, "GPE"), Span(doc, 4, 5, "GPE")
    doc.set_ents([Span(doc, 0, 1, "D")], default="missing")
    doc.spans[INCORRECT] = [oslo]
    predicted = base.make_doc(doc.text)
    predicted.set_ents([Span(predicted, i, i + 1, "GPE") for i in (2, 4)])
    assert NER.complete(doc, predicted, {"D", "GPE"}) == to_facts([lima])
    assert [token.ent_iob for token in doc] == [3, 0, 3, 0, 0, 0]


def test_spans_of_the_base_keep_their_label_in_another_vocab(base):
    doc = doc_with(base, "Flu in Lima.")
    predicted = base("Flu in Lima.")
    predicted.ents = [Span(predicted, 2, 3, "NEW_LABEL")]
    NER.complete(doc, predicted, set())
    assert [e.label_ for e in doc.ents] == ["NEW_LABEL"]
