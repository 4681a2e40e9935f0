"""Offsets in other units: found out for each file, converted and reported."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_preprocess import preprocess, write

from scripts.annotations.offsets import UNITS, from_chars, to_chars

# One emoji, two line ends and three accents stand before the first word.
TEXT = "😷 Née, José à Lee:\n\nFlu struck naïve José in São Paulo, and no flu."
WORDS = ("Flu", "São Paulo")


def row_in(unit, text=TEXT, says=False, **more):
    """Annotate a text as a tool does that counts in `unit`."""
    spans = []
    for word in WORDS:
        word = normalize("NFD", word) if word not in text else word
        start = text.index(word)
        ends = [from_chars(text, at, unit) for at in (start, start + len(word))]
        surface = {"text": word} if says else {}
        spans.append({"start": ends[0], "end": ends[1], "label": "X", **surface})
    return {"text": text, "spans": spans, **more}


def found(docs):
    return [[ent.text for ent in doc.ents] for doc in docs["train"]]


@pytest.mark.parametrize("says", [False, True])
@pytest.mark.parametrize("unit", ["chars", "utf16", "bytes", "crlf", "nfd"])
def test_unit_is_told_by_the_file_and_said(tmp_path, unit, says):
    text = normalize("NFC", TEXT)
    train = write(tmp_path / "train.jsonl", [row_in(unit, text, says)])
    account, _, docs = preprocess(tmp_path, train)
    assert found(docs) == [["Flu", "São Paulo"]]
    assert account["offsets"] == ({} if unit == "chars" else {train: unit})
    assert account["spans"]["repaired"] == (0 if unit == "chars" else 2)


@pytest.mark.parametrize(
    "unit, text",
    [("lf", TEXT.replace("\n", "\r\n") + "\r\n"), ("nfc", normalize("NFD", TEXT))],
)
def test_text_that_changed_since_it_was_annotated(tmp_path, unit, text):
    train = write(tmp_path / "train.jsonl", [row_in(unit, text)])
    account, _, docs = preprocess(tmp_path, train)
    assert account["offsets"] == {train: unit}
    assert [normalize("NFC", word) for word in found(docs)[0]] == [*WORDS]


def test_tokens_tell_the_unit_where_the_spans_fit_in_both(tmp_path):
    row = {"text": "Flu 😷 flu flu", "spans": [{"start": 7, "end": 10, "label": "X"}]}
    ends = [(0, 3), (4, 6), (7, 10), (11, 14)]
    words = zip(row["text"].split(), ends, strict=True)
    row["tokens"] = [{"text": w, "start": s, "end": e} for w, (s, e) in words]
    train = write(tmp_path / "train.jsonl", [{**row, "answer": "accept"}])
    account, _, docs = preprocess(tmp_path, train)
    assert account["offsets"] == {train: "utf16"}
    assert docs["train"][0].ents[0].start_char == 6


def test_unit_that_is_forced_is_taken_even_where_it_does_not_fit(tmp_path):
    train = write(tmp_path / "train.jsonl", [row_in("utf16")])
    _, rejected, _ = preprocess(tmp_path, train, offsets="utf16")
    assert rejected == []
    with pytest.raises(ValueError, match="no annotation of any label"):
        preprocess(tmp_path, train, offsets="chars")


def test_one_slip_of_an_annotator_is_no_unit(tmp_path):
    good = [row_in("chars", f"{TEXT} {n}") for n in range(5)]
    bad = {"text": "😷 flu now.", "spans": [[3, 6, "X"]]}
    train = write(tmp_path / "train.jsonl", [*good, bad])
    account, rejected, _ = preprocess(tmp_path, train)
    assert account["offsets"] == {} and len(rejected) == 1


def test_inclusive_ends_are_told_by_the_file_and_can_be_forced(tmp_path):
    rows = [{"text": f"Flu {n} is back.", "spans": [[0, 2, "X"]]} for n in range(3)]
    train = write(tmp_path / "train.jsonl", rows)
    account, _, docs = preprocess(tmp_path, train)
    assert found(docs) == [["Flu"]] * 3
    assert account["offsets"] == {train: "chars, ends inclusive"}
    assert account["repairs"] == {"ends": 3}
    with pytest.raises(ValueError, match="no annotation"):
        preprocess(tmp_path, train, inclusive=False)


@given(text=st.text(st.sampled_from("aé\u0301😷漢\r\n "), max_size=12), data=st.data())
def test_each_unit_goes_there_and_back(text, data):
    at = data.draw(st.integers(0, len(text)))
    for unit, (there, back) in UNITS.items():
        # Where the text's own form is another, or `at` is inside a character.
        if back(there(text)) == text and there(text[:at]) + there(text[at:]) == there(
            text
        ):
            assert to_chars(text, from_chars(text, at, unit), unit) == at


def test_scripts_without_spaces_are_no_sign_of_inclusive_ends(tmp_path):
    rows = [{"text": f"北京的，是中国{n}。", "spans": [[0, 2, "X"]]} for n in range(9)]
    train = write(tmp_path / "train.jsonl", rows)
    account, _, _ = preprocess(tmp_path, train, base="blank:zh")
    assert account["offsets"] == {}


def test_thousand_accents_do_not_hide_the_emoji_after_them(tmp_path):
    rows = [{"text": f"A café, {n}.", "spans": [[2, 6, "X"]]} for n in range(1000)]
    rows += [row_in("utf16", f"{TEXT} {n}") for n in range(3)]
    account, rejected, _ = preprocess(tmp_path, write(tmp_path / "train.jsonl", rows))
    assert [*account["offsets"].values()] == ["utf16"] and rejected == []
