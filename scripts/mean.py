"""Take the mean of the weights of an experiment's best trials, as the update.

Each trial has a seed, and a specialist, of its own: where they err apart, the mean errs
less, and it is as fast as one of them. "Model soups": Wortsman et al. (2022),
https://arxiv.org/abs/2203.05482
Input: the names of the trials, and their folder. Output: the pipeline.

    python -m scripts.mean training/experiment.json training/experiment \
        training/update/model-best
"""

from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from spacy.language import Language
from wasabi import msg

from scripts.command import run
from scripts.files import written_whole


def mean_of(paths: list[Path]) -> Language:
    """Take the mean of the weights of the NERs of updated pipelines.

    Args:
        paths: The pipelines, updates of one base with the same annotations.

    Returns:
        The first of them, with the mean.

    Raises:
        ValueError: If there are weights that are not spaCy's own: a transformer's.
    """
    nlp, *others = map(spacy.load, paths)
    models = [other.get_pipe("ner").model for other in (nlp, *others)]
    for nodes in zip(*(model.walk() for model in models), strict=True):
        if nodes[0].shims:
            raise ValueError("The mean of a transformer's weights can't be taken.")
        for name in nodes[0].param_names:
            if nodes[0].has_param(name):
                total = sum(node.get_param(name) for node in nodes)
                nodes[0].set_param(name, total / len(nodes))
    # Dev was scored with the first alone.
    nlp.meta["performance"] = {}
    return nlp


def main(
    best_path: Annotated[Path, typer.Argument(help="Names of the best trials.")],
    trials_dir: Annotated[Path, typer.Argument(help="Folder of trials.")],
    output_dir: Annotated[Path, typer.Argument(help="The pipeline to write.")],
) -> None:
    """Take the mean of the weights of an experiment's best trials."""
    names = srsly.read_json(best_path)["best"]
    if len(names) == 1:
        raise ValueError('The mean of one run is that run: vars.seeds "0, 1, 2".')
    nlp = mean_of([trials_dir / name / "model-best" for name in names])
    with written_whole(output_dir) as beside:
        nlp.to_disk(beside)
    msg.good(f"The mean of {', '.join(names)}: {output_dir}")


if __name__ == "__main__":
    run(main)
