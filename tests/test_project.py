"""The rules of project.yml, and the whole way from annotations to a wheel."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import spacy
import srsly
from conftest import TEXTS, make_pipeline, write_settings
from spacy.training import Example
from test_configure import update
from weasel.cli.document import project_document
from weasel.util import load_project_config
from weasel.util.hashing import get_checksum

from scripts.components import second_of
from scripts.components.frozen import serialize
from scripts.docs import write_docs
from scripts.evaluation.gates import GATES
from scripts.evaluation.metrics import METRICS_VERSION

ROOT = Path(__file__).parents[1]
PROJECT = load_project_config(ROOT)
COMMANDS = {command["name"]: command for command in PROJECT["commands"]}
CODE = ("project.yml", "configs", "scripts", "assets", "README.md")


SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))
STEPS = {
    path.stem
    for path in (ROOT / "scripts").glob("*.py")
    if "def main(" in path.read_text("utf-8")
}
# The rooms from the ground up; the steps are above them, and report and extras on top.
FLOORS = (
    "files",
    "vars",
    "command",
    "components",
    "docs",
    "scale",
    "annotations",
    "evaluation",
)


def imports_of(script: Path) -> set[str]:
    """List the modules of ours that a script imports, without `scripts.`."""
    found = set()
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("scripts"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            places = [name.replace(".", "/") for name in (*names, node.module)]
            files = [(ROOT / place).with_suffix(".py") for place in places]
            found |= {path for path in files if path.exists()}
            package = ROOT / node.module.replace(".", "/") / "__init__.py"
            found |= {package} if package.exists() else set()
    return {
        ".".join(path.relative_to(ROOT / "scripts").with_suffix("").parts)
        for path in found
    }


def modules_of(script: Path, found: set[Path] | None = None) -> set[Path]:
    """List the modules of ours that a script imports, directly or not."""
    found = set() if found is None else found
    for name in imports_of(script):
        module = ROOT / "scripts" / f"{name.replace('.', '/')}.py"
        if module not in found:
            found.add(module)
            modules_of(module, found)
    return found - {ROOT / "scripts" / "__init__.py"}


def script_of(module: str) -> Path:
    place = ROOT / module.replace(".", "/")
    return place / "__main__.py" if place.is_dir() else place.with_suffix(".py")


@pytest.mark.parametrize("name", COMMANDS)
def test_step_depends_on_its_script_and_all_that_it_imports(name):
    deps = [ROOT / dep for dep in COMMANDS[name].get("deps", [])]
    for line in COMMANDS[name]["script"]:
        modules = re.findall(r"-m (scripts[\w.]+)", line)
        scripts = [script_of(module) for module in modules]
        scripts += [ROOT / path for path in re.findall(r"scripts/[\w/]+\.py", line)]
        for script in scripts:
            for needed in {script} | modules_of(script):
                assert needed in deps or set(needed.parents) & set(deps), needed


@pytest.mark.parametrize("step", sorted(STEPS))
def test_step_imports_no_other_step(step):
    assert not imports_of(ROOT / "scripts" / f"{step}.py") & STEPS


@pytest.mark.parametrize(
    "script", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT))
)
def test_imports_run_downwards(script):
    def floor(room: str) -> int:
        on_top = len(FLOORS) + 1 + (room == "extras")
        above = on_top if room in ("report", "extras") else len(FLOORS)
        return FLOORS.index(room) if room in FLOORS else above

    own = script.relative_to(ROOT / "scripts").parts[0].removesuffix(".py")
    rooms = {name.partition(".")[0] for name in imports_of(script)} - {own, "__init__"}
    assert all(floor(room) < floor(own) for room in rooms), rooms
    # Ray is imported only if it is asked for.
    assert "scale.ray" not in imports_of(script)


# What a person can annotate is known to the kinds of components, the readers of formats
# and the alignment of annotations with tokens.
FACTS = {"ents", "set_ents", "ent_iob", "ent_iob_", "ent_type", "ent_type_"}
FACTS |= {"tag_", "dep_", "head", "morph", "pos_"}
KNOW_FACTS = ("components/", "annotations/formats/", "annotations/align.py")


@pytest.mark.parametrize(
    "script", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT))
)
def test_only_components_formats_and_alignment_know_what_a_fact_is(script):
    place = script.relative_to(ROOT / "scripts").as_posix()
    tree = ast.parse(script.read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert place.startswith(KNOW_FACTS) or not used & FACTS


def test_nothing_is_run_that_data_holds_but_the_tasks_of_ray():
    runs = re.compile(
        r"\b(?:import|from) (?:pickle|marshal|shelve|joblib)\b|\ballow_pickle\b"
        r"|\b(?:eval|exec)\("
    )
    found = [path for path in SCRIPTS if runs.search(path.read_text("utf-8"))]
    assert found == [ROOT / "scripts" / "scale" / "ray.py"]


# Of these, `configure` writes paths down and opens none, the others touch any.
@pytest.mark.parametrize(
    "name", sorted(COMMANDS.keys() - {"demo", "configure", "clean", "document"})
)
def test_step_depends_on_and_names_each_path_of_its_command_line(name):
    command = COMMANDS[name]
    named = [*command.get("deps", []), *command.get("outputs", [])]
    named += [*command.get("outputs_no_cache", []), "training/trained-base"]
    # Shown if they exist; weasel knows no optional deps.
    named += ["training/experiment.svg", "training/report.html", "packages"]
    named += ["training/install-check.json", "training/metrics.json"]
    # Logs of trainings that not every update has: DVC knows no optional outputs.
    named += ["training/specialist.jsonl", "training/corrections.jsonl"]
    folders = ("corpus/", "training/", "configs/", "scripts/", "packages/")
    for line in command["script"]:
        for word in line.split():
            if word.startswith(folders):
                related = [n for n in named if n.startswith(word) or word.startswith(n)]
                assert related, word


def outputs_of(name: str) -> list[str]:
    command = COMMANDS[name]
    return [*command.get("outputs", []), *command.get("outputs_no_cache", [])]


@pytest.mark.parametrize("workflow", PROJECT["workflows"])
def test_each_dep_is_given_or_made_by_an_earlier_step(workflow):
    made = set()
    for name in PROJECT["workflows"][workflow]:
        for dep in COMMANDS[name]["deps"]:
            by_step = any(dep == out or dep.startswith(f"{out}/") for out in made)
            given = (ROOT / dep).exists() and not dep.startswith(("corpus", "training"))
            assert by_step or given, f"{name}: {dep}"
        made |= {*outputs_of(name)}


@pytest.mark.parametrize("workflow", PROJECT["workflows"])
def test_each_output_is_written_by_one_step_alone(workflow):
    names = PROJECT["workflows"][workflow]
    outputs = [f"{path}/" for name in names for path in outputs_of(name)]
    nested = [a for a in outputs for b in outputs if a is not b and a.startswith(b)]
    assert nested == []
    for name in names:
        assert not {*COMMANDS[name]["deps"]} & {*outputs_of(name)}, name


def test_no_output_that_dvc_caches_holds_a_file_that_git_tracks():
    every = [c.get("outputs", []) for c in COMMANDS.values()]
    outputs = [ROOT / path for some in every for path in some]
    assert not [path for path in outputs if (path / ".gitkeep").exists()]


def test_workflow_update_is_all_without_the_training_of_a_base():
    workflows = PROJECT["workflows"]
    all_but_base = [name for name in workflows["all"] if name != "train-base"]
    assert all_but_base == workflows["update"]


def test_gates_are_those_of_the_vars():
    assert {name: PROJECT["vars"][name] for name in GATES} == GATES


def test_vars_name_no_file_of_the_demo():
    assert not [v for v in PROJECT["vars"].values() if str(v).startswith("assets")]


def test_no_step_writes_bytecode_into_a_folder_that_another_depends_on():
    code = "import scripts.evaluate, sys; print(sys.dont_write_bytecode)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert done.stdout.split() == [b"True"]


def test_each_command_has_one_sentence_of_help():
    for command in COMMANDS.values():
        assert command["help"].endswith(".")


def test_each_asset_has_its_checksum():
    for asset in PROJECT["assets"]:
        assert get_checksum(ROOT / asset["dest"]) == asset["checksum"], asset["dest"]


def test_generated_part_of_the_readme_is_up_to_date(tmp_path, monkeypatch):
    shutil.copy(ROOT / "README.md", tmp_path)
    shutil.copy(ROOT / "project.yml", tmp_path)
    project_document(ROOT, tmp_path / "README.md")
    new, old = (Path(p, "README.md").read_text("utf-8") for p in (tmp_path, ROOT))
    assert new == old, "run: python -m spacy project run document"


def test_readme_speaks_of_no_other_setting_than_there_is():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert {*re.findall(r"--vars\.(\w+)", readme)} <= {*PROJECT["vars"]}


def run(folder: Path, *args: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "spacy", "project", "run", *args]
    env = {**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8"
    )


@pytest.mark.parametrize("keep", ["exact", "one"])
def test_another_component_that_has_no_annotations_does_not_stop_debug(tmp_path, keep):
    base = make_pipeline("own")
    textcat = base.add_pipe("textcat")
    for label in ("A", "B"):
        textcat.add_label(label)
    textcat.initialize(lambda: [Example.from_dict(base.make_doc("A"), {"cats": {}})])
    update(base, tmp_path, keep=keep)
    for name in ("train", "dev"):
        docs = [base.make_doc(f"{text} See {name}.") for text, _ in TEXTS]
        write_docs(docs, tmp_path / "corpus" / "update" / name / "00000.spacy")
    shutil.copytree(tmp_path / "configs", tmp_path / "training" / "configs")
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    _, *words = shlex.split(COMMANDS["train"]["script"][0])
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "script", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT))
)
def test_docstrings_say_what_a_function_does(script):
    documented = ast.Module | ast.ClassDef | ast.FunctionDef
    nodes = ast.walk(ast.parse(script.read_text(encoding="utf-8")))
    docs = [ast.get_docstring(n) or "" for n in nodes if isinstance(n, documented)]
    assert not [doc for doc in docs if doc.startswith(("Give ", "Say ", "Tell "))]


def as_vars(**values: object) -> list[str]:
    """Write vars as words of a command line."""
    words = ((f"--vars.{name}", str(value)) for name, value in values.items())
    return [word for pair in words for word in pair]


DEMO = {
    "base_train": "assets/base/train.jsonl",
    "base_dev": "assets/base/dev.jsonl",
    "train": "assets/annotations/train.jsonl",
    "dev": "assets/annotations/dev.jsonl",
    "test": "assets/annotations/test.jsonl",
    "raw": "assets/raw/raw.jsonl",
    "old_test": "assets/base/test.jsonl",
}
# A higher gate than that of the project; without rehearsal it keeps 0.
DEMO_GATES = {"min_new_f": 0.5}


def test_demo_is_the_line_to_copy_with_the_files_of_the_demo():
    [line] = COMMANDS["demo"]["script"]
    own = "python -m spacy project run all . --vars.base_model= "
    assert line == own + " ".join(as_vars(**DEMO))


def clone(folder: Path, **settings: object) -> Path:
    """Copy the project, with other settings of an update by name."""
    folder.mkdir()
    for name in CODE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    if settings:
        write_settings(folder / "configs" / "update.cfg", **settings)
    return folder


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """A clone of the project with a small part of the demo's data."""
    folder = clone(tmp_path_factory.mktemp("cut") / "clone")
    for path, n in {"base/train": 500, "base/dev": 60, "raw/raw": 600}.items():
        file = folder / "assets" / f"{path}.jsonl"
        lines = file.read_text("utf-8").splitlines(keepends=True)
        file.write_text("".join(lines[:n]), "utf-8")
    return folder


