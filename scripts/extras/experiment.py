"""Try ways of updating on your own data, and write down the settings of the best.

Input: the base, and what preprocess and rehearse wrote. Output: a line of JSON a
trial, a table and a plot; and, in `configs/update.cfg`, the settings of the best.
All scores are those on the dev set: no test is seen. Trials that are done are not
made again, unless the base, the data, a setting or the code of training is another.

    python -m scripts.extras.experiment training/base corpus corpus/rehearsal \
        configs/update.cfg training/experiment --ratios "1, 2" --sizes "50, 200, all"
"""

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from thinc.api import Config
from tqdm import tqdm
from wasabi import MarkdownRenderer, msg

from scripts.command import run, track
from scripts.docs import count_docs, count_words
from scripts.extras.trials.key import key_of
from scripts.extras.trials.plan import parse, parse_size, plan
from scripts.extras.trials.pool import run_all
from scripts.extras.trials.results import Result, best_of, draw, over_seeds, to_table
from scripts.extras.trials.settings import in_common, settings_of, write_settings
from scripts.extras.trials.trial import ARMS, ONE_LOOK, Trial, update
from scripts.files import as_path, written_whole
from scripts.pipelines import use_gpu
from scripts.scale.shards import finished_shards
from scripts.scale.start import Engine, start
from scripts.scale.workers import Workers


def try_out(trial: Trial, key: str, output_dir: Path, **inputs: Any) -> Result:
    """Make one trial, and give its line of results."""
    start = time.perf_counter()
    updated = update(trial, output_dir=output_dir, **inputs)
    scores = updated.meta["performance"]
    return {
        **asdict(trial),
        "key": key,
        "new_f": scores["new_f"] or 0.0,
        "old_f": scores["old_f"] or 0.0,
        "seconds": round(time.perf_counter() - start, 1),
    }


def results_of(
    trials: list[Trial], path: Path, key: str, workers: Workers, **inputs: Any
) -> list[Result]:
    """Run the trials that are not done yet.

    Args:
        trials: The trials.
        path: JSON Lines of results.
        key: Stands for all that the trials have in common.
        workers: What runs them.
        inputs: What `update` takes.

    Returns:
        The results of all the trials.
    """
    # A line may be broken, by a full disk: that trial is made again.
    lines = list(srsly.read_jsonl(path, skip=True)) if path.exists() else []
    done = {
        Trial(*(line[name] for name in Trial.__annotations__)): line
        for line in lines
        if line["key"] == key
    }
    # What lost its pipeline is made again.
    made = {trial for trial in done if (inputs["output_dir"] / trial.name).exists()}
    todo = [trial for trial in trials if trial not in made]
    run = partial(try_out, key=key, **inputs)
    ending = run_all(todo, run, path, workers, lambda trial: trial.arm == "naive")
    for trial, line in track(ending, "Trials", len(todo), "trials"):
        done[trial] = line
        scores = f"new F {line['new_f']:.3f}, old F {line['old_f']:.3f}"
        tqdm.write(f"{trial.name}: {scores}")
    return [done[trial] for trial in trials]


def write_table(means: list[Result], path: Path) -> None:
    """Print the results as a table, and write it as Markdown."""
    header, rows = to_table(means)
    msg.table(rows, header=header, divider=True, aligns=[*"lrrrrrr"])
    markdown = MarkdownRenderer()
    markdown.add(markdown.table(rows, header))
    with written_whole(path) as beside:
        beside.write_text(f"{markdown.text}\n", encoding="utf-8")


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to be updated.")],
    corpus_dir: Annotated[Path, typer.Argument(help="Preprocess and rehearse's.")],
    rehearsal: Annotated[str, typer.Argument(help="Rehearsal docs.")],
    settings_path: Annotated[Path, typer.Argument(help="What an update sets.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder of trials.")],
    arms: Annotated[str, typer.Option(help="Ways, with commas.")] = ", ".join(ARMS),
    ratios: Annotated[str, typer.Option(help="Rehearsal to annotated words.")] = "1",
    sizes: Annotated[str, typer.Option(help="Annotated docs, or all.")] = "all",
    seeds: Annotated[str, typer.Option(help="Seeds.")] = "0",
    min_retention: Annotated[float, typer.Option(help="Least old F ÷ the most.")] = 0.0,
    n_process: Annotated[int, typer.Option(help="Trials at a time; -1: cores.")] = -1,
    gpu_id: Annotated[int, typer.Option(help="GPU to train on; -1: CPU.")] = -1,
    engine: Annotated[Engine, typer.Option(help="What runs the trials.")] = "local",
    ray_address: Annotated[str, typer.Option(help="Empty: RAY_ADDRESS.")] = "",
) -> None:
    """Try ways of updating side by side, and write the best one's settings."""
    n_docs = count_docs(corpus_dir / "update" / "train")
    account = srsly.read_json(corpus_dir / "preprocess.json")
    new_labels = account["new_labels"]
    ways = parse(arms)
    if not new_labels:
        # There is no second teacher.
        ways = ["rehearsed" if way == "two teachers" else way for way in ways]
    few = [size for size in parse(sizes, parse_size) if size < n_docs]
    trials = plan(ways, parse(ratios, float), few, parse(seeds, int))
    settings = Config().from_disk(settings_path, interpolate=False)
    manifest = srsly.read_json(corpus_dir / "rehearse.json")["manifest"]
    key = key_of(base_dir, corpus_dir, manifest, in_common(settings))
    # Trials on other data have the same names.
    trials_dir = output_dir / key[:8]
    n_process = use_gpu(gpu_id, n_process, engine)
    with start(engine, n_process, ray_address) as workers:
        results = results_of(
            trials,
            output_dir.with_suffix(".jsonl"),
            key,
            workers,
            base_dir=base_dir.resolve(),
            corpus_dir=corpus_dir.resolve(),
            shards=finished_shards(as_path(rehearsal).resolve(), manifest),
            settings_path=settings_path.resolve(),
            output_dir=trials_dir.resolve(),
            changes=ONE_LOOK,
            gpu_id=gpu_id,
        )
    means = over_seeds(results)
    write_table(means, output_dir.with_suffix(".md"))
    draw(means, account["labels"], n_docs, output_dir.with_suffix(".svg"))
    best = best_of(means, min_retention)
    if not best:
        raise ValueError("No arm that rehearses, with all annotations: nothing to set.")
    n_words = count_words(corpus_dir / "update" / "train")
    write_settings(settings_path, settings_of(best, settings, new_labels, n_words))
    msg.good(
        f"Best: {best['arm']} at ratio {best['ratio']:g}, set in {settings_path}; "
        f"{output_dir.with_suffix('.md')}, {output_dir.with_suffix('.svg')}"
    )


if __name__ == "__main__":
    run(main)
