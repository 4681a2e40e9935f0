import subprocess
import sys

import pytest
import spacy
import srsly
from spacy.cli.package import package

from scripts.base import check_names, check_package, load_base, main

PACKAGE = {"name": "ner_update", "version": "0.1.0"}


def test_base_is_saved_as_it_is(any_base, tmp_path):
    any_base.to_disk(tmp_path / "given")
    main(str(tmp_path / "given"), tmp_path / "base", **PACKAGE)
    saved = spacy.load(tmp_path / "base")
    assert saved.pipe_names == any_base.pipe_names
    text = "Anna Berg left Lima on Monday."
    assert saved(text).to_json() == any_base(text).to_json()


@pytest.mark.parametrize(
    "name, remedy",
    [
        ("en_core_web_sm", "its wheel, or run python -m spacy download en_core_web_sm"),
        ("training/nowhere", r"set vars\.base_model to a folder"),
    ],
)
def test_missing_base_says_what_to_do(name, remedy, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=remedy):
        load_base(name)


@pytest.mark.parametrize(
    "component, error",
    [
        ("ner", r"no component 'ner' to update: set vars\.component to one of sentenc"),
        (
            "sentencizer",
            "'sentencizer' is of kind sentencizer, which cannot be updated",
        ),
    ],
)
def test_base_without_the_component_is_refused(tmp_path, component, error):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "given")
    with pytest.raises(ValueError, match=error):
        main(str(tmp_path / "given"), tmp_path / "base", component, **PACKAGE)
    assert not (tmp_path / "base").exists()


def test_base_whose_component_is_disabled_is_refused(base, tmp_path):
    base.to_disk(tmp_path / "given")
    nlp = spacy.load(tmp_path / "given", disable=["ner"])
    nlp.to_disk(tmp_path / "given")
    with pytest.raises(ValueError, match=r"'ner' is disabled in .*: enable it first"):
        main(str(tmp_path / "given"), tmp_path / "base", **PACKAGE)


def test_empty_base_model_is_an_error_if_no_base_was_trained(tmp_path):
    with pytest.raises(
        ValueError, match=r"no base was trained .* run the workflow all"
    ):
        main("", tmp_path / "base", **PACKAGE, trained=str(tmp_path / "trained"))


def test_base_that_was_trained_here_is_taken_if_no_other_is_named(base, tmp_path):
    base.to_disk(tmp_path / "trained")
    main("", tmp_path / "base", **PACKAGE, trained=str(tmp_path / "trained"))
    assert spacy.load(tmp_path / "base").pipe_names == base.pipe_names


@pytest.mark.parametrize(
    "changes, error",
    [
        ({"name": "en_custom"}, r"vars\.name is 'en_custom': .* without the 'en_'"),
        ({"name": "my-ner"}, r"vars\.name is 'my-ner': use lower-case letters, digits"),
        ({"name": "Drugs"}, r"vars\.name is 'Drugs': use lower-case letters"),
        ({"version": "foo"}, r"vars\.version is 'foo': write it as 0\.1\.0"),
    ],
)
def test_package_that_can_not_be_made_or_kept_apart_is_refused_at_once(
    base, changes, error
):
    with pytest.raises(ValueError, match=error):
        check_package(base, **{**PACKAGE, **changes})
    same = {key: base.meta[key] for key in ("name", "version")}
    with pytest.raises(ValueError, match=r"too, and .* raise vars\.version"):
        check_package(base, **{**PACKAGE, **same})


@pytest.mark.parametrize(
    "pipe, label, shown",
    [
        ("../../ruler", "DAY", r"'\.\./\.\./ruler'"),
        ("..", "DAY", r"'\.\.'"),
        ("a\\b", "DAY", r"'a\\\\b'"),
        ("\x1b[2J", "DAY", r"'\\x1b\[2J'"),
        ("ruler", "DAY\x1b[2J", r"'DAY\\x1b\[2J'"),
        ("ruler", "DAY\nPassed", r"'DAY\\nPassed'"),
    ],
)
def test_base_with_a_name_that_leaves_its_folder_or_line_is_refused(pipe, label, shown):
    nlp = spacy.blank("en")
    rule = {"label": label, "pattern": "Monday"}
    nlp.add_pipe("entity_ruler", name=pipe).add_patterns([rule])
    with pytest.raises(ValueError, match=f"pipe or label {shown}: rename it"):
        check_names(nlp)


def test_language_in_the_meta_data_of_a_base_can_not_move_the_package(base, tmp_path):
    base.to_disk(tmp_path / "given")
    meta = srsly.read_json(tmp_path / "given" / "meta.json")
    srsly.write_json(tmp_path / "given" / "meta.json", {**meta, "lang": "../../en"})
    main(str(tmp_path / "given"), tmp_path / "base", **PACKAGE)
    assert srsly.read_json(tmp_path / "base" / "meta.json")["lang"] == "en"


def test_installed_package_is_a_base(base, tmp_path, monkeypatch):
    base.to_disk(tmp_path / "base")
    package(tmp_path / "base", tmp_path, name="core_tiny_sm", create_sdist=False)
    source = tmp_path / "en_core_tiny_sm-0.0.0"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", tmp_path / "site", source], check=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    main("en_core_tiny_sm", tmp_path / "saved", **PACKAGE)
    assert spacy.load(tmp_path / "saved").meta["name"] == "core_tiny_sm"


def test_mistake_is_one_line_and_exit_code_1(tmp_path):
    step = [sys.executable, "-m", "scripts.base", "en_nowhere", tmp_path / "out"]
    done = subprocess.run(step, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("Error: There is no pipeline 'en_nowhere': install it")
