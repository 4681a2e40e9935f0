from spacy.tokens import Span

from scripts.annotations.pieces import piece_of, split_doc
from scripts.components import KINDS


def test_long_doc_is_split_outside_spans_and_keeps_all_of_them(base):
    doc = base.make_doc("Flu is in Oslo. Anna Maria Berg has Gout and went to Lima")
    words = [token.text for token in doc]
    ents = [Span(doc, 0, 1, "D"), Span(doc, 5, 8, "PERSON"), Span(doc, 13, 14, "GPE")]
    doc.set_ents(ents, missing=[Span(doc, 9, 10)])
    doc.spans["incorrect_spans"] = [Span(doc, 10, 12, "D")]
    pieces = list(split_doc(doc, KINDS["ner"].split_points, 6))
    # After the sentence; then outside spans, though one is as long as a piece.
    assert [len(piece) for piece in pieces] == [5, 5, 4]
    assert [token.text for piece in pieces for token in piece] == words
    assert [token.ent_iob_ for piece in pieces for token in piece] == [
        token.ent_iob_ for token in doc
    ]
    found = [(e.text, e.label_) for piece in pieces for e in piece.ents]
    assert found == [(e.text, e.label_) for e in ents]
    (wrong,) = pieces[2].spans["incorrect_spans"]
    assert (wrong.text, wrong.label_) == ("and went", "D")
    (whole,) = split_doc(doc, KINDS["ner"].split_points, 14)
    assert whole is doc
    (span,) = split_doc(piece_of(doc, 5, 8), KINDS["ner"].split_points, 2)
    assert len(span) == 3
