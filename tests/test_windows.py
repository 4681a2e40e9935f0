"""On Windows weasel leaves quotes in a command, and a console may lack characters."""

import io
import shlex
import sys
from importlib import import_module
from itertools import chain
from pathlib import Path

import pytest
import typer
from thinc.api import Config
from weasel.util import load_project_config

from scripts import command
from scripts.configure import read_settings
from scripts.scale.raw import read_texts

ROOT = Path(__file__).parents[1]
PATH = "C:/Mes données/a & b (1)/été.jsonl"
PATHS = ("base_model", "base_train", "base_dev", "train", "dev", "test", "raw")
PATHS += ("old_test", "code", "rehearsal")


def lines_of(value: str) -> list[tuple[str, str]]:
    """Each command line of project.yml by its step, with a value for each path."""
    project = load_project_config(ROOT, overrides={f"vars.{n}": value for n in PATHS})
    return [
        (each["name"], line) for each in project["commands"] for line in each["script"]
    ]


@pytest.mark.parametrize("value", [PATH, ""], ids=["path", "empty"])
@pytest.mark.parametrize("number", range(len(lines_of(""))))
def test_every_command_line_is_read_the_same_as_split_on_windows(number, value):
    _, line = lines_of(value)[number]
    _, _, module, *args = shlex.split(line, posix=False)
    _, _, *expected = shlex.split(line)
    assert command.unquoted(args) == expected[1:]
    if not module.startswith("scripts."):
        # Not ours, so nobody removes the quotes.
        assert args == expected[1:] and '"' not in line
        return
    is_folder = (ROOT / module.replace(".", "/")).is_dir()
    app = typer.Typer()
    app.command()(import_module(f"{module}.__main__" if is_folder else module).main)
    parsed = typer.main.get_command(app).make_context(module, expected[1:]).params
    values = [v if isinstance(v, list) else str(v) for v in parsed.values()]
    found = list(chain(*([v] if isinstance(v, str) else v or [] for v in values)))
    assert sum("été" in str(item) for item in found) == line.count(PATH)


@pytest.mark.parametrize(
    "given, read",
    [
        ('"C:/a b"', "C:/a b"),
        ('"train=C:/a b"', "train=C:/a b"),
        ('""', ""),
        ("'A B=C'", "A B=C"),
        ("--limit", "--limit"),
        ('5"', '5"'),
    ],
)
def test_quotes_around_an_argument_are_removed(given, read):
    assert command.unquoted([given]) == [read]


def test_console_without_a_character_gets_its_number(monkeypatch):
    console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(sys, "argv", ["step"])

    def main() -> None:
        print("✔ 京都 is LIEU, and Zürich")

    with pytest.raises(SystemExit) as stopped:
        command.run(main)
    assert stopped.value.code in (0, None)
    console.flush()
    told = console.buffer.getvalue().decode("cp1252")
    assert told.split() == [r"\u2714", r"\u4eac\u90fd", "is", "LIEU,", "and", "Zürich"]


def test_line_ends_of_windows_change_no_setting_and_no_raw_text(tmp_path):
    settings = ROOT / "configs" / "update.cfg"
    path = tmp_path / "update.cfg"
    path.write_bytes(settings.read_bytes().replace(b"\n", b"\r\n"))
    account = {"new_labels": ["A"], "corrections": False}
    assert read_settings(path, account) == read_settings(settings, account)
    assert Config().from_disk(path, interpolate=False)
    for name in ("a.txt", "a.jsonl"):
        lines = ['{"text": "One."}', '{"text": "Two."}']
        lines = ["One.", "Two."] if name == "a.txt" else lines
        (tmp_path / name).write_bytes("\r\n".join([*lines, ""]).encode())
        assert [*read_texts(str(tmp_path / name))] == ["One.", "Two."]
