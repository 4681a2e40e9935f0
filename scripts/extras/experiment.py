"""Compare ways of updating on your own data.

Input: the base, and what preprocess and rehearse wrote. Output: a table and a plot of
what each way kept and learned, and the settings of the best. All scores are those on
dev: no test is read. Runs that exist are kept, unless the base, the data, a setting or
the code of training changed.

    python -m scripts.extras.experiment training/base corpus corpus/rehearsal \
        configs/update.cfg training/experiment --ratios "1, 2" --sizes "50, 200, all"
"""

import math
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from thinc.api import Config
from wasabi import MarkdownRenderer, msg

from scripts.command import run
from scripts.components import kind_of
from scripts.configure import CASES, RATIO, SPECIALIST, case_of
from scripts.docs import count_docs
from scripts.extras.results import Result, best_of, draw, over_seeds, to_table
from scripts.extras.runs import ARMS, Run, read_inputs, run_all
from scripts.files import written_whole
from scripts.scale.pipelines import open_pipeline, use_gpu
from scripts.scale.start import Engine, start


def parse(text: str, kind: Callable[[str], Any] = str) -> list[Any]:
    """Parse a list with commas between the values."""
    try:
        return [kind(part.strip()) for part in text.split(",")]
    except ValueError as error:
        raise ValueError(
            f"'{text}': write numbers with commas between them."
        ) from error


def parse_size(text: str) -> int:
    """Parse a number of annotated docs; `all` is 0."""
    return 0 if text == "all" else int(text)


def plan(
    arms: list[str], ratios: list[float], sizes: list[int], seeds: list[int]
) -> list[Run]:
    """List the runs: all arms with all ratios, sizes (0: all docs) and seeds.

    "completed" is always there, for it is the specialist. Arms that do not rehearse
    have one ratio.
    """
    if unknown := {*arms} - {*ARMS}:
        raise ValueError(f"No arm {', '.join(unknown)}: choose from {', '.join(ARMS)}.")
    if not all(0 <= number < math.inf for number in (*ratios, *sizes)):
        raise ValueError("--ratios and --sizes: write numbers of 0 or more.")
    if 0 not in sizes:
        raise ValueError("--sizes lacks 'all': the best way is that with all docs.")
    every = product(dict.fromkeys(["completed", *arms]), ratios, sizes, seeds)
    runs = (
        Run(arm, ARMS[arm].get(RATIO, r), size, seed) for arm, r, size, seed in every
    )
    return list(dict.fromkeys(runs))


def shared_settings(settings: Config) -> Config:
    """Return the settings without those in which runs differ: specialist and ratio."""
    settings = settings.copy()
    del settings["corpora"]["train"]["specialist"]
    for section in (settings, *(settings.get(name, {}) for name in CASES)):
        section.get("corpora", {}).get("train", {}).pop("ratio", None)
    return settings


def best_settings(
    best: Result, settings: Config, account: dict[str, Any]
) -> dict[str, Any]:
    """Return the settings with which `update` does what the best run did, by name.

    The ratio is that of the section that applies to these annotations.
    """
    settings = settings.copy()
    specialist = best["arm"] in ("specialist", "exact")
    settings["corpora"]["train"]["specialist"] = specialist
    case = case_of(settings, account, best["arm"] == "exact")
    reader = settings.get(case, {}).get("corpora", {}).get("train", {})
    found = {f"{case}.{RATIO}" if "ratio" in reader else RATIO: best["ratio"]}
    return {**found, SPECIALIST: specialist} if account["new_labels"] else found


