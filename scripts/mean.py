"""Take the mean of the weights of an experiment's best trials, as the update.

Each trial has a seed, and a specialist, of its own: where they err apart, the mean errs
less, and it is as fast as one of them. "Model soups": Wortsman et al. (2022),
https://arxiv.org/abs/2203.05482
Input: the folders of the trials. Output: the pipeline; and of the first trial its
config and its log.

    python -m scripts.mean training/experiment.json training/update/model-best \
        --config training/update.cfg --log training/log.jsonl
"""

import shutil
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
    best_path: Annotated[Path, typer.Argument(help="Folders of the best trials.")],
    output_dir: Annotated[Path, typer.Argument(help="The pipeline to write.")],
    config: Annotated[Path, typer.Option(help="The training config to write.")],
    log: Annotated[Path, typer.Option(help="What training logged, to write.")],
) -> None:
    """Take the mean of the weights of an experiment's best trials."""
    trials = [Path(name) for name in srsly.read_json(best_path)["best"]]
    if len(trials) == 1:
        raise ValueError('The mean of one run is that run: vars.seeds "0, 1, 2".')
    nlp = mean_of([trial / "model-best" for trial in trials])
    with written_whole(output_dir) as beside:
        nlp.to_disk(beside)
    for name, path in (("update.cfg", config), ("log.jsonl", log)):
        with written_whole(path) as beside:
            shutil.copy(trials[0] / name, beside)
    msg.good(f"The mean of {', '.join(map(str, trials))}: {output_dir}")


if __name__ == "__main__":
    run(main)
