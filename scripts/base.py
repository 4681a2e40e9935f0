"""Save the pipeline to update, so that all later steps depend on one folder.

Input: an installed pipeline or a folder. Output: a folder with the same pipeline.

    python -m scripts.base en_core_web_sm training/base --name ner_update \
        --version 0.1.0
"""

import re
from pathlib import Path
from typing import Annotated

import spacy
import typer
from packaging.version import InvalidVersion, Version
from spacy.language import Language
from wasabi import msg

from scripts.command import run
from scripts.components import kind_of
from scripts.files import written_whole

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# A pipe is a folder of the pipeline, and a section of its config.
PIPE = re.compile(r"\w[\w -]*")
# In a label: control characters and line ends.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def load_base(name: str) -> Language:
    """Load the pipeline to update: an installed package or a path."""
    try:
        return spacy.load(name)
    except OSError as error:
        if not str(error).startswith(("[E050]", "[E053]")):
            raise
        remedy = "set vars.base_model to a folder that nlp.to_disk wrote"
        if name.isidentifier():
            remedy = f"install its wheel, or run python -m spacy download {name}"
        raise ValueError(f"There is no pipeline '{name}': {remedy}.") from error


def check_names(nlp: Language) -> None:
    """Check that names of pipes can be those of folders, and labels are in one line.

    New labels are checked by `preprocess`; those of the base come from elsewhere.
    """
    labels = {label for some in nlp.pipe_labels.values() for label in some}
    unfit = [name for name in nlp.component_names if not PIPE.fullmatch(name)]
    unfit += [label for label in sorted(labels) if CONTROL.search(label)]
    if unfit:
        raise ValueError(
            f"The base has a pipe or label {unfit[0]!r}: rename it there, a pipe with "
            "letters, digits, -, _ and spaces, a label without control characters."
        )


def check_package(nlp: Language, name: str, version: str) -> None:
    """Check the package name and version now, so that the last step does not fail."""
    # pip would change any other name.
    if not NAME.fullmatch(name) or name.startswith(f"{nlp.lang}_"):
        raise ValueError(
            f"vars.name is '{name}': use lower-case letters, digits and single _, "
            f"without the '{nlp.lang}_' that is put before it."
        )
    try:
        Version(version)
    except InvalidVersion as error:
        message = f"vars.version is '{version}': write it as 0.1.0, for example."
        raise ValueError(message) from error
    if (name, version) == (nlp.meta["name"], nlp.meta["version"]):
        raise ValueError(
            f"The base is {nlp.lang}_{name} {version} too, and pip would keep it: "
            "raise vars.version."
        )


def main(
    base_model: Annotated[str, typer.Argument(help="Installed pipeline or path.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the pipeline.")],
    component: Annotated[str, typer.Option(help="Pipe to update.")] = "ner",
    name: Annotated[
        str, typer.Option(help="Name of the new package, without the language.")
    ] = "ner_update",
    version: Annotated[str, typer.Option(help="Version of the new package.")] = "0.1.0",
    trained: Annotated[
        str, typer.Option(help="Pipeline to take if BASE_MODEL is empty.")
    ] = "",
) -> None:
    """Save the pipeline to update, so that all later steps depend on one folder."""
    if not base_model and not Path(trained, "meta.json").exists():
        raise ValueError(
            "vars.base_model is empty, and no base was trained from vars.base_train: "
            "run the workflow all, or set vars.base_model."
        )
    base_model = base_model or trained
    nlp = load_base(base_model)
    if component not in nlp.component_names:
        raise ValueError(
            f"'{base_model}' has no component '{component}' to update: set "
            f"vars.component to one of {', '.join(nlp.pipe_names)}."
        )
    kind_of(nlp, component)
    if component in nlp.disabled:
        raise ValueError(
            f"'{component}' is disabled in '{base_model}': enable it first."
        )
    check_names(nlp)
    check_package(nlp, name, version)
    # It is in the path of the package.
    nlp.meta["lang"] = nlp.lang
    with written_whole(output_dir) as part:
        nlp.to_disk(part)
    labels = nlp.pipe_labels[component]
    msg.good(f"{output_dir}: {base_model}, {component} with {', '.join(labels)}")


if __name__ == "__main__":
    run(main)
