import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import srsly

ROOT = Path(__file__).parents[1]
HERE = socket.gethostname()
# A step with outputs, which weasel notes in its lock, and one that always runs.
PROJECT = {
    "directories": [],
    "workflows": {"all": ["inputs", "clean"]},
    "commands": [
        {
            "name": "inputs",
            "no_skip": True,
            "script": ["python -m scripts.clean nothing"],
            "outputs": ["project.yml"],
        },
        {
            "name": "clean",
            "script": ["python -m scripts.clean made"],
            "outputs": ["project.yml"],
        },
    ],
}


def run(folder, *command):
    srsly.write_yaml(folder / "project.yml", PROJECT)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    words = [sys.executable, "-m", *command]
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True)


def note(host=HERE, moved=0.0):
    """The note of a run by this process, which started `moved` seconds later."""
    started = psutil.Process().create_time() + moved
    return {"host": host, "process": os.getpid(), "started": started}


def test_second_run_says_who_uses_the_folder_and_stops(tmp_path):
    srsly.write_json(tmp_path / ".run.json", note())
    (tmp_path / "made").touch()
    done = run(tmp_path, "spacy", "project", "run", "all")
    assert done.returncode == 1
    message = rf"Another run uses .*process {os.getpid()} on {HERE}\. Wait until"
    assert re.fullmatch(f"Error: .*{message}.*\n", done.stderr)
    assert srsly.read_json(tmp_path / ".run.json") == note()
    assert (tmp_path / "made").exists()


def test_run_on_another_machine_is_named_and_the_folder_taken_over(tmp_path):
    srsly.write_json(tmp_path / ".run.json", note("elsewhere"))
    done = run(tmp_path, "spacy", "project", "run", "all")
    assert done.returncode == 0
    assert "The last run here was on elsewhere" in done.stdout
    assert srsly.read_json(tmp_path / ".run.json")["host"] == HERE


@pytest.mark.parametrize(
    "found",
    ["", "{", note(moved=-3600), {**note(), "process": 2**22 + 1}],
    ids=["empty", "half", "number used again", "ended"],
)
@pytest.mark.parametrize("command", [("spacy", "project"), ("weasel",)])
def test_note_of_a_run_that_ended_is_replaced_in_silence(tmp_path, found, command):
    text = found if isinstance(found, str) else srsly.json_dumps(found)
    (tmp_path / ".run.json").write_text(text)
    done = run(tmp_path, *command, "run", "all")
    assert (done.returncode, done.stderr) == (0, "")
    new = srsly.read_json(tmp_path / ".run.json")
    assert new["host"] == HERE and new["process"] != os.getpid()


def test_step_that_is_run_by_hand_is_not_stopped(tmp_path):
    srsly.write_json(tmp_path / ".run.json", note())
    assert run(tmp_path, "scripts.clean", "nothing").returncode == 0
    assert srsly.read_json(tmp_path / ".run.json") == note()


@pytest.mark.parametrize(
    "text", ["", "\0\0", "inputs:\n  cmd: run\n  scr", "clean:\n", "- inputs\n"]
)
def test_damaged_lock_is_removed_and_each_step_runs(tmp_path, text):
    (tmp_path / "project.lock").write_text(text)
    done = run(tmp_path, "spacy", "project", "run", "all")
    assert (done.returncode, done.stderr) == (0, "")
    assert "project.lock was damaged and is removed" in done.stdout
    assert srsly.read_yaml(tmp_path / "project.lock").keys() == {"inputs", "clean"}


def test_lock_that_is_whole_is_left_as_it_is(tmp_path):
    for n_runs in (2, 1):
        done = run(tmp_path, "spacy", "project", "run", "all")
        assert done.stdout.count("Running command") == n_runs
        assert "damaged" not in done.stdout
