"""Kill a run at random moments, and compare what the next run ends with.

Each try begins from nothing, or from a finished run with another seed. The run is
killed with all its processes (SIGKILL), and started again; all files have to be those
of a run that nothing disturbed. If it was killed in `train`, then `evaluate`, `report`
and `package`, run one by one before the next run, have to fail. Needs a POSIX system.

    python -m benchmarks.kill work --tries 50
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from hashlib import md5
from pathlib import Path
from random import Random
from threading import Timer
from typing import Annotated, Any

import srsly
import typer
from wasabi import msg

from benchmarks.demo import CLONE, ROOT

# Lines of each file that a run of half a minute reads.
N_LINES = {
    "base/train": 200,
    "base/dev": 30,
    "base/test": 40,
    "raw/raw": 300,
    "annotations/train": 60,
    "annotations/dev": 20,
    "annotations/test": 30,
}
SETTINGS = {
    "base-ner.cfg": {"max_steps": 40, "eval_frequency": 20},
    "update.cfg": {"passes": 1, "min_steps": 40, "n_evaluations": 4},
}
VARS = {
    "base_train": "assets/base/train.jsonl",
    "base_dev": "assets/base/dev.jsonl",
    "train": "assets/annotations/train.jsonl",
    "dev": "assets/annotations/dev.jsonl",
    "test": "assets/annotations/test.jsonl",
    "raw": "assets/raw/raw.jsonl",
    "old_test": "assets/base/test.jsonl",
    # It learns next to nothing, and has to pass.
    "min_new_f": 0,
    "min_retention": 0,
}
FOLDERS = ("corpus", "training", "packages")
# Archives hold the time at which they were built; what is in them is compared.
ARCHIVES = ("*.whl", "*.tar.gz")
# What a run that is killed begins from: nothing, or a finished run with another seed.
BEGINNINGS = ("nothing", "older")
BY_HAND = ("evaluate", "report", "package")
# The name of a step in the line in which weasel tells its command.
NAME = re.compile(r"-m (scripts\.\w+|spacy \w+)")
RUN = [sys.executable, "-m", "spacy", "project", "run"]


def make_clone(folder: Path) -> None:
    """Make a clone of the project with little data, few steps, and no install-check."""
    folder.mkdir(parents=True)
    for part in CLONE:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    for name, n_lines in N_LINES.items():
        path = folder / "assets" / f"{name}.jsonl"
        lines = path.read_text("utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[:n_lines]), "utf-8")
    for name, settings in SETTINGS.items():
        path = folder / "configs" / name
        text = path.read_text("utf-8")
        for key, value in settings.items():
            text = re.sub(rf"(?m)^{key} = .*", f"{key} = {value}", text)
        path.write_text(text, "utf-8")
    project = srsly.read_yaml(folder / "project.yml")
    # A new environment takes longer than all other steps.
    project["workflows"] = {"all": project["workflows"]["all"][:-2]}
    srsly.write_yaml(folder / "project.yml", project)


def start(folder: Path, name: str, seed: int = 0) -> subprocess.Popen:
    """Start a run of a command or workflow, as the leader of a group of processes."""
    settings = {**VARS, "seed": seed}
    words = [word for key in settings for word in (f"--vars.{key}", str(settings[key]))]
    return subprocess.Popen(
        [*RUN, name, ".", *words],
        cwd=folder,
        # spaCy writes scores by label in the order of a set.
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(folder: Path, name: str, seed: int = 0) -> tuple[int, str]:
    """Run a command or workflow to its end, and return its exit code and its output."""
    run = start(folder, name, seed)
    output, _ = run.communicate()
    return run.returncode, output


def follow(run: subprocess.Popen, folder: Path, copies: Path) -> list[list]:
    """Follow a run to its end, and list its command lines with the seconds of each.

    The folder as each command finds it is copied, under the number of the command.
    """
    lines, times = [], []
    for line in run.stdout:
        if line.startswith("Running command"):
            times.append(time.perf_counter())
            os.killpg(run.pid, signal.SIGSTOP)
            shutil.copytree(folder, copies / str(len(lines)))
            os.killpg(run.pid, signal.SIGCONT)
            lines.append(line)
    times.append(time.perf_counter())
    if run.wait():
        raise ValueError(f"The run in {folder} failed, though nothing disturbed it.")
    return [[lines[i], times[i + 1] - times[i]] for i in range(len(lines))]


def kill_in(folder: Path, command: str, seconds: float) -> str:
    """Kill a run some seconds after a command of it began.

    Returns:
        The command line in which it was killed, or nothing if it had ended.
    """
    run, last = start(folder, "all"), ""
    timer = Timer(seconds, os.killpg, (run.pid, signal.SIGKILL))
    for line in run.stdout:
        if line.startswith("Running command"):
            last = line
        if line == command:
            timer.start()
    timer.cancel()
    return last if run.wait() == -signal.SIGKILL else ""


def bytes_of(folder: Path) -> dict[str, str]:
    """Compute the checksum of each file that the steps made, by its path."""
    return {
        str(path.relative_to(folder)): ""
        if any(path.match(archive) for archive in ARCHIVES)
        else md5(path.read_bytes()).hexdigest()
        for name in FOLDERS
        for path in sorted((folder / name).rglob("*"))
        if path.is_file()
    }


def try_once(work: Path, whole: dict[str, str], number: int) -> dict[str, Any]:
    """Kill a run, run it again, and compare: a line of the results."""
    rng = Random(number)
    begin, folder = rng.choice(BEGINNINGS), work / "try"
    commands = srsly.read_json(work / f"{begin}.json")
    n_command, share = rng.randrange(len(commands)), rng.random()
    command, seconds = commands[n_command]
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(work / begin / str(n_command), folder)
    found = NAME.search(kill_in(folder, command, share * seconds))
    name = found[1] if found else "(had ended)"
    line = {"try": number, "begin": begin, "killed_in": name, "by_hand": {}}
    if name == "scripts.train":
        line["by_hand"] = {step: finish(folder, step)[0] for step in BY_HAND}
    line["exit_code"], output = finish(folder, "all")
    after = bytes_of(folder)
    differ = sorted(k for k in whole.keys() | after if whole.get(k) != after.get(k))
    return {**line, "differ": differ, "lock_was_damaged": "was damaged" in output}


def is_right(line: dict[str, Any]) -> bool:
    """Check that a try ended as it has to."""
    refused = all(line["by_hand"].values())
    return refused and not line["exit_code"] and not line["differ"]


def to_table(lines: list[dict[str, Any]]) -> str:
    """Lay out the tries by the command that was killed, as Markdown."""
    rows = ["| killed in | from nothing | over an older run | same bytes | by hand |"]
    rows.append("|---|---|---|---|---|")
    for name in sorted({line["killed_in"] for line in lines}):
        some = [line for line in lines if line["killed_in"] == name]
        n_tries = [sum(x["begin"] == begin for x in some) for begin in BEGINNINGS]
        n_right = sum(map(is_right, some))
        codes = [code for x in some for code in x["by_hand"].values()]
        by_hand = f"{sum(map(bool, codes))} of {len(codes)} refused" if codes else "–"
        cells = [name, *n_tries, f"{n_right} of {len(some)}", by_hand]
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(rows)


def prepare(work: Path) -> None:
    """Make runs that nothing disturbs: from nothing, and over one of another seed."""
    make_clone(work / "clone")
    shutil.copytree(work / "clone", work / "seed-1")
    finish(work / "seed-1", "all", seed=1)
    for name, source in zip(BEGINNINGS, ("clone", "seed-1"), strict=True):
        folder = work / f"{name}-whole"
        shutil.copytree(work / source, folder)
        commands = follow(start(folder, "all"), folder, work / name)
        srsly.write_json(work / f"{name}.json", commands)


def main(
    work: Annotated[Path, typer.Argument(help="Folder for the runs and results.")],
    tries: Annotated[int, typer.Option(help="Number of tries.")] = 50,
) -> None:
    """Kill a run at random moments, and compare what the next run ends with."""
    if not (work / f"{BEGINNINGS[-1]}.json").exists():
        shutil.rmtree(work, ignore_errors=True)
        prepare(work)
    whole, again = (bytes_of(work / f"{name}-whole") for name in BEGINNINGS)
    if whole != again:
        raise ValueError("Two runs that nothing disturbed differ.")
    path = work / "kill.jsonl"
    lines = list(srsly.read_jsonl(path)) if path.exists() else []
    for number in range(len(lines), tries):
        lines.append(try_once(work, whole, number))
        srsly.write_jsonl(path, lines)
        (msg.good if is_right(lines[-1]) else msg.fail)(str(lines[-1]))
    (work / "kill.md").write_text(f"{to_table(lines)}\n", "utf-8")
    if wrong := [line["try"] for line in lines if not is_right(line)]:
        msg.fail(f"Not as it should be: {wrong}", exits=1)


if __name__ == "__main__":
    typer.run(main)
