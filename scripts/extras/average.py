"""Update the base several times over, and take the mean of the weights.

Each run has a seed, and a specialist, of its own: where they err apart, the mean errs
less, and it is as fast as one of them. "Model soups": Wortsman et al. (2022),
https://arxiv.org/abs/2203.05482
Input: the base, and what preprocess and rehearse wrote. Output: the runs; the pipeline;
and of the first run its config and its log. Runs that are done are not made again,
unless the base, the data, a setting or the code of training is another.

    python -m scripts.extras.average training/base corpus corpus/rehearsal \
        configs/update.cfg training/runs training/update/model-best \
        --config training/update.cfg --log training/log.jsonl --runs 3
"""

import os
import shutil
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import Language
from thinc.api import Config
from wasabi import msg

from scripts.command import run, track
from scripts.extras.trials.key import key_of
from scripts.extras.trials.trial import Trial, specialist_of, update
from scripts.files import as_path, remove, written_whole
from scripts.pipelines import feeders_of_ner, use_gpu
from scripts.scale.shards import finished_shards
from scripts.scale.start import Engine, start
from scripts.scale.workers import in_order


def check_weights(nlp: Language) -> None:
    """Refuse a base whose NER has weights that are not spaCy's own.

    Raises:
        ValueError: If there are some: a transformer's.
    """
    for name in (*feeders_of_ner(nlp), "ner"):
        if any(node.shims for node in nlp.get_pipe(name).model.walk()):
            raise ValueError(
                "The mean of a transformer's weights can't be taken: run `update`."
            )


def plan(
    settings: Config, new_labels: list[str], n_runs: int, seed: int
) -> list[Trial]:
    """List the runs: all as the settings say, each with the next seed.

    Args:
        settings: What an update sets.
        new_labels: The labels that were annotated and that the base does not know.
        n_runs: How many there are.
        seed: Seed of the first.

    Returns:
        The runs.

    Raises:
        ValueError: If there are fewer than two.
    """
    if n_runs < 2:
        raise ValueError("The mean of one run is that run: set vars.runs to 3, say.")
    two_teachers = settings["corpora"]["train"]["two_teachers"] and new_labels
    arm = "two teachers" if two_teachers else "rehearsed"
    return [Trial(arm, None, 0, seed + number) for number in range(n_runs)]


def make(trial: Trial, output_dir: Path, **inputs: Any) -> None:
    """Make a run, and first the specialist that it begins as, if they are not there."""
    needed = [specialist_of(trial)] if trial.arm == "two teachers" else []
    for each in (*needed, trial):
        if not (output_dir / each.name).exists():
            update(each, output_dir=output_dir, **inputs)


def mean_of(paths: list[Path]) -> Language:
    """Take the mean of the weights of the NERs of updated pipelines.

    Args:
        paths: The pipelines, updates of one base with the same annotations.

    Returns:
        The first of them, with the mean.
    """
    nlp, *others = map(spacy.load, paths)
    models = [other.get_pipe("ner").model for other in (nlp, *others)]
    for nodes in zip(*(model.walk() for model in models), strict=True):
        for name in nodes[0].param_names:
            if nodes[0].has_param(name):
                total = sum(node.get_param(name) for node in nodes)
                nodes[0].set_param(name, total / len(nodes))
    # Dev was scored with the first alone.
    nlp.meta["performance"] = {}
    return nlp


def without_root(config: Config) -> Config:
    """Name files from the project's folder, as an update does: it goes to others."""
    text = config.to_str(interpolate=False).replace(f"{Path.cwd()}{os.sep}", "")
    return Config().from_str(text, interpolate=False)


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to be updated.")],
    corpus_dir: Annotated[Path, typer.Argument(help="Preprocess and rehearse's.")],
    rehearsal: Annotated[str, typer.Argument(help="Rehearsal docs.")],
    settings_path: Annotated[Path, typer.Argument(help="What an update sets.")],
    runs_dir: Annotated[Path, typer.Argument(help="Folder for the runs.")],
    output_dir: Annotated[Path, typer.Argument(help="The pipeline to write.")],
    config: Annotated[Path, typer.Option(help="The training config to write.")],
    log: Annotated[Path, typer.Option(help="What training logged, to write.")],
    runs: Annotated[int, typer.Option(help="Runs to take the mean of.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of the first run.")] = 0,
    n_process: Annotated[int, typer.Option(help="Runs at a time; -1: cores.")] = -1,
    gpu_id: Annotated[int, typer.Option(help="GPU to train on; -1: CPU.")] = -1,
    engine: Annotated[Engine, typer.Option(help="What makes the runs.")] = "local",
    ray_address: Annotated[str, typer.Option(help="Empty: RAY_ADDRESS.")] = "",
) -> None:
    """Update the base several times over, and take the mean of the weights."""
    settings = Config().from_disk(settings_path, interpolate=False)
    new_labels = srsly.read_json(corpus_dir / "preprocess.json")["new_labels"]
    trials = plan(settings, new_labels, runs, seed)
    check_weights(spacy.load(base_dir))
    manifest = srsly.read_json(corpus_dir / "rehearse.json")["manifest"]
    n_process = use_gpu(gpu_id, n_process, engine)
    place = runs_dir / key_of(base_dir, corpus_dir, manifest, settings)[:8]
    # Runs on other data have the same names, and are of no more use.
    for other in {*runs_dir.glob("*")} - {place}:
        remove(other)
    make_one = partial(
        make,
        base_dir=base_dir.resolve(),
        corpus_dir=corpus_dir.resolve(),
        shards=finished_shards(as_path(rehearsal).resolve(), manifest),
        settings_path=settings_path.resolve(),
        output_dir=place.resolve(),
        gpu_id=gpu_id,
    )
    with start(engine, n_process, ray_address) as workers:
        made = in_order((workers.submit(make_one, t) for t in trials), workers.n_jobs)
        for _ in track(made, "Training", runs, "runs"):
            pass
    folders = [place / trial.name for trial in trials]
    nlp = mean_of([folder / "model-best" for folder in folders])
    nlp.config = without_root(nlp.config)
    seeds = [trial.seed for trial in trials]
    names = ", ".join(map(str, seeds))
    nlp.meta["notes"] = f"The mean of the weights of updates with seeds {names}."
    with written_whole(output_dir) as beside:
        nlp.to_disk(beside)
    # The last step of an update that was there before.
    remove(output_dir.with_name("model-last"))
    first = Config().from_disk(folders[0] / "update.cfg", interpolate=False)
    first["system"]["mean_of_seeds"] = seeds
    with written_whole(config) as beside:
        what = f"# Of the first run. The update: {nlp.meta['notes']}\n"
        beside.write_text(what + without_root(first).to_str(), "utf-8")
    with written_whole(log) as beside:
        shutil.copy(folders[0] / "log.jsonl", beside)
    msg.good(f"The mean of {runs} runs, which are in {place}: {output_dir}")


if __name__ == "__main__":
    run(main)
