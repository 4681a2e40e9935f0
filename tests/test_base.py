import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.cli.package import package
from thinc.api import Config

from scripts.base import check_names, find_code, main
from scripts.scale.pipelines import import_code

ROOT = Path(__file__).parents[1]


def test_base_is_saved_as_it_is(any_base, tmp_path):
    any_base.to_disk(tmp_path / "given")
    main(str(tmp_path / "given"), tmp_path / "base")
    saved = spacy.load(tmp_path / "base")
    assert saved.pipe_names == any_base.pipe_names
    text = "Anna Berg left Lima on Monday."
    assert saved(text).to_json() == any_base(text).to_json()


def test_empty_base_model_is_an_error_if_no_base_was_trained(tmp_path):
    with pytest.raises(
        ValueError, match=r"no base was trained .* run the workflow all"
    ):
        main("", tmp_path / "base", trained=str(tmp_path / "trained"))


def test_base_that_was_trained_here_is_taken_if_no_other_is_named(base, tmp_path):
    base.to_disk(tmp_path / "trained")
    main("", tmp_path / "base", trained=str(tmp_path / "trained"))
    assert spacy.load(tmp_path / "base").pipe_names == base.pipe_names


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
    main(str(tmp_path / "given"), tmp_path / "base")
    assert srsly.read_json(tmp_path / "base" / "meta.json")["lang"] == "en"


def test_installed_package_is_a_base(base, tmp_path, monkeypatch):
    base.to_disk(tmp_path / "base")
    package(tmp_path / "base", tmp_path, name="core_tiny_sm", create_sdist=False)
    source = tmp_path / "en_core_tiny_sm-0.0.0"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", tmp_path / "site", source], check=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    main("en_core_tiny_sm", tmp_path / "saved")
    assert spacy.load(tmp_path / "saved").meta["name"] == "core_tiny_sm"


def test_mistake_is_one_line_and_exit_code_1(tmp_path):
    step = [sys.executable, "-m", "scripts.base", "en_nowhere", tmp_path / "out"]
    done = subprocess.run(step, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("Error: vars.base_model: there is no pipeline 'en_nowhere'")


CODE = """
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.util import registry


@Language.component("own_component")
def own_component(doc):
    return doc


@registry.tokenizers("own_tokenizer.v1")
def create_own_tokenizer():
    return lambda nlp: Tokenizer(nlp.vocab)
"""


@pytest.fixture
def given(base, tmp_path):
    """A folder with a pipeline that has a component and a tokenizer of its own."""
    (tmp_path / "own.py").write_text(CODE)
    base.to_disk(tmp_path / "given")
    path = tmp_path / "given" / "config.cfg"
    config = Config().from_disk(path, interpolate=False)
    config["nlp"]["pipeline"] = ["own_component", *config["nlp"]["pipeline"]]
    config["components"]["own_component"] = {"factory": "own_component"}
    config["nlp"]["tokenizer"] = {"@tokenizers": "own_tokenizer.v1"}
    config.to_disk(path)
    return tmp_path / "given"


def run_steps(folder, *flags, base="given"):
    """Save a base, and load it in another process."""
    program = "from scripts.scale.pipelines import open_pipeline as o; print(o('base'))"
    steps = (["-m", "scripts.base", base, "base", *flags], ["-c", program])
    for step in steps:
        env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}."}
        how = {"cwd": folder, "env": env}
        done = subprocess.run(
            [sys.executable, *step], capture_output=True, encoding="utf-8", **how
        )
        if done.returncode:
            return done.stderr
    return done.stdout


def test_code_that_a_base_needs_is_imported_by_every_step(given):
    """Without it the first step that loads the base says what to set."""
    folder = given.parent
    error = run_steps(folder)
    assert "given needs code that is not here: [E893] Could not find function" in error
    assert "Set vars.code to the Python file" in error
    assert "spacy.lang.en.English" in run_steps(folder, "--code", "own.py")
    # An installed package without its code.
    inside = folder / "en_given" / "en_tiny-0.0.0"
    inside.parent.mkdir()
    given.rename(inside)
    shutil.copy(inside / "meta.json", inside.parent)
    load = "from spacy.util import load_model_from_init_py as load_\n"
    load += "def load(**how): return load_(__file__, **how)\n"
    (folder / "en_given" / "__init__.py").write_text(load)
    (folder / "en_given-0.0.0.dist-info").mkdir()
    names = "Metadata-Version: 2.1\nName: en_given\nVersion: 0.0.0\n"
    (folder / "en_given-0.0.0.dist-info" / "METADATA").write_text(names)
    flags = ("--code", "own.py")
    assert "spacy.lang.en.English" in run_steps(folder, *flags, base="en_given")
    inside.rename(given)
    # The base of a second round brings it.
    shutil.rmtree(given)
    (folder / "base").rename(given)
    assert "spacy.lang.en.English" in run_steps(folder)


def test_package_brings_its_code(given, tmp_path, monkeypatch):
    code = {"code_paths": [tmp_path / "own.py"], "create_sdist": False}
    import_code(tmp_path / "own.py")
    package(given, tmp_path, name="own", **code)
    source = tmp_path / "en_own-0.0.0"
    # As the wheel has it.
    shutil.copy(source / "meta.json", source / "en_own")
    monkeypatch.syspath_prepend(source)
    assert find_code("en_own", "").read_text() == CODE
    (source / "en_own" / "more.py").write_text("")
    with pytest.raises(ValueError, match=r"several files with code, more\.py, own\.py"):
        find_code("en_own", "")