@pytest.fixture(scope="module")
def done(cut):
    """The workflow `all`, run in that clone."""
    return run(cut, "all", ".", *as_vars(**DEMO, **DEMO_GATES))


def scripts_run(done: subprocess.CompletedProcess) -> list[str]:
    return re.findall(r"Running command: \S+ -m (scripts\.\S+|spacy \S+)", done.stdout)


def test_all_ends_with_an_installed_pipeline_that_learned_and_kept(cut, done):
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    metrics = srsly.read_json(cut / "training" / "metrics.json")
    assert metrics["version"] == METRICS_VERSION and metrics["verdict"] == "passed"
    assert metrics["new"]["base"]["f"] == 0
    assert set(metrics["labels"]) >= {"DISEASE", "PERSON", "GPE", "ORG"}
    dist = cut / "packages" / "en_ner_update-0.1.0" / "dist"
    assert {path.suffix for path in dist.iterdir()} == {".whl", ".gz"}
    account = srsly.read_json(cut / "corpus" / "preprocess.json")
    assert account["rows"]["in"] == account["rows"]["kept"] == 550
    log = (cut / "training" / "update.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["step"] for line in log] == [*range(0, 2001, 200)]
    # The base's own component is as it was; a small one before it has the new label.
    base = spacy.load(cut / "training" / "base")
    updated = spacy.load(cut / "training" / "update" / "model-best")
    assert updated.pipe_names == ["tok2vec", second_of("ner"), "ner"]
    assert updated.pipe_labels[second_of("ner")] == ["DISEASE"]
    before, after = serialize(base), serialize(updated)
    assert all(after[name] == before[name] for name in before)
    assert metrics["retention_unmoved"] > 0.99
    page = (cut / "training" / "report.html").read_text("utf-8")
    assert "Passed: ready to ship" in page and "DISEASE" in page
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        [card] = [n for n in sdist.getnames() if n.endswith("0.1.0/README.md")][:1]
        assert b"| DISEASE |" in sdist.extractfile(card).read()
    # The last lines say what came of it and how to try it.
    # Weasel's own lines are somewhere between, for they are buffered.
    last = done.stdout[done.stdout.index("Passed: ready to ship.") :]
    wheel = "packages/en_ner_update-0.1.0/dist/en_ner_update-0.1.0-py3-none-any.whl"
    for words in ("Kept", "Learned DISEASE", "training/report.html", wheel):
        assert words in last
    assert 'spacy.load("en_ner_update")' in last


def test_nothing_runs_again_until_a_file_changes(cut, done):
    # A new time stamp is no change.
    for path in (cut / "scripts").rglob("*.py"):
        os.utime(path)
    again = run(cut, "all", ".", *as_vars(**DEMO, **DEMO_GATES))
    assert scripts_run(again) == ["scripts.inputs", "scripts.base", "scripts.verdict"]
    assert not [*(cut / "scripts").glob("*/**/__pycache__")]


def test_update_that_forgot_is_stopped_and_not_packaged(cut, done):
    # With another test set the update is scored again, and nothing is trained.
    test = cut / "assets" / "annotations" / "test.jsonl"
    test.write_text("".join(test.read_text("utf-8").splitlines(True)[1:]), "utf-8")
    stopped = run(cut, "all", ".", *as_vars(**{**DEMO, "min_retention": 9}))
    assert "scripts.evaluate" in scripts_run(stopped)
    assert not {"scripts.specialist", "scripts.train"} & {*scripts_run(stopped)}
    assert stopped.returncode == 1
    assert "Error: Stopped: not to be shipped. The update forgot" in stopped.stderr
    assert "What now: " in stopped.stderr
    assert "When the gate stops you" in stopped.stderr
    assert not srsly.read_json(cut / "training" / "metrics.json")["passed"]
    page = (cut / "training" / "report.html").read_text("utf-8")
    assert "Stopped: not to be shipped" in page


def test_update_of_another_base_runs_without_report_extras_or_demo_files(
    cut, done, tmp_path
):
    folder = clone(tmp_path / "clone", min_steps=300)
    for name in ("report", "extras"):
        shutil.rmtree(folder / "scripts" / name)
    shutil.rmtree(folder / "assets")
    project = srsly.read_yaml(folder / "project.yml")
    gone = [
        c["name"]
        for c in project["commands"]
        if re.search(r"scripts[./](report|extras)", " ".join(c["script"]))
    ]
    project["commands"] = [c for c in project["commands"] if c["name"] not in gone]
    update = [step for step in project["workflows"]["update"] if step not in gone]
    to_the_wheel = update[: update.index("package") + 1]
    project |= {"workflows": {"update": to_the_wheel}, "assets": []}
    srsly.write_yaml(folder / "project.yml", project)
    own = {
        "base_model": cut / "training" / "base",
        "train": cut / "assets" / "annotations" / "train.jsonl",
        "raw": cut / "assets" / "raw",
        "name": "mine",
        **DEMO_GATES,
        # The other way to update, which moves old predictions.
        "keep": "one",
        "max_changed": 0.9,
    }
    done = run(folder, "update", ".", *as_vars(**own))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert len([*folder.rglob("packages/en_mine-0.1.0/dist/*.whl")]) == 1
    # There is no gold of the old labels: the demo's is not used.
    metrics = srsly.read_json(folder / "training" / "metrics.json")
    assert not metrics["old_test_is_gold"] and metrics["retention"] is None
    assert metrics["verdict"] == "not proven"
    updated = spacy.load(folder / "training" / "update" / "model-best")
    assert updated.pipe_names == ["ner"]


TOKENS = {
    "base_train": "assets/tokens/base.conllu",
    "base_dev": "assets/tokens/base_dev.conllu",
    "raw": "assets/tokens/raw.jsonl",
    "old_test": "assets/tokens/old_test.conllu",
}


@pytest.mark.parametrize(
    "component, name, label",
    [("tagger", "tags", "CODE"), ("parser", "relations", "item")],
)
def test_new_tag_and_new_relation_are_learned_by_the_same_steps(
    tmp_path, component, name, label
):
    folder = clone(tmp_path / "clone", min_steps=400)
    project = srsly.read_yaml(folder / "project.yml")
    to_the_report = project["workflows"]["all"][:-3]
    assert to_the_report[-1] == "report"
    project["workflows"] = {"all": to_the_report}
    srsly.write_yaml(folder / "project.yml", project)
    files = {
        "train": f"assets/tokens/{name}.jsonl",
        "test": f"assets/tokens/{name}_test.jsonl",
    }
    done = run(folder, "all", ".", *as_vars(component=component, **TOKENS, **files))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    metrics = srsly.read_json(folder / "training" / "metrics.json")
    assert metrics["new_labels"] == [label] and metrics["new_f"]["updated"] > 0.9
    assert metrics["retention"] > 0.97 and metrics["passed"]
    updated = spacy.load(folder / "training" / "update" / "model-best")
    assert label in updated.pipe_labels[component]
    # What was there is as it was.
    base = spacy.load(folder / "training" / "base")
    before, after = serialize(base), serialize(updated)
    assert {n for n in after if before.get(n) != after[n]} == {component}


def test_corrections_of_an_update_are_all_trained_on_and_listed(cut, done, tmp_path):
    folder = clone(tmp_path / "clone", min_steps=100, n_words=400)
    train = folder / "assets" / "annotations" / "corrections.jsonl"
    project = srsly.read_yaml(folder / "project.yml")
    update = project["workflows"]["update"]
    project["workflows"] = {"update": update[: update.index("report") + 1]}
    srsly.write_yaml(folder / "project.yml", project)
    own = {
        "base_model": cut / "training" / "update" / "model-best",
        "train": train,
        "raw": cut / "assets" / "raw",
        "old_test": folder / "assets" / "base" / "test.jsonl",
        "earlier": folder / "assets" / "annotations" / "train.jsonl",
        "earlier_test": folder / "assets" / "annotations" / "test.jsonl",
    }
    done = run(folder, "update", ".", *as_vars(**own))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    texts = [row["text"] for row in srsly.read_jsonl(train)]
    assert f"{len(texts)} dev, {len(texts)} test, " in done.stdout
    metrics = srsly.read_json(folder / "training" / "metrics.json")
    rows = metrics["corrections"]
    assert [row["text"] for row in rows] == texts
    n_right = sum(row["fixed"] for row in rows)
    assert n_right > sum(row["base"] == row["right"] for row in rows)
    assert "the corrections that are scored were trained on" in metrics["doubts"]
    # What the round before taught is scored by its test, and is as it was.
    [test] = metrics["earlier"]
    assert test["base"] == test["updated"] and test["gold"] > 96
    assert [row["outcome"] for row in metrics["judged"]] == ["passed"]
    paths = (path / "training" / "update" / "model-best" for path in (cut, folder))
    before, after = (serialize(spacy.load(path)) for path in paths)
    assert {n for n in after if before.get(n) != after[n]} == {"ner"}


def test_clean_removes_all_that_the_steps_made(cut, done):
    assert run(cut, "clean", ".").returncode == 0
    left = [
        p for name in ("corpus", "training", "packages") for p in (cut / name).iterdir()
    ]
    assert left == []
