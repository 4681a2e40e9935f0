import os
import pty
import subprocess
import sys

import pytest

from scripts import command as progress
from scripts.command import inert, track


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


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred",
        "\x1b]0;a title\x07",
        "\x1b[38;5;2m",
        "\x9b2J",
        "back\b\b\b\b",
        "\rover the line",
        "\u202egnirts",
        "zero\u200bwidth",
    ],
)
@pytest.mark.parametrize(
    "words, said", [(["clean", ""], "Removed:"), (["inputs", "x", "raw="], "Error: ")]
)
def test_name_of_a_file_neither_moves_nor_hides_anything_on_a_terminal(
    text, words, said
):
    step, *others, last = words
    command = [sys.executable, "-m", f"scripts.{step}", *others, f"{last}{text}"]
    ours, theirs = pty.openpty()
    env = {**os.environ, "NO_COLOR": "1"}
    subprocess.run(command, env=env, stdout=theirs, stderr=theirs)
    shown = os.read(ours, 1000).decode().replace("\r\n", "\n")
    for end in (ours, theirs):
        os.close(end)
    assert said in shown
    assert all(char.isprintable() or char == "\n" for char in shown)


@pytest.mark.parametrize(
    "text, shown",
    [
        # As spaCy prints while it trains, whatever the stream is.
        ("\x1b[38;5;2m✔ Saved\x1b[0m", "✔ Saved"),
        ("\x1b[38;5;2m✔ \x1b[2J\x1b[0m", "✔ [U+001B][2J"),
        ("one\rtwo", "one[U+000D]two"),
        ("half \ud83c of a pair", "half [U+D83C] of a pair"),
    ],
)
def test_file_gets_no_colours_and_no_control_characters(capfd, text, shown):
    inert(lambda: print(text))()
    assert capfd.readouterr().out == f"{shown}\n"
