import pytest

from scripts.files import written_whole
from scripts.scale.raw import read_texts
from scripts.scale.sample import words_and_labels
from scripts.scale.shards import checksum
from scripts.scale.storage import find_files, storage_errors


def test_file_that_was_there_survives_an_error_while_it_is_written_anew(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(OSError), written_whole(path) as beside:
        beside.write_text("half")
        raise OSError("disk full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "error, message",
    [
        (OSError(28, "Full"), r"^\[Errno 28\] Full: '.*out'$"),
        (OSError(28, "Full", "other"), r"^\[Errno 28\] Full: 'other'$"),
        (OSError("[E050] No pipeline 'x'."), r"^\[E050\] No pipeline 'x'\.$"),
    ],
)
def test_error_of_the_system_names_the_file_and_another_keeps_its_message(
    tmp_path, error, message
):
    with pytest.raises(OSError, match=message), written_whole(tmp_path / "out"):
        raise error


def test_folder_is_replaced_whole(tmp_path):
    path = tmp_path / "out"
    for name in ("old", "new"):
        with written_whole(path) as beside:
            beside.mkdir()
            (beside / name).touch()
    assert [file.name for file in path.iterdir()] == ["new"]


def test_hidden_files_of_a_folder_are_left_out(tmp_path):
    for name in (".hidden", "b.jsonl", "a.jsonl"):
        (tmp_path / name).touch()
    assert [path.name for path in find_files(str(tmp_path))] == ["a.jsonl", "b.jsonl"]


@pytest.mark.parametrize("pattern", ["", "nowhere.jsonl", "*.nothing"])
def test_setting_that_names_no_file_is_an_error(tmp_path, monkeypatch, pattern):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"No file at '.*': correct the path"):
        find_files(pattern)


def read_shard(path):
    return [*words_and_labels([path])]


STORAGE_FAILS = r"memory://bucket/a\.txt: no answer: run again\. What is done is kept"


def test_storage_that_fails_to_write_is_an_error_that_names_the_file():
    upath = pytest.importorskip("upath", reason="requirements-raw.txt")
    path = upath.UPath("memory://bucket/a.txt")
    fails = pytest.raises(ValueError, match=STORAGE_FAILS)
    with fails, storage_errors(path), written_whole(path):
        raise RuntimeError("no answer")


@pytest.mark.parametrize(
    "read", [read_shard, checksum, lambda p: [*read_texts(str(p))]]
)
def test_storage_that_fails_to_read_is_an_error_that_names_the_file(monkeypatch, read):
    upath = pytest.importorskip("upath", reason="requirements-raw.txt")
    path = upath.UPath("memory://bucket/a.txt")
    path.write_text("A text.")

    def fail(*args, **kwargs):
        raise RuntimeError("no answer")

    monkeypatch.setattr(type(path.fs), "_open", fail)
    with pytest.raises(ValueError, match=STORAGE_FAILS):
        read(path)
