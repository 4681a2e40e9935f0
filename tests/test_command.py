import os
import pty
import subprocess
import sys
from errno import EACCES, EDQUOT, EISDIR, ENOENT, ENOSPC, EROFS

import pytest

from scripts import command as progress
from scripts.command import run, track


def test_what_is_tracked_comes_through_and_short_loops_say_nothing(capsys):
    assert list(track(range(3), "Counting")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "total, lines",
    [
        (None, ["Counting: 1", "Counting: 2"]),
        (2, ["Counting: 1 of 2 docs, 00:00 left", "Counting: 2 of 2 docs, 00:00 left"]),
    ],
)
def test_long_loop_says_a_line_now_and_then(monkeypatch, capsys, total, lines):
    monkeypatch.setattr(progress, "INTERVAL", 0)
    list(track("ab", "Counting", total))
    assert capsys.readouterr().err.splitlines() == lines


@pytest.mark.parametrize("no_color, is_coloured", [("", True), ("1", False)])
def test_terminal_gets_colours_unless_it_wants_none(tmp_path, no_color, is_coloured):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "scripts.clean", str(tmp_path)]
    env = {**os.environ, "NO_COLOR": no_color}
    done = subprocess.run(command, env=env, stdout=theirs, check=True, cwd=os.getcwd())
    assert done.returncode == 0
    assert (b"\x1b[" in os.read(ours, 1000)) is is_coloured
    for end in (ours, theirs):
        os.close(end)


def test_file_gets_no_colours(tmp_path):
    command = [sys.executable, "-m", "scripts.clean", str(tmp_path)]
    out = subprocess.run(command, capture_output=True, check=True).stdout
    assert b"Removed" in out and b"\x1b[" not in out


MADE_AGAIN = "run the step that writes it again, or correct the path."


@pytest.mark.parametrize(
    "error, message",
    [
        (
            OSError(ENOSPC, "Full", "a"),
            "[Errno 28] Full: 'a': make room and run again.",
        ),
        (OSError(EDQUOT, "Quota", "a"), "Quota: 'a': make room and run again."),
        (OSError(EACCES, "Denied", "a"), "'a': change the permissions, or the path, "),
        (
            OSError(EROFS, "Read-only", "a"),
            "'a': change the permissions, or the path, ",
        ),
        (OSError(ENOENT, "Gone", "a"), f"[Errno 2] Gone: 'a': {MADE_AGAIN}"),
        (OSError("[E053] No config in a."), f"[E053] No config in a: {MADE_AGAIN}"),
        (OSError("[E052] No folder a"), f"[E052] No folder a: {MADE_AGAIN}"),
        (ValueError("Can't read file: a"), f"Can't read file: a: {MADE_AGAIN}"),
        (OSError(EISDIR, "Is a folder", "a"), "[Errno 21] Is a folder: 'a'\n"),
        (OSError("no\n answer"), "Error: no answer\n"),
        (ValueError("a.jsonl:3: not UTF-8."), "Error: a.jsonl:3: not UTF-8.\n"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_error_is_one_line_that_says_which_file_and_what_to_do(
    monkeypatch, capsys, error, message
):
    def main():
        raise error

    monkeypatch.setattr(sys, "argv", ["step"])
    with pytest.raises(SystemExit) as stop:
        run(main)
    assert stop.value.code == 1
    err = capsys.readouterr().err
    assert message in err and err.startswith("Error: ") and err.count("\n") == 1
