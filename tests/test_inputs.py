import subprocess
import sys
from pathlib import Path

import pytest
import srsly
from thinc.compat import has_cupy_gpu

from scripts.components import KINDS
from scripts.inputs import checksums, main
from scripts.vars import KINDS as NAMES

PROJECT = Path(__file__).parents[1] / "project.yml"
CONFIG = """
[nlp]
pipeline = ["ner", "senter", "tagger"]
disabled = ["tagger"]

[components]

[components.ner]
factory = "ner"

[components.senter]
factory = "senter"

[components.tagger]
factory = "tagger"
"""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """The vars, all set that may not be empty, relative to the project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.cfg").write_text(CONFIG)
    meta = {"lang": "en", "name": "core", "version": "1.0.0"}
    srsly.write_json(tmp_path / "base" / "meta.json", meta)
    for name in ("train.jsonl", "raw.txt"):
        (tmp_path / name).write_text("one")
    # As in project.yml.
    settings = srsly.read_yaml(PROJECT)["vars"]
    given = {"base_model": "base", "train": "train.jsonl", "raw": "raw.txt"}
    return {name: str(value) for name, value in (settings | given).items()}


def note(output: Path, settings: dict[str, str]) -> None:
    main(output, [f"{name}={value}" for name, value in settings.items()])


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


def test_note_of_a_var_changes_only_with_its_files(settings, tmp_path):
    output = tmp_path / "corpus" / "inputs"

    def notes():
        note(output, settings)
        return {path.stem: path.read_bytes() for path in output.iterdir()}

    before = notes()
    assert notes() == before
    (tmp_path / "raw.txt").write_text("two")
    after = notes()
    assert {name for name in after if after[name] != before[name]} == {"raw"}
    assert srsly.read_json(output / "raw.json") == {"raw.txt": checksums("raw.txt")}
    assert srsly.read_json(output / "dev.json") == {}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"train": ""}, "vars.train is empty: set it to your annotations"),
        ({"raw": ""}, "vars.raw is empty: set it to text in which"),
        (
            {"base_model": ""},
            "either vars.base_model, .* or vars.base_train, .* run demo",
        ),
        ({"base_train": "train.jsonl"}, "Set either vars.base_model"),
        ({"base_model": "en_no_such"}, "no pipeline 'en_no_such': install its wheel"),
        ({"base_model": "no/where"}, "no pipeline 'no/where': set it to a folder that"),
        ({"base_model": "empty"}, "there is no pipeline 'empty'"),
        ({"component": "nre"}, "'base' has no component 'nre' .* one of ner, senter, "),
        ({"component": "../ner"}, "'base' has no component '../ner'"),
        ({"component": "senter"}, "'senter' .* kind senter, .* kind ner or tagger or "),
        ({"component": "tagger"}, "'tagger' is disabled in 'base': enable it first"),
        ({"name": "en_custom"}, r"vars\.name is 'en_custom': .* without the 'en_'"),
        ({"name": "my-ner"}, r"vars\.name is 'my-ner': use lower-case letters, digits"),
        ({"name": "Drugs"}, r"vars\.name is 'Drugs': use lower-case letters"),
        ({"name": "Ünï"}, r"vars\.name is 'Ünï': use lower-case letters"),
        ({"name": "../x"}, r"vars\.name is '\.\./x': use lower-case letters"),
        ({"version": "abc"}, r"vars\.version is 'abc': write it as 0\.1\.0"),
        ({"version": "1.0-final"}, r"vars\.version is '1.0-final': write it as 0\.1"),
        ({"version": "v1.0"}, r"vars\.version is 'v1.0': write it as 1\.0\."),
        ({"version": "1.0-1"}, r"vars\.version is '1.0-1': write it as 1\.0\.post1"),
        ({"name": "core", "version": "1.0.0"}, r"too, and .* raise vars\.version"),
        ({"min_retention": "nan"}, "vars.min_retention is 'nan': use a number such"),
        ({"max_changed": "5"}, "vars.max_changed is '5': use a number from 0 to 1"),
        ({"min_new_f": "-1"}, "vars.min_new_f is '-1'"),
        ({"seed": "one"}, "vars.seed is 'one': use a whole number"),
        ({"gpu_id": "cuda"}, "vars.gpu_id is 'cuda': use a whole number"),
        ({"keep": "both"}, "vars.keep is 'both': use exact or one"),
        ({"seed": "-1"}, "vars.seed is '-1': use a whole number from 0"),
        ({"watch": "empty"}, "vars.watch: empty is no text file in UTF-8"),
        ({"watch": "latin.txt"}, "vars.watch: latin.txt is no text file in UTF-8"),
        ({"code": "no.py"}, r"vars.code: No file at 'no\.py'"),
        ({"base_dev": "no.jsonl"}, "vars.base_dev: No file at 'no.jsonl'"),
        ({"train": "no.jsonl"}, "vars.train: No file at 'no.jsonl': correct the path"),
        ({"test": "*.nothing"}, r"vars.test: No file at '\*.nothing'"),
        ({"old_test": "empty"}, "vars.old_test: No file at 'empty'"),
        ({"earlier": "no*.jsonl"}, r"vars.earlier: No file at 'no\*.jsonl'"),
        ({"earlier": "e*y"}, "vars.earlier: No file at 'empty'"),
        ({"earlier_test": "no.jsonl"}, "vars.earlier_test: No file at 'no.jsonl'"),
        ({"gates": "ORG"}, r"vars\.gates: cannot read 'ORG'\. Write LABEL"),
    ],
)
def test_setting_that_a_later_step_would_refuse_is_an_error_with_its_var(
    settings, tmp_path, changes, message
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.txt").write_bytes("Zürich".encode("latin-1"))
    with pytest.raises(ValueError, match=message):
        note(tmp_path / "inputs", settings | changes)
    assert not (tmp_path / "inputs").exists()


@pytest.mark.skipif(has_cupy_gpu, reason="there is a GPU")
def test_gpu_that_is_not_there_stops_the_first_step(settings, tmp_path):
    with pytest.raises(ValueError, match=r"set vars\.gpu_id to -1, or install"):
        note(tmp_path / "inputs", settings | {"gpu_id": "0"})
    assert not (tmp_path / "inputs").exists()


TRAINED = {"base_model": "", "base_train": "train.jsonl"}


def test_no_base_need_be_set_if_one_is_trained(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(PROJECT.parent)
    files = {name: str(tmp_path / settings[name]) for name in ("train", "raw")}
    files |= {"base_model": "", "base_train": files["train"]}
    note(tmp_path / "inputs", settings | files)
    assert srsly.read_json(tmp_path / "inputs" / "base_model.json") == {}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"lang": "qq"}, "vars.lang is 'qq': spaCy has no such language"),
        ({"lang": "../en"}, "vars.lang is '../en'"),
        ({"component": "senter"}, "no configs/base-senter.cfg .* ner or parser or tag"),
    ],
)
def test_base_that_can_not_be_trained_is_refused(settings, tmp_path, changes, message):
    (tmp_path / "configs").mkdir()
    for name in ("ner", "parser", "tagger"):
        (tmp_path / "configs" / f"base-{name}.cfg").write_text("")
    with pytest.raises(ValueError, match=message):
        note(tmp_path / "inputs", settings | TRAINED | changes)


def test_every_kind_of_component_is_known():
    assert {*NAMES} == {*KINDS}


def test_step_that_always_runs_does_not_import_spacy():
    code = "import sys, scripts.inputs; sys.exit('spacy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
