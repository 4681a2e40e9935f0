"""Save the pipeline to update, so that all later steps depend on one folder.

Input: an installed pipeline or a folder. Output: a folder with the same pipeline, and
with the code that it needs, if it needs some.

    python -m scripts.base en_core_web_sm training/base
"""

import re
import shutil
from pathlib import Path
from typing import Annotated

import typer
from spacy.language import Language
from wasabi import msg

from scripts.command import run
from scripts.files import written_whole
from scripts.scale.pipelines import CODE, import_code, open_pipeline
from scripts.vars import check_component, find_pipeline, read_base

# A pipe is a folder of the pipeline, and a section of its config.
PIPE = re.compile(r"\w[\w -]*")
# In a label: control characters and line ends.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def find_code(base_model: str, code: str) -> Path | None:
    """Find the Python file with code that a pipeline needs.

    It is `code` if that is set, and else one that the pipeline brings: beside it in its
    folder, or in its package.

    Raises:
        ValueError: If a package brings several files.
    """
    if code:
        return Path(code)
    folder = find_pipeline(base_model)
    if (folder / CODE).exists():
        return folder / CODE
    is_package = not Path(base_model).exists()
    files = sorted(folder.parent.glob("[!_]*.py")) if is_package else []
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise ValueError(
            f"'{base_model}' brings several files with code, {names}: set vars.code to "
            "one file that registers all that the pipeline needs."
        )
    return files[0] if files else None


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


def main(
    base_model: Annotated[str, typer.Argument(help="Installed pipeline or path.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the pipeline.")],
    component: Annotated[str, typer.Option(help="Pipe to update.")] = "ner",
    code: Annotated[
        str, typer.Option(help="Python file with code that the pipeline needs.")
    ] = "",
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
    _, config = read_base(base_model)
    check_component(config, component, base_model)
    source = find_code(base_model, code)
    try:
        # A package may import its own code.
        nlp = open_pipeline(base_model)
    except ValueError:
        if not source:
            raise
        import_code(source)
        nlp = open_pipeline(base_model)
    check_names(nlp)
    # It is in the path of the package.
    nlp.meta["lang"] = nlp.lang
    with written_whole(output_dir) as part:
        nlp.to_disk(part)
        if source:
            shutil.copy(source, part / CODE)
    labels = nlp.pipe_labels[component]
    msg.good(f"{output_dir}: {base_model}, {component} with {', '.join(labels)}")


if __name__ == "__main__":
    run(main)
