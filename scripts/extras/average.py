"""Update the base several times, and average the weights.

Each run has another seed and a specialist of its own. Where they make different
mistakes the average makes fewer, and it is as fast as one of them. "Model soups":
Wortsman et al. (2022), https://arxiv.org/abs/2203.05482
Input: the base, and what preprocess and rehearse wrote. Output: the runs, the averaged
pipeline, and the config and the log of the first run. Runs that exist are kept, unless
the base, the data, a setting or the code of training changed.

    python -m scripts.extras.average training/base corpus corpus/rehearsal \
        configs/update.cfg training/runs training/update/model-best \
        --config training/configs/update.cfg --log training/update.jsonl --runs 3
"""

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer
from spacy.language import Language
from thinc.api import Config
from wasabi import msg

from scripts.command import run
from scripts.components import kind_of, listened_to
from scripts.components.frozen import check_frozen
from scripts.configure import Keep
from scripts.extras.runs import Run, read_inputs, run_all
from scripts.files import remove, written_whole
from scripts.scale.pipelines import copy_code, open_pipeline, use_gpu
from scripts.scale.start import Engine, start
from scripts.train import put_back


def check_weights(nlp: Language, component: str) -> None:
    """Check that all weights are spaCy's own.

    Raises:
        ValueError: If some are not, as those of a transformer.
    """
    for name in (*listened_to(nlp, component), component):
        if any(node.shims for node in nlp.get_pipe(name).model.walk()):
            raise ValueError(
                "The weights of a transformer cannot be averaged: run `update`."
            )


def plan(
    settings: Config, new_labels: list[str], keep: Keep, n_runs: int, first_seed: int
) -> list[Run]:
    """List the runs: each updates as the settings say, with the next seed.

    Raises:
        ValueError: If there are fewer than two.
    """
    if n_runs < 2:
        raise ValueError(
            "The average of one run is that run: use --runs 3, for example."
        )
    specialist = settings["corpora"]["train"]["specialist"] and new_labels
    arm = "specialist" if specialist else "rehearsed"
    arm = "exact" if keep == "exact" else arm
    return [Run(arm, None, 0, first_seed + number) for number in range(n_runs)]


def average_of(paths: list[Path], component: str) -> Language:
    """Average the weights of a component in several pipelines.

    Args:
        paths: The pipelines, updates of one base with the same annotations.
        component: Name of the pipe that was updated.

    Returns:
        The first of them, with the average.
    """
    nlp, *others = map(open_pipeline, paths)
    models = [other.get_pipe(component).model for other in (nlp, *others)]
    for nodes in zip(*(model.walk() for model in models), strict=True):
        for name in nodes[0].param_names:
            if nodes[0].has_param(name):
                total = sum(node.get_param(name) for node in nodes)
                nodes[0].set_param(name, total / len(nodes))
    # The scores on dev are those of the first run.
    nlp.meta["performance"] = {}
    return nlp


def without_root(config: Config) -> Config:
    """Make the paths in a config relative to the project, as those of an update are."""
    text = config.to_str(interpolate=False).replace(f"{Path.cwd()}{os.sep}", "")
    return Config().from_str(text, interpolate=False)


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to update.")],
    corpus_dir: Annotated[Path, typer.Argument(help="Folder of the corpus.")],
    rehearsal: Annotated[str, typer.Argument(help="Rehearsal docs.")],
    settings_path: Annotated[Path, typer.Argument(help="The settings of an update.")],
    runs_dir: Annotated[Path, typer.Argument(help="Folder for the runs.")],
    output_dir: Annotated[Path, typer.Argument(help="The averaged pipeline to write.")],
    config: Annotated[Path, typer.Option(help="The training config to write.")],
    log: Annotated[Path, typer.Option(help="The training log to write.")],
    component: Annotated[str, typer.Option(help="Pipe to update.")] = "ner",
    keep: Annotated[
        Keep, typer.Option(help="exact: a second component learns new labels.")
    ] = "exact",
    runs: Annotated[int, typer.Option(help="Number of runs.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of the first run.")] = 0,
    n_process: Annotated[
        int, typer.Option(help="Runs in parallel; -1: one for each core.")
    ] = -1,
    engine: Annotated[Engine, typer.Option(help="Where the runs are made.")] = "local",
    gpu_id: Annotated[int, typer.Option(help="GPU to train on; -1: CPU.")] = -1,
) -> None:
    """Update the base several times, and average the weights."""
    n_process = use_gpu(gpu_id, n_process, engine)
    check_weights(open_pipeline(base_dir), component)
    settings = Config().from_disk(settings_path, interpolate=False)
    inputs = read_inputs(
        base_dir,
        corpus_dir,
        rehearsal,
        settings_path,
        runs_dir,
        settings,
        component=component,
        gpu_id=gpu_id,
    )
    planned = plan(settings, inputs.account["new_labels"], keep, runs, seed)
    # What is stopped from now on leaves no older update that later steps would take.
    remove(output_dir)
    # Runs on other inputs have the same names, and are of no more use.
    for other in {*runs_dir.resolve().glob("*")} - {inputs.output_dir}:
        remove(other)
    with start(engine, n_process) as workers:
        is_new = inputs.account["new_labels"] and planned[0].arm != "rehearsed"
        specialists = [run.specialist for run in planned if is_new]
        run_all([*specialists, *planned], inputs, workers)

    folders = [inputs.output_dir / run.name for run in planned]
    base, nlp = open_pipeline(base_dir), open_pipeline(base_dir)
    pipes = [path.stem for path in sorted(folders[0].glob("*.cfg"))]
    for pipe in pipes:
        paths = [folder / pipe / "model-best" for folder in folders]
        put_back(nlp, average_of(paths, pipe), component)
    kind_of(base, component).finish(nlp, inputs.new)
    check_frozen(base, nlp, component, inputs.new)
    seeds = [run.seed for run in planned]
    names = ", ".join(map(str, seeds))
    nlp.meta["notes"] = f"The average of the weights of updates with seeds {names}."
    with written_whole(output_dir) as part:
        nlp.to_disk(part)
        copy_code(base_dir, part)
    # It would be the last step of another update.
    remove(output_dir.with_name("model-last"))
    first = Config().from_disk(folders[0] / f"{pipes[-1]}.cfg", interpolate=False)
    first["system"]["average_of_seeds"] = seeds
    with written_whole(config) as part:
        title = f"# The config of the first run. {nlp.meta['notes']}\n"
        part.write_text(title + without_root(first).to_str(), "utf-8")
    with written_whole(log) as part:
        shutil.copy(folders[0] / f"{pipes[-1]}.jsonl", part)
    msg.good(f"{output_dir}: the average of {runs} runs in {inputs.output_dir}")


if __name__ == "__main__":
    run(main)
