import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import srsly
from test_project import DEMO, PROJECT, ROOT, clone

from scripts.extras.dvc import main


@pytest.fixture
def stages(request, tmp_path):
    """The stages of a workflow."""
    main(ROOT / "project.yml", tmp_path / "dvc.yaml", workflow=request.param)
    return srsly.read_yaml(tmp_path / "dvc.yaml")["stages"]


def outs_of(stage):
    return [path for out in stage["outs"] for path in out]


def is_in(path, folders):
    return any(f"{path}/".startswith(f"{folder}/") for folder in folders)


@pytest.mark.parametrize("stages", PROJECT["workflows"], indirect=True)
def test_each_step_waits_for_the_one_before_it(stages):
    for before, name in pairwise(stages):
        outs = outs_of(stages[before])
        assert any(is_in(dep, outs) for dep in stages[name]["deps"]), name


@pytest.mark.parametrize("stages", PROJECT["workflows"], indirect=True)
def test_vars_and_flags_stay_what_project_yml_says(stages):
    commands = {command["name"]: command for command in PROJECT["commands"]}
    for name, stage in stages.items():
        text = srsly.yaml_dumps(stage["cmd"])
        for var in {*re.findall(r"\$\{vars\.(\w+)\}", text)}:
            text = text.replace(f"${{vars.{var}}}", str(PROJECT["vars"][var]))
        assert text.split() == srsly.yaml_dumps(commands[name]["script"]).split()


def test_unknown_workflow_is_refused_with_those_that_there_are(tmp_path):
    with pytest.raises(ValueError, match="no workflow 'al': use one of all, update,"):
        main(ROOT / "project.yml", tmp_path / "dvc.yaml", workflow="al")
    assert not (tmp_path / "dvc.yaml").exists()


def dvc(folder: Path, *args: str) -> subprocess.CompletedProcess:
    # The stages call python.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    how = {"capture_output": True, "text": True, "env": {**os.environ, "PATH": path}}
    command = [sys.executable, "-m", "dvc", *args]
    return subprocess.run(command, cwd=folder, **how)


def stages_run(folder: Path) -> tuple[list[str], int]:
    done = dvc(folder, "repro")
    return re.findall(r"Running stage '(\S+)'", done.stdout), done.returncode


@pytest.mark.slow
def test_dvc_runs_each_step_once_and_again_after_a_change(tmp_path):
    pytest.importorskip("dvc", reason="pip install dvc")
    folder = clone(tmp_path / "clone", min_steps=100)
    for path, n in {"base/train": 500, "base/dev": 60, "raw/raw": 600}.items():
        file = folder / "assets" / f"{path}.jsonl"
        lines = file.read_text("utf-8").splitlines(keepends=True)
        file.write_text("".join(lines[:n]), "utf-8")
    project = srsly.read_yaml(folder / "project.yml")
    project["vars"] |= {**DEMO, "min_new_f": 0.0}
    srsly.write_yaml(folder / "project.yml", project)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    assert dvc(folder, "init").returncode == 0
    main(folder / "project.yml", folder / "dvc.yaml", workflow="all")
    assert stages_run(folder) == (project["workflows"]["all"], 0)
    assert len([*folder.rglob("packages/*/dist/*.whl")]) == 1
    always = ["inputs", "base", "verdict"]
    assert stages_run(folder) == (always, 0)
    # Another test set: scored again, and nothing is trained.
    test = folder / "assets" / "annotations" / "test.jsonl"
    test.write_text("".join(test.read_text("utf-8").splitlines(True)[1:]), "utf-8")
    names, code = stages_run(folder)
    assert code == 0
    assert {"preprocess", "evaluate", "report", "package"} <= {*names}
    assert not {"train-base", "specialist", "train"} & {*names}
    # A gate is a var, and the report is written before it stops the update.
    project["vars"]["min_retention"] = 9
    srsly.write_yaml(folder / "project.yml", project)
    stopped = ["inputs", "base", "evaluate", "report", "package"]
    names, code = stages_run(folder)
    assert (sorted(names), code) == (sorted(stopped), 255)
