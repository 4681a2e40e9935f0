import srsly

from scripts.inputs import checksums, main


def test_every_way_to_name_files_has_a_checksum_of_each(tmp_path, monkeypatch):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(name)
    pattern = str(tmp_path / "*.txt")
    assert set(checksums(pattern)) == {str(tmp_path / f"{n}.txt") for n in "ab"}
    assert len(checksums(str(tmp_path))) == 1
    monkeypatch.chdir(tmp_path)
    assert [*checksums(".").values()] == [*checksums(str(tmp_path)).values()]
    assert checksums(f"file://{pattern}") == checksums(pattern)
    below = tmp_path / "x" / "y" / "c.txt"
    below.parent.mkdir(parents=True)
    below.write_text("c")
    assert str(below) in checksums(str(tmp_path / "**" / "*.txt"))


def test_folder_has_another_checksum_when_a_file_in_it_changes_or_is_renamed(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one")
    found = [checksums(str(tmp_path))]
    path.write_text("two")
    found.append(checksums(str(tmp_path)))
    path.rename(tmp_path / "b.txt")
    found.append(checksums(str(tmp_path)))
    assert found[0] != found[1] != found[2]


def test_hidden_file_that_no_step_reads_changes_nothing(tmp_path):
    (tmp_path / "a.txt").write_text("one")
    before = checksums(str(tmp_path))
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x.txt").write_text("two")
    assert checksums(str(tmp_path)) == before


def test_text_beside_spans_of_brat_counts_too(tmp_path):
    (tmp_path / "a.ann").write_text("")
    (tmp_path / "a.txt").write_text("one")
    before = checksums(str(tmp_path / "*.ann"))
    (tmp_path / "a.txt").write_text("two")
    assert checksums(str(tmp_path / "*.ann")) != before


def test_installed_package_is_known_by_its_meta():
    assert checksums("spacy") == {}
    assert checksums("") == checksums("nowhere") == checksums("no/where.txt") == {}


def test_file_of_checksums_changes_only_with_the_files(tmp_path):
    output, text = tmp_path / "inputs.json", tmp_path / "a.txt"
    text.write_text("one")
    main(output, [str(text), ""])
    before = output.stat().st_mtime_ns
    main(output, [str(text), ""])
    assert output.stat().st_mtime_ns == before
    text.write_text("two")
    main(output, [str(text), ""])
    assert srsly.read_json(output)[str(text)] != {}
    assert output.stat().st_mtime_ns != before
