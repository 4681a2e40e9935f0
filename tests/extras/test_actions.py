"""The file for GitHub Actions in the README of the extras."""

import re
import shlex
from fnmatch import fnmatch

import pytest
import srsly
from test_project import COMMANDS, PROJECT, ROOT, outputs_of

README = (ROOT / "scripts" / "extras" / "README.md").read_text("utf-8")
[TEXT] = re.findall(r"^```yaml\n(name: update\n.*?)^```$", README, re.M | re.S)
ACTION = srsly.yaml_loads(TEXT)
STEPS = ACTION["jobs"]["update"]["steps"]
[UPDATE] = [step["run"] for step in STEPS if "project run" in step.get("run", "")]
UPLOAD = STEPS[-1]


def test_the_update_is_run_with_vars_that_there_are():
    words = shlex.split(UPDATE.replace("${{ github.run_number }}", "7"))
    assert words[:6] == ["python", "-m", "spacy", "project", "run", "update"]
    names = [word.removeprefix("--vars.") for word in words if word.startswith("--")]
    assert {*names} <= {*PROJECT["vars"]}
    for path in (word for word in words if word.startswith("assets/")):
        assert (ROOT / path).exists(), path


def test_a_push_of_annotations_or_settings_starts_it():
    # YAML 1.1 reads `on` as true.
    starts = ACTION.get("on", ACTION.get(True))
    paths = starts["push"]["paths"]
    assert all((ROOT / path.removesuffix("/**")).exists() for path in paths)
    [train] = re.findall(r"--vars\.train (\S+)", UPDATE)
    assert any(fnmatch(train, path) for path in paths)


@pytest.mark.parametrize("path", UPLOAD["with"]["path"].split())
def test_what_is_uploaded_is_written_by_a_step_of_the_update(path):
    made = [out for name in PROJECT["workflows"]["update"] for out in outputs_of(name)]
    assert any(f"{path}/".startswith(f"{out}/") for out in made)


def test_a_stopped_update_has_its_report():
    names = PROJECT["workflows"]["update"]
    assert names.index("report") < names.index("package")
    assert [step["if"] for step in STEPS[-2:]] == ["always()"] * 2
    assert "training/report.md" in COMMANDS["evaluate"]["outputs"]
    assert "training/report.md" in STEPS[-2]["run"]


def test_what_is_installed_is_there():
    [install] = [step["run"] for step in STEPS if "pip" in step.get("run", "")]
    assert (ROOT / install.split()[-1]).exists()
    assert "secrets." not in TEXT
