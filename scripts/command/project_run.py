"""One `spacy project run` at a time in a folder, with a project.lock that is whole.

A run that is killed cannot remove a lock, so the lock is a note of the run's process.
"""

import socket
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import srsly
from wasabi import msg

# What runs in this folder, and what weasel noted of the steps that are done.
NOTE, LOCK = Path(".run.json"), Path("project.lock")
# Words of a command line that starts a run.
STARTS = {("project", "run"), ("weasel", "run")}
# Seconds by which the start of a process may seem to move: clocks are set.
TOLERANCE = 2


def join_run() -> None:
    """Note the run that started this step, if one did, in the current folder.

    Raises:
        ValueError: If another run goes on in the folder.
    """
    run = find_run()
    if run is None:
        return
    own = {"host": socket.gethostname(), "process": run.pid}
    own["started"] = run.create_time()
    noted = read_note()
    if noted.items() >= own.items():
        return
    if noted and noted["host"] != own["host"]:
        # A container has another name each time.
        msg.warn(
            f"The last run here was on {noted['host']}, which cannot be seen from "
            f"{own['host']}: if it goes on, stop this one."
        )
    elif noted and is_running(noted):
        raise ValueError(
            f"Another run uses this folder: {NOTE} says process {noted['process']} on "
            f"{noted['host']}. Wait until it ends, or end it."
        )
    repair_lock()
    srsly.write_json(NOTE, own)


def find_run() -> psutil.Process | None:
    """Find the nearest `spacy project run` or `weasel run` that this process is in."""
    for process in psutil.Process().parents():
        with suppress(psutil.Error):
            words = [Path(word).stem for word in process.cmdline()]
            if STARTS & {*pairwise(words)}:
                return process
    return None


def read_note() -> dict[str, Any]:
    """Read the note of the last run; there is none, or a broken one, if it is empty."""
    with suppress(OSError, ValueError, TypeError):
        return dict(srsly.read_json(NOTE))
    return {}


def is_running(noted: dict[str, Any]) -> bool:
    """Check whether the process of a note runs; another may have its number since."""
    with suppress(psutil.Error):
        process = psutil.Process(noted["process"])
        is_same = abs(process.create_time() - noted["started"]) < TOLERANCE
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    return False


def repair_lock() -> None:
    """Remove a project.lock that a stopped run left half written.

    Weasel would end in a traceback; without the file it runs each step again.
    """
    if not LOCK.exists():
        return
    with suppress(ValueError):
        lock = srsly.read_yaml(LOCK)
        if isinstance(lock, dict) and all(isinstance(x, dict) for x in lock.values()):
            return
    LOCK.unlink()
    msg.warn(f"{LOCK} was damaged and is removed: each step runs again.")
