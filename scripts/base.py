"""Save the pipeline to be updated, so that all that follows depends on one path.

Input: an installed pipeline or a folder. Output: a folder with the same pipeline.

    python -m scripts.base en_core_web_sm training/base --lang en \
        --name ner_update --version 0.1.0
"""

from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.language import Language
from wasabi import msg

from scripts.command import run
from scripts.files import written_whole


def load_base(name: str) -> Language:
    """Load a pipeline that has an NER to update.

    Args:
        name: An installed package or a path.

    Returns:
        The pipeline.

    Raises:
        ValueError: If there is none, or it has no component `ner`.
    """
    try:
        nlp = spacy.load(name)
    except OSError as error:
        if not str(error).startswith("[E050]"):
            raise
        if name.isidentifier():
            remedy = f"install its wheel, or python -m spacy download {name}"
        else:
            remedy = "run the step base-demo first, or set vars.base_model"
        raise ValueError(f"There is no pipeline '{name}': {remedy}.") from error
    if "ner" not in nlp.pipe_names:
        pipes = ", ".join(nlp.pipe_names) or "nothing"
        raise ValueError(f"'{name}' has no component 'ner' to update, only {pipes}.")
    return nlp


def check_package(nlp: Language, lang: str, name: str, version: str) -> None:
    """Refuse a package of which only the last step would say that it can't be.

    Args:
        nlp: The base.
        lang: Language of the package.
        name: Its name, less the language.
        version: Its version.

    Raises:
        ValueError: If the language is another, the name is none, or it and the version
            are the base's.
    """
    if nlp.lang != lang:
        raise ValueError(f"The language of the base is {nlp.lang}: set vars.lang.")
    if not name.isidentifier() or name.startswith(f"{lang}_"):
        raise ValueError(
            f"vars.name is '{name}': letters, digits and _, without the '{lang}_' that "
            "goes before it."
        )
    if (name, version) == (nlp.meta["name"], nlp.meta["version"]):
        raise ValueError(
            f"The base is {lang}_{name} {version}, too, and pip would keep it: raise "
            "vars.version."
        )


def main(
    base_model: Annotated[str, typer.Argument(help="Installed pipeline or path.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the pipeline.")],
    lang: Annotated[str, typer.Option(help="Language of the package.")],
    name: Annotated[str, typer.Option(help="Its name, less the language.")],
    version: Annotated[str, typer.Option(help="Its version.")],
) -> None:
    """Save the pipeline that is to be updated."""
    nlp = load_base(base_model)
    check_package(nlp, lang, name, version)
    with written_whole(output_dir) as beside:
        nlp.to_disk(beside)
    msg.good(f"{base_model} with {', '.join(nlp.get_pipe('ner').labels)}: {output_dir}")


if __name__ == "__main__":
    run(main)
