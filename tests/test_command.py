import os
import pty
import subprocess
import sys
from errno import EACCES, EDQUOT, EISDIR, ENOENT, ENOSPC, EROFS

import pytest

from scripts import command as progress
from scripts.command import inert, run, track


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
