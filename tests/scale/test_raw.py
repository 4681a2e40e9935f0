import gzip
import sys

import pytest

from scripts.inputs import checksums
from scripts.scale import raw
from scripts.scale.raw import Seen, read_texts, split_text


@pytest.mark.parametrize("name", ["raw.jsonl", "raw.txt"])
def test_raw_text_in_another_encoding_is_an_error_with_its_place(tmp_path, name):
    (tmp_path / name).write_bytes(
        '{"text": "one"}\n{"text": "café"}\n'.encode("latin-1")
    )
    with pytest.raises(ValueError, match=rf"{name}:2: not UTF-8"):
        list(read_texts(str(tmp_path / name)))


@pytest.mark.parametrize(
    "line",
    [
        *("{broken", "[1]", '{"txt": "a"}', '{"text": 1}', '{"text": "\\ud83d"}'),
        '{"text": ' + "[" * 5000 + "]" * 5000 + "}",
    ],
    ids=range(6),
)
def test_raw_line_without_text_is_an_error_with_its_place(tmp_path, line):
    (tmp_path / "raw.jsonl").write_text(f'{{"text": "a"}}\n{line}\n')
    with pytest.raises(ValueError, match=r"raw\.jsonl:2: no"):
        list(read_texts(str(tmp_path / "raw.jsonl")))


def test_raw_line_that_would_fill_the_memory_is_an_error_with_its_place(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(raw, "MAX_LINE", 1000)
    (tmp_path / "raw.txt.gz").write_bytes(gzip.compress(b"One.\n" + b" " * 2000))
    with pytest.raises(ValueError, match=r"raw\.txt\.gz:2: more than 1000 bytes"):
        list(read_texts(str(tmp_path)))


def test_text_file_has_a_paragraph_a_line(tmp_path):
    (tmp_path / "raw.txt").write_text("One.\n\n  \nTwo, at length.\n", "utf-8")
    assert list(read_texts(str(tmp_path))) == ["One.", "Two, at length."]


def test_text_is_new_once_whatever_its_case_and_white_space():
    seen = Seen(["known"])
    texts = ["A b", " KNOWN ", "a  B ", "c"]
    assert [text for text in texts if seen.is_new(text)] == ["A b", "c"]


def test_packed_text_is_read_as_it_is(tmp_path):
    with gzip.open(tmp_path / "a.txt.gz", "wt", encoding="utf-8") as file:
        file.write("One.\nTwo.\n")
    with gzip.open(tmp_path / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write('{"text": "Three."}\n')
    assert list(read_texts(str(tmp_path))) == ["One.", "Two.", "Three."]


def test_packed_text_that_breaks_off_is_an_error_with_its_file(tmp_path):
    packed = gzip.compress(b"One.\n" * 10_000)
    (tmp_path / "a.txt.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ValueError, match=r"a\.txt\.gz breaks off"):
        list(read_texts(str(tmp_path)))


def test_zstandard_and_parquet_are_read_or_named_with_what_they_need(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pip install pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"text": ["One.", None, "Two."], "other": [1, 2, 3]})
    parquet.write_table(table, tmp_path / "a.parquet")
    packed = pyarrow.compress(b"Three.\n", "zstd", asbytes=True)
    (tmp_path / "b.txt.zst").write_bytes(packed)
    assert list(read_texts(str(tmp_path))) == ["One.", "Two.", "Three."]
    parquet.write_table(table.drop(["text"]), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet has no column 'text'"):
        list(read_texts(str(tmp_path)))
    numbers = table.select(["other"]).rename_columns(["text"])
    parquet.write_table(numbers, tmp_path / "a.parquet")
    with pytest.raises(
        ValueError, match=r"a\.parquet: the column 'text' holds no strings"
    ):
        list(read_texts(str(tmp_path)))
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"a\.parquet is not a Parquet file"):
        list(read_texts(str(tmp_path)))


@pytest.mark.parametrize(
    "name, module", [("a.parquet", "pyarrow.parquet"), ("a.zst", "pyarrow")]
)
def test_what_needs_a_library_that_lacks_says_so(tmp_path, monkeypatch, name, module):
    (tmp_path / name).write_bytes(b"\x28\xb5\x2f\xfd")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match="pip install"):
        list(read_texts(str(tmp_path)))


@pytest.mark.parametrize("bound", ["\n\n", "\n", ". ", " ", ""])
def test_long_text_is_cut_at_the_best_bound_and_nothing_is_lost(bound):
    part = "x" * 30
    text = bound.join([part] * 10)
    cut = list(split_text(text, max_length=100))
    assert all(0 < len(piece) <= 100 for piece in cut)
    assert "".join("".join(cut).split()) == "".join(text.split())
    if bound:
        assert all(piece.count("x") % 30 == 0 for piece in cut)


def test_paragraph_is_a_better_bound_than_a_sentence():
    text = "One two three four.\n\nFive. Six seven eight."
    assert next(split_text(text, max_length=30)) == "One two three four."


def test_point_in_a_number_or_an_address_ends_no_sentence():
    text = "Of those that see example.com at 3.14 few see more. They are few."
    assert " ".join(split_text(text, max_length=34)) == text


def test_text_far_beyond_any_limit_comes_in_pieces(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"A sentence. " * 1_000_000)
    texts = list(read_texts(str(tmp_path)))
    assert len(texts) > 100 and sum(map(len, texts)) > 11_800_000


def test_object_storage_is_read_as_files_are_and_a_new_version_is_noticed():
    upath = pytest.importorskip("upath", reason="pip install universal-pathlib")
    bucket = upath.UPath("memory://bucket/raw")
    bucket.mkdir(parents=True, exist_ok=True)
    (bucket / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "One."}\n'))
    (bucket / "b.txt").write_bytes(b"Two.\n\nThree.\n")
    assert list(read_texts("memory://bucket/raw")) == ["One.", "Two.", "Three."]
    assert list(read_texts("memory://bucket/*/b.txt")) == ["Two.", "Three."]
    before = checksums("memory://bucket/raw")
    assert len(before) == 2 and checksums("memory://bucket/raw") == before
    (bucket / "b.txt").write_bytes(b"Four.\n")
    assert checksums("memory://bucket/raw") != before
    with pytest.raises(ValueError, match="No file at 'memory://bucket/none'"):
        list(read_texts("memory://bucket/none"))


def test_storage_that_nothing_reads_is_named_with_what_it_needs():
    pattern = r"'nostore://bucket' cannot be opened: .*See requirements-raw.txt"
    with pytest.raises(ValueError, match=pattern):
        list(read_texts("nostore://bucket"))


def test_zstandard_that_breaks_off_is_an_error(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pip install pyarrow")
    lines = "".join(f'{{"text": "Line {i}."}}\n' for i in range(9999)).encode()
    packed = pyarrow.compress(lines, "zstd", asbytes=True)
    (tmp_path / "a.jsonl.zst").write_bytes(packed[:-99])
    with pytest.raises(ValueError, match=r"a\.jsonl\.zst breaks off"):
        list(read_texts(str(tmp_path)))


def test_a_file_that_vanishes_is_named_and_not_taken_for_a_broken_one(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("One.\n")
    texts = read_texts(str(tmp_path))
    assert next(texts) == "One."
    (tmp_path / "b.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"b\.txt"):
        next(texts)
