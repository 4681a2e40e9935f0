import os
import pty
import subprocess
import sys

import pytest

from scripts import command as progress
from scripts.command import track


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
