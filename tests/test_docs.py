import pytest
import spacy
from spacy.tokens import DocBin, Span
from spacy.vocab import Vocab

from scripts.docs import count_docs, count_words, read_docs, write_docs


def test_docs_are_read_as_those_that_a_doc_bin_of_spacy_holds(tmp_path):
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in ("Ada  saw Omsk.", "", "😀\tнет\x00 it's")]
    docs[0].set_ents([docs[0].char_span(9, 13, "GPE")], default="missing")
    docs[2].spans["incorrect_spans"] = [Span(docs[2], 1, 2, "ORG")]
    write_docs(docs, tmp_path / "docs.spacy")
    spacys = DocBin(attrs=["ENT_IOB", "ENT_TYPE"], docs=docs).get_docs(Vocab())
    for doc, other in zip(
        read_docs(tmp_path / "docs.spacy", Vocab()), spacys, strict=True
    ):
        assert doc.text == other.text
        assert doc.to_json() == other.to_json()
        assert [t.ent_iob for t in doc] == [t.ent_iob for t in other]


@pytest.mark.parametrize(
    "read", [count_docs, count_words, lambda path: list(read_docs(path))]
)
def test_damaged_docs_are_named_with_what_to_do(base, tmp_path, read):
    path = tmp_path / "00000.spacy"
    write_docs([base.make_doc("Oslo")], path)
    for content in (path.read_bytes()[:-9], b"", b"no docs"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"00000\.spacy is damaged: run the"):
            read(path)


def test_docs_without_a_pipeline_know_white_space_and_lower_case(tmp_path):
    write_docs(
        [spacy.blank("en").make_doc("Ada  saw\n\nOmsk")], tmp_path / "docs.spacy"
    )
    [doc] = read_docs(tmp_path / "docs.spacy")
    assert [token.is_space for token in doc] == [False, True, False, True, False]
    assert [token.lower_ for token in doc] == ["ada", " ", "saw", "\n\n", "omsk"]