def write_settings(path: Path, settings: dict[str, Any]) -> None:
    """Set values, named `section.name`, in a config file; its comments stay."""
    text = path.read_text(encoding="utf-8")
    for name, value in settings.items():
        section, _, key = name.rpartition(".")
        pattern = rf"(?ms)^(\[{re.escape(section)}\]\n(?:(?!^\[).)*?^{key} = )[^\n]*"
        text, n_set = re.subn(pattern, rf"\g<1>{srsly.json_dumps(value)}", text)
        if not n_set:
            raise ValueError(f"{path} has no {name}: add it under [{section}].")
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_table(rows: list[Result], path: Path) -> None:
    """Print the results as a table, and write it as Markdown."""
    header, cells = to_table(rows)
    msg.table(cells, header=header, divider=True, aligns=[*"lrrrrrr"])
    markdown = MarkdownRenderer()
    markdown.add(markdown.table(cells, header))
    with written_whole(path) as part:
        part.write_text(f"{markdown.text}\n", encoding="utf-8")


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to update.")],
    corpus_dir: Annotated[Path, typer.Argument(help="Folder of the corpus.")],
    rehearsal: Annotated[str, typer.Argument(help="Rehearsal docs.")],
    settings_path: Annotated[Path, typer.Argument(help="The settings of an update.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the runs.")],
    component: Annotated[str, typer.Option(help="Pipe to update.")] = "ner",
    arms: Annotated[
        str, typer.Option(help="Ways to update, with commas between them.")
    ] = ", ".join(ARMS),
    ratios: Annotated[
        str, typer.Option(help="Ratios of rehearsal words to annotated words.")
    ] = "1, 3",
    sizes: Annotated[
        str, typer.Option(help="Numbers of annotated docs, 'all' among them.")
    ] = "50, 200, all",
    seeds: Annotated[
        str, typer.Option(help="Seeds; the scores are averaged over them.")
    ] = "0",
    min_retention: Annotated[
        float, typer.Option(help="The best keeps this share of what another keeps.")
    ] = 0.0,
    write: Annotated[
        bool, typer.Option("--write", help="Set the best in SETTINGS_PATH.")
    ] = False,
    n_process: Annotated[
        int, typer.Option(help="Runs in parallel; -1: one for each core.")
    ] = -1,
    engine: Annotated[Engine, typer.Option(help="Where the runs are made.")] = "local",
    gpu_id: Annotated[int, typer.Option(help="GPU to train on; -1: CPU.")] = -1,
) -> None:
    """Compare ways of updating on dev, and name the settings of the best."""
    n_process = use_gpu(gpu_id, n_process, engine)
    settings = Config().from_disk(settings_path, interpolate=False)
    inputs = read_inputs(
        base_dir,
        corpus_dir,
        rehearsal,
        settings_path,
        output_dir,
        shared_settings(settings),
        component=component,
        # Runs are scored once, at their end.
        changes={"update.n_evaluations": 1},
        gpu_id=gpu_id,
    )
    ways, kind = parse(arms), kind_of(open_pipeline(base_dir), component)
    # What an arm does where there is no new label, or no second component.
    instead = {} if kind.HAS_SECOND else {"exact": "specialist"}
    if not inputs.account["new_labels"]:
        instead = dict.fromkeys(("specialist", "exact"), "rehearsed")
    ways = [instead.get(way, way) for way in ways]
    n_docs = count_docs(corpus_dir / "update" / "train")
    some = [size for size in parse(sizes, parse_size) if size < n_docs]
    runs = plan(ways, parse(ratios, float), some, parse(seeds, int))
    with start(engine, n_process) as workers:
        run_all(runs, inputs, workers)
    averages = over_seeds({r: inputs.output_dir / r.name / "result.json" for r in runs})
    table, plot = output_dir.with_suffix(".md"), output_dir.with_suffix(".svg")
    write_table(averages, table)
    draw(averages, inputs.account["labels"], n_docs, plot)
    best = best_of(averages, min_retention)
    if not best:
        msg.warn(
            f"No arm rehearses fresh text, so nothing is to be set. {table}, {plot}"
        )
        return
    found = best_settings(best, settings, inputs.account)
    lines = [f"{name} = {srsly.json_dumps(value)}" for name, value in found.items()]
    if write:
        write_settings(settings_path, found)
    msg.good(
        f"Best on dev: {best['arm']} with ratio {best['ratio']:g}. {table}, {plot}"
    )
    print("Set in" if write else "Set it in", f"{settings_path}:", "; ".join(lines))
    if inputs.account["new_labels"] and kind.HAS_SECOND:
        print(f"Run it with --vars.keep {'exact' if best['arm'] == 'exact' else 'one'}")


if __name__ == "__main__":
    run(main)
