"""The demo's data: regenerated from its frames and names, its splits apart."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import spacy
import srsly

from assets.demo import LABELS, main, read_lines

ASSETS = Path(__file__).parents[1] / "assets"
COUNTS = {
    "base/train": 1500,
    "base/dev": 300,
    "base/test": 300,
    "annotations/train": 300,
    "annotations/dev": 100,
    "annotations/test": 150,
    "annotations/corrections": 30,
    "raw/raw": 3000,
}
APART = [("dev", "train"), ("test", "train"), ("dev", "test")]
APART += [("dev", "raw"), ("test", "raw")]


def read_rows(name: str) -> list[dict]:
    return list(srsly.read_jsonl(ASSETS / f"{name}.jsonl"))


def read_split(folder: str, split: str) -> Iterator[tuple[str, str]]:
    """Yield the file's subject and the line, for every line of a split."""
    for path in sorted((ASSETS / folder).glob("*.txt")):
        subject = path.stem.split(".")
        if split in subject:
            yield from ((subject[0], line) for line in read_lines(path))


def names_of(split: str) -> set[str]:
    """Names as they stand in the text, lower-cased, without plain words."""
    kinds = {*LABELS, "FIRST"}
    lines = [line for slot, line in read_split("names", split) if slot in kinds]
    return {re.sub(r".*\[(.+)\].*", r"\1", line).lower() for line in lines}


def test_regenerating_gives_the_committed_bytes(tmp_path: Path) -> None:
    main(ASSETS / "frames", ASSETS / "names", tmp_path)
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")}
    assert written == {Path(f"{name}.jsonl") for name in COUNTS}
    for path in written:
        assert (tmp_path / path).read_bytes() == (ASSETS / path).read_bytes(), path


@pytest.mark.parametrize(("name", "n_rows"), COUNTS.items())
def test_a_file_has_enough_rows_and_none_twice(name: str, n_rows: int) -> None:
    texts = [row["text"] for row in read_rows(name)]
    assert len(set(texts)) == len(texts) >= n_rows


def test_no_sentence_is_in_two_files() -> None:
    texts = [row["text"] for name in COUNTS for row in read_rows(name)]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(("one", "other"), APART)
def test_two_splits_share_no_frame_and_no_name(one: str, other: str) -> None:
    frames = [{line for _, line in read_split("frames", s)} for s in (one, other)]
    assert all(frames)
    assert not frames[0] & frames[1]
    assert not names_of(one) & names_of(other)


@pytest.mark.parametrize("name", [name for name in COUNTS if name != "raw/raw"])
def test_every_span_aligns_with_the_tokens(name: str) -> None:
    nlp = spacy.blank("en")
    for row in read_rows(name):
        doc = nlp.make_doc(row["text"])
        spans = [
            doc.char_span(span["start"], span["end"], label=span["label"])
            for span in row["spans"]
        ]
        assert None not in spans, row
        doc.set_ents(spans)


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_annotations_know_one_label_and_have_texts_without_it(split: str) -> None:
    rows = read_rows(f"annotations/{split}")
    assert {span["label"] for row in rows for span in row["spans"]} == {"DISEASE"}
    without = sum(not row["spans"] for row in rows)
    assert 0.15 < without / len(rows) < 0.3


def test_the_base_has_its_five_labels_in_every_split() -> None:
    for split in ("train", "dev", "test"):
        rows = read_rows(f"base/{split}")
        labels = {span["label"] for row in rows for span in row["spans"]}
        assert labels == {"PERSON", "ORG", "GPE", "DATE", "MONEY"}


def test_raw_rows_hold_a_text_alone() -> None:
    assert all(row.keys() == {"text"} for row in read_rows("raw/raw"))
