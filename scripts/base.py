"""Save the pipeline to be updated, so that all that follows depends on one path.

Input: an installed pipeline or a folder. Output: a folder with the same pipeline.

    python -m scripts.base en_core_web_sm training/base --lang en
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


def main(
    name: Annotated[str, typer.Argument(help="Installed pipeline or path.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the pipeline.")],
    lang: Annotated[str, typer.Option(help="Language of the package.")],
) -> None:
    """Save the pipeline that is to be updated."""
    nlp = load_base(name)
    if nlp.lang != lang:
        raise ValueError(f"The language of '{name}' is {nlp.lang}: set vars.lang.")
    with written_whole(output_dir) as beside:
        nlp.to_disk(beside)
    msg.good(f"{name} with {', '.join(nlp.get_pipe('ner').labels)}: {output_dir}")


if __name__ == "__main__":
    run(main)
