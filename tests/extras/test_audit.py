import pytest
import srsly
from conftest import write_settings

from scripts.annotations.formats import parse_row
from scripts.annotations.records import Row
from scripts.docs import write_docs
from scripts.extras.audit import main
from scripts.extras.doubts import BOUNDS, DENIED, FOUND, LABEL

NAMES = ("Anna", "Juan Paz", "Ada", "Lea", "Otto", "Mia", "Eva", "Max", "Ida", "Udo")
SENTENCES = ("{} has the flu.", "The office says that {} had flu in May.")
TEXTS = [sentence.format(name) for name in NAMES for sentence in SENTENCES]


def annotated(nlp, text, label="DISEASE", word="flu"):
    """A doc in which a word is marked."""
    doc = nlp.make_doc(text)
    at = text.index(word)
    doc.ents = [doc.char_span(at, at + len(word), label)]
    return doc


def audit(base, docs, folder, new=("DISEASE",), known=(), **options):
    """Audit annotated docs, and return the rows of each file."""
    folder.mkdir(exist_ok=True)
    base.to_disk(folder / "base")
    write_docs(docs, folder / "annotations" / "train" / "00000.spacy")
    labels = {"labels": [*new, *known], "new_labels": [*new]}
    account = {**labels, "corrections": not new, "copies": ["dev"]}
    srsly.write_json(folder / "preprocess.json", account)
    # A copy for corrections: its rows are not audited twice.
    write_docs(docs, folder / "annotations" / "dev" / "00000.spacy")
    settings = write_settings(folder / "update.cfg", min_steps=60, passes=5)
    paths = ("base", "annotations", "preprocess.json")
    main(*(folder / path for path in paths), settings, folder / "out", **options)
    return {
        name: list(srsly.read_jsonl(folder / "out" / f"{name}.jsonl"))
        for name in ("doubts", "prodigy", "doccano")
    }


def test_what_is_missing_or_wrong_comes_first_as_it_was_annotated(base, tmp_path):
    docs = [annotated(base, text) for text in TEXTS]
    docs[4].ents = []
    docs[8] = annotated(base, TEXTS[8], word="the flu")
    docs[13] = annotated(base, TEXTS[13], word="May")
    files = audit(base, docs, tmp_path)
    texts = [row["text"] for row in files["doubts"]]
    assert len(texts) == len({*texts})
    wrong = {TEXTS[4], TEXTS[8], TEXTS[13]}
    assert {*texts[:3]} == wrong
    first = {row["text"]: row["doubts"][0] for row in files["doubts"]}
    missing, bounds = first[TEXTS[4]], first[TEXTS[8]]
    assert missing["annotated"] is None and missing["suggested"]["text"] == "flu"
    assert missing["kind"] in FOUND
    assert bounds["annotated"]["text"] == "the flu" and bounds["kind"] == BOUNDS
    assert bounds["suggested"]["text"] == "flu"
    # The files to import hold what was annotated, to be corrected.
    rows = {row["text"]: row for row in files["prodigy"]}
    [span] = rows[TEXTS[8]]["spans"]
    assert TEXTS[8][span["start"] : span["end"]] == "the flu"
    assert rows[TEXTS[4]]["spans"] == []
    assert rows[TEXTS[8]]["meta"]["doubt"] == (
        f"{BOUNDS}: the flu (DISEASE) → flu (DISEASE)"
    )
    spans = parse_row(Row("", 1, {**rows[TEXTS[8]], "answer": "accept"})).record.spans
    assert [(s.start, s.end, s.label) for s in spans] == [
        (span["start"], span["end"], "DISEASE")
    ]
    table = (tmp_path / "out" / "doubts.md").read_text("utf-8")
    assert all(kind in table for kind in (*FOUND, *DENIED, BOUNDS, LABEL))


def test_same_input_gives_the_same_output_and_no_more_than_asked_for(base, tmp_path):
    docs = [annotated(base, text) for text in TEXTS]
    for number in (4, 6, 9):
        docs[number].ents = []
    one, two = (audit(base, docs, tmp_path / n, limit=2) for n in ("one", "two"))
    assert one == two
    assert [len(rows) for rows in one.values()] == [2, 2, 2]
    assert not list((tmp_path / "one").glob(".*"))


def test_a_tag_that_others_contradict_is_in_doubt(base, tmp_path):
    docs = []
    for text in TEXTS:
        doc = base.make_doc(text)
        for token in doc:
            token.tag_ = "NOUN" if token.is_title else "X"
        docs.append(doc)
    docs[5][5].tag_ = "NOUN"
    how = {"new": (), "known": ("NOUN", "X"), "component": "tagger"}
    row = audit(base, docs, tmp_path, **how)["doubts"][0]
    assert row["text"] == TEXTS[5]
    assert row["doubts"][0]["kind"] == LABEL
    assert row["doubts"][0]["annotated"]["label"] == "NOUN"
    assert row["doubts"][0]["suggested"]["label"] == "X"


def test_a_new_tag_is_learned_from_those_who_marked_it_alone(base, tmp_path):
    docs = []
    for text in TEXTS:
        doc = base.make_doc(text)
        next(token for token in doc if token.text == "flu").tag_ = "ILL"
        docs.append(doc)
    docs[5][0].tag_ = "ILL"
    how = {"new": ("ILL",), "component": "tagger"}
    row = audit(base, docs, tmp_path, **how)["doubts"][0]
    assert row["text"] == TEXTS[5]
    assert row["doubts"][0]["annotated"]["text"] == docs[5][0].text


def test_too_few_annotated_texts_are_an_error(base, tmp_path):
    docs = [annotated(base, text) for text in TEXTS[:9]]
    docs += [base.make_doc(f"{name} left.") for name in NAMES]
    with pytest.raises(ValueError, match=r"9 texts have annotations.* 10 or more"):
        audit(base, docs, tmp_path)
