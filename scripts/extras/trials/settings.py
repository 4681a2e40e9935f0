"""What an update sets, as trials see it: what they share, what the best one sets."""

import re
from pathlib import Path
from typing import Any

import srsly
from thinc.api import Config

from scripts.extras.trials.results import Result
from scripts.files import written_whole
from scripts.recipe import OWN, RATIO, TWO_TEACHERS, section_for


def in_common(settings: Config) -> Config:
    """Give what an update sets, but for what arms and ratios set."""
    settings = settings.copy()
    del settings["corpora"]["train"]["two_teachers"]
    for section in (settings, *(settings.get(name, {}) for name in OWN)):
        reader_of(section).pop("ratio", None)
    return settings


def settings_of(
    best: Result, settings: Config, new_labels: list[str], n_words: int
) -> dict[str, Any]:
    """Give the settings with which `update` goes the best way.

    Args:
        best: The best way.
        settings: What an update sets.
        new_labels: The labels that were annotated and that the base does not know.
        n_words: Words in the annotated docs.

    Returns:
        The values by name; the ratio's is that of the section that wins.
    """
    settings = settings.copy()
    two_teachers = best["arm"] == "two teachers"
    settings["corpora"]["train"]["two_teachers"] = two_teachers
    section = section_for(settings, new_labels, n_words)
    has_own = "ratio" in reader_of(settings.get(section, {}))
    found = {f"{section}.{RATIO}" if has_own else RATIO: best["ratio"]}
    return {**found, TWO_TEACHERS: two_teachers} if new_labels else found


def write_settings(path: Path, settings: dict[str, Any]) -> None:
    """Set values in a config file in place: its comments are for people.

    Args:
        path: The config.
        settings: The values by name, `section.name`.

    Raises:
        ValueError: If the config has no such name.
    """
    text = path.read_text(encoding="utf-8")
    for name, value in settings.items():
        section, _, key = name.rpartition(".")
        pattern = rf"(?ms)^(\[{re.escape(section)}\]\n(?:(?!^\[).)*?^{key} = )[^\n]*"
        text, n_set = re.subn(pattern, rf"\g<1>{srsly.json_dumps(value)}", text)
        if not n_set:
            raise ValueError(f"{path} has no {name}: add it under [{section}].")
    if text != path.read_text(encoding="utf-8"):
        with written_whole(path) as beside:
            beside.write_text(text, encoding="utf-8")


def reader_of(section: dict[str, Any]) -> dict[str, Any]:
    """Give what a section of settings says of the reader, if it does."""
    return section.get("corpora", {}).get("train", {})
