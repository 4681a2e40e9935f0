"""Check the vars of project.yml that are no files, before any step runs.

spaCy takes seconds to import, so the base's config is read without it.
"""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import srsly
from confection import Config
from packaging.version import InvalidVersion, Version

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# What a gate of a single label is, and the most that it may be: F can rise above what
# it was, by a half at most.
MOST = {"f": 1.0, "kept": 1.5}
LABEL_GATE = re.compile(r"(?P<label>\S.*?)(?P<f>\s+[fF])?\s+(?P<least>\d*\.?\d+)")
# No label: another gate, or another sign between two, is in it.
NO_LABEL = re.compile(r".*([;:]|(^|\s)(\d*\.?\d+|[fF])(\s|$)).*")
# The kinds of components in `scripts/components`.
KINDS = ("ner", "tagger", "morphologizer", "parser")
CHOICES = {"keep": ("exact", "one"), "engine": ("local", "ray")}
CHOICES |= {"must_pass_gate": ("kept", "all")}
# Gates, with what each may be; retention can rise above 1.
SHARE = "a number from 0 to 1", r"0?\.\d+|[01](\.0*)?"
NUMBERS = {"min_retention": ("a number such as 0.97", r"\d*\.?\d+")}
NUMBERS |= {"max_changed": SHARE, "min_new_f": SHARE}
NUMBERS |= dict.fromkeys(("gpu_id", "n_process"), ("a whole number", r"-?\d+"))
NUMBERS |= {"seed": ("a whole number from 0", r"\d{1,9}")}


class LabelGate(NamedTuple):
    """A gate of a single label.

    Attributes:
        label: The label.
        measure: `f`, F after the update, or `kept`, F after it ÷ before.
        least: The least that it may be.
    """

    label: str
    measure: str
    least: float


def read_gates(text: str) -> list[LabelGate]:
    """Read gates of single labels, such as `ORG 0.97, DRUG f 0.6`.

    Raises:
        ValueError: If there is another word.
    """
    gates = []
    # A label may hold a comma itself.
    for part in filter(None, map(str.strip, re.split(r"(?<=\d)\s*,", text))):
        match = LABEL_GATE.fullmatch(part)
        measure = "f" if match and match["f"] else "kept"
        is_gate = match and not NO_LABEL.fullmatch(match["label"])
        if not is_gate or float(match["least"]) > MOST[measure]:
            raise ValueError(
                f"vars.gates: cannot read '{part}'. Write LABEL 0.97, the share of its "
                "F to keep, or LABEL f 0.6, the F to reach, with commas between them."
            )
        gates.append(LabelGate(match["label"], measure, float(match["least"])))
    return gates


def check_vars(values: dict[str, str]) -> None:
    """Check vars by name, with those that say what the base is.

    Raises:
        ValueError: If a later step would refuse one of them.
    """
    for name, (what, pattern) in NUMBERS.items():
        if not re.fullmatch(pattern, values[name]):
            raise ValueError(f"vars.{name} is '{values[name]}': use {what}.")
    for name, choices in CHOICES.items():
        if values[name] not in choices:
            raise ValueError(f"vars.{name} is '{values[name]}': use {or_of(choices)}.")
    read_gates(values["gates"])
    if values["base_model"]:
        meta, config = read_base(values["base_model"])
        check_component(config, values["component"], values["base_model"])
    else:
        meta = {"lang": values["lang"]}
        check_language(values["lang"])
        check_trainable(values["component"])
    check_package(meta, values["name"], values["version"])


def read_watch(path: str) -> list[str]:
    """Read the names to watch: a text file with one in each line; empty: none.

    Raises:
        ValueError: If it is no such file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"vars.watch: {path} is no text file in UTF-8 with a name in each line: "
            f"{error}"
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def or_of(names: Any) -> str:
    """Write names as a choice."""
    return " or ".join(map(str, names))


def find_pipeline(base_model: str) -> Path:
    """Find the folder of a pipeline, which is a path or in an installed package."""
    is_name = base_model.isidentifier()
    origin = getattr(find_spec(base_model), "origin", None) if is_name else None
    # spaCy takes a package before a folder.
    package = Path(origin).parent if origin else Path(base_model)
    if origin and (package / "meta.json").is_file():
        meta = srsly.read_json(package / "meta.json")
        return package / "{lang}_{name}-{version}".format(**meta)
    return Path(base_model)


def read_base(base_model: str) -> tuple[dict[str, Any], Config]:
    """Read the meta data and the config of a pipeline.

    Raises:
        ValueError: If there is none.
    """
    folder = find_pipeline(base_model)
    try:
        meta = srsly.read_json(folder / "meta.json")
        return meta, Config().from_disk(folder / "config.cfg", interpolate=False)
    except (OSError, ValueError) as error:
        remedy = "set it to a folder that nlp.to_disk wrote"
        if base_model.isidentifier():
            remedy = f"install its wheel, or run python -m spacy download {base_model}"
        raise ValueError(
            f"vars.base_model: there is no pipeline '{base_model}': {remedy}."
        ) from error


def check_component(config: Config, component: str, base_model: str) -> None:
    """Check that a pipeline has a component, enabled, of a kind that can be updated."""
    names = config["nlp"]["pipeline"]
    if component not in names:
        raise ValueError(
            f"'{base_model}' has no component '{component}' to update: set "
            f"vars.component to one of {', '.join(names)}."
        )
    factory = config["components"][component].get("factory", component)
    if factory not in KINDS:
        raise ValueError(
            f"'{component}' in '{base_model}' is of kind {factory}, which cannot be "
            f"updated: set vars.component to a component of kind {or_of(KINDS)}."
        )
    if component in config["nlp"].get("disabled", ()):
        raise ValueError(
            f"'{component}' is disabled in '{base_model}': enable it first."
        )


def check_trainable(component: str) -> None:
    """Check that there is a config to train a base with a component."""
    paths = sorted(Path("configs").glob("base-*.cfg"))
    names = [path.stem.removeprefix("base-") for path in paths]
    if component not in names:
        raise ValueError(
            f"There is no configs/base-{component}.cfg to train a base with: set "
            f"vars.component to {or_of(names)}, or write one."
        )


def check_language(lang: str) -> None:
    """Check that spaCy knows a language."""
    folder = Path(find_spec("spacy").origin).with_name("lang")
    if not re.fullmatch(r"[a-z]{2,3}", lang) or not (folder / lang).is_dir():
        raise ValueError(f"vars.lang is '{lang}': spaCy has no such language.")


def check_package(meta: dict[str, Any], name: str, version: str) -> None:
    """Check the name and the version of the package.

    Args:
        meta: The meta data of the base, or its language alone.
        name: The name, without the language.
        version: The version.
    """
    lang = meta["lang"]
    # pip would change any other name.
    if not NAME.fullmatch(name) or name.startswith(f"{lang}_"):
        raise ValueError(
            f"vars.name is '{name}': use lower-case letters, digits and single _, "
            f"without the '{lang}_' that is put before it."
        )
    try:
        # Another spelling would be another name of the wheel.
        usual = str(Version(version))
    except InvalidVersion:
        usual = "0.1.0, for example"
    if version != usual:
        raise ValueError(f"vars.version is '{version}': write it as {usual}.")
    if (name, version) == (meta.get("name"), meta.get("version")):
        raise ValueError(
            f"The base is {lang}_{name} {version} too, and pip would keep it: raise "
            "vars.version."
        )
