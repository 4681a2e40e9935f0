"""What an update learns and forgets: ways of doing it, side by side, on real data.

Input: a folder of data sets, `BENCHMARK_DATA` or `../shared/data`, each with
`train.jsonl`, `dev.jsonl` or `raw.jsonl`. Output: what the runs make, a line of JSON
for each, and a table and a picture of all; runs that have a line are not made again.
The dev files of the new types and the test file of `newswire` are tests here.

Run as: python -m benchmarks.forgetting work --set drugs --seed 0 --seed 1
"""

import math
import os
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import islice, product
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import spacy
import srsly
import typer
from matplotlib import rc_context
from matplotlib.figure import Figure
from spacy.cli.train import train
from spacy.language import Language
from wasabi import MarkdownRenderer, msg

from scripts import preprocess, rehearse
from scripts.docs import read_docs, write_docs
from scripts.evaluation.metrics import new_tallies, run_tests, to_metrics
from scripts.extras.average import mean_of
from scripts.extras.trials.pool import run_all
from scripts.extras.trials.trial import ARMS, ONE_LOOK, Trial, specialist_of, update
from scripts.files import written_whole
from scripts.pipelines import use_gpu
from scripts.recipe import RATIO
from scripts.scale.shards import finished_shards
from scripts.scale.start import start

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("BENCHMARK_DATA", ROOT.parent / "shared" / "data"))
SETTINGS = ROOT / "configs" / "update.cfg"
RESULTS = "forgetting.jsonl"
N_SAME_DOMAIN, N_CORRECTIONS = 1000, 10
# Set, arm, annotated rows (0: all) and seed.
Run = tuple[str, str, int, int]


@dataclass(frozen=True)
class Scenario:
    """New annotations, and the raw text to rehearse with.

    Attributes:
        annotations: A data set.
        raws: Data sets.
        label: In the same domain: the one type that the base never saw, annotated
            in rows that are not the base's.
    """

    annotations: str
    raws: tuple[str, ...] = ("newswire",)
    label: str = ""


# `+`: raw text near the new domain.
SETS = {
    "drugs": Scenario("drugs"),
    "drugs+": Scenario("drugs", ("newswire", "reddit")),
    "diseases": Scenario("diseases"),
    "diseases+": Scenario("diseases", ("newswire", "wiki")),
    "politics": Scenario("politics"),
    "politics+": Scenario("politics", ("newswire", "wiki")),
    "same NORP": Scenario("newswire", label="NORP"),
    "same DATE": Scenario("newswire", label="DATE"),
    "same FAC": Scenario("newswire", label="FAC"),
    "tweets": Scenario("tweets"),
    "corrections": Scenario("newswire"),
}
MEAN = "mean of three"
# What is no trial of an experiment: gold that users lack, another recipe, two NERs.
OTHERS: dict[str, dict[str, Any]] = {
    # The recipe of the popular demo project: 500 steps, the last weights.
    "popular": {
        "update.passes": 0,
        "update.min_steps": 500,
        "update.min_batch_words": 1000,
        "training.optimizer.use_averages": False,
    },
    # Gold of the base's corpus in place of rehearsal: the ceiling.
    "joint": {},
    # Two NER components: the specialist before the base's, or after it.
    "double, new first": {},
    "double, base first": {},
    # The mean of the weights of two teachers with seeds 0, 1 and 2.
    MEAN: {},
}
# The arm whose way, or whose runs, one of the others takes.
OWN = {"popular": "naive", "joint": "rehearsed", MEAN: "two teachers"}
# What needs no runs of other seeds.
ONE_SEED = [arm for arm in (*ARMS, *OTHERS) if arm != MEAN]
DRAWN = ("drugs", "diseases", "politics", "same NORP")
COLUMNS = {
    "retention": "kept",
    "unmoved": "kept but for moved",
    "old_f": "old F",
    "new_f": "new F",
    "moved": "moved",
    "forgotten": "forgotten",
    "spurious": "spurious in 1,000 rows",
    "seconds": "seconds",
}
DIGITS = {"retention": 3, "unmoved": 3, "old_f": 1, "new_f": 1, "spurious": 1}


def base_of(name: str, work: Path) -> Path:
    """Give the path of a set's base."""
    label = SETS[name].label
    return work / f"base {label}".strip() / "model-best"


def make_base(name: str, work: Path) -> None:
    """Train a set's base on newswire as the template trains its demo's base."""
    base, label = base_of(name, work), SETS[name].label
    if base.exists():
        return
    folder = base.parent / "corpus"
    rows = {split: read_rows("newswire", split) for split in ("train", "dev")}
    if label:
        rows["train"] = rows["train"][:-N_SAME_DOMAIN]
        rows = {key: spans_cut(value, label, False) for key, value in rows.items()}
    convert(rows, folder, "blank:en")
    paths = {f"paths.{n}": str(folder / n) for n in ("train", "dev")}
    train(ROOT / "configs" / "base.cfg", base.parent, overrides=paths)


def read_rows(name: str, split: str) -> list[dict[str, Any]]:
    """Read the rows of a data set."""
    return list(srsly.read_jsonl(DATA / name / f"{split}.jsonl"))


def spans_cut(
    rows: Iterable[dict[str, Any]], label: str, keep: bool
) -> list[dict[str, Any]]:
    """Keep the spans of one label alone, or all others."""
    return [
        {**row, "spans": [s for s in row["spans"] if (s["label"] == label) == keep]}
        for row in rows
    ]


def convert(rows: dict[str, list[dict[str, Any]]], output: Path, base: str) -> None:
    """Convert rows as the step does; a split of no rows is split off train."""
    output.mkdir(parents=True, exist_ok=True)
    files = {}
    for split, part in rows.items():
        path = output.parent / f"{split}.jsonl"
        srsly.write_jsonl(path, part)
        files[split] = str(path) if part else ""
    preprocess.main(
        files.pop("train"),
        output,
        base=base,
        **files,
        account_path=output.parent / "preprocess.json",
        rejected_path=output.parent / "rejected.jsonl",
        # Gold stands as it was made.
        trim=False,
    )


def rows_of(name: str, base: Language) -> dict[str, list[dict[str, Any]]]:
    """Give the rows of each split of a set."""
    scenario = SETS[name]
    old_test = read_rows("newswire", "test")
    if label := scenario.label:
        new = read_rows("newswire", "train")[-N_SAME_DOMAIN:]
        return {
            "train": spans_cut(new, label, True),
            "dev": [],
            "test": spans_cut(old_test, label, True),
            "old_test": spans_cut(old_test, label, False),
        }
    if name == "corrections":
        rows = (row for row in read_rows("newswire", "dev") if fits(row, base))
        ten = list(islice((r for r in rows if not is_right(r, base)), N_CORRECTIONS))
        return {"train": ten, "dev": ten, "test": ten, "old_test": old_test}
    new, test = (read_rows(scenario.annotations, split) for split in ("train", "dev"))
    return {"train": new, "dev": [], "test": test, "old_test": old_test}


def fits(row: dict[str, Any], nlp: Language) -> bool:
    """Say whether the spans of a row fit the tokens."""
    doc = nlp.make_doc(row["text"])
    return all(doc.char_span(s["start"], s["end"]) for s in row["spans"])


def is_right(row: dict[str, Any], nlp: Language) -> bool:
    """Say whether a pipeline finds just the spans of a row."""
    found = {(e.start_char, e.end_char, e.label_) for e in nlp(row["text"]).ents}
    return found == {(s["start"], s["end"], s["label"]) for s in row["spans"]}


def make_set(name: str, work: Path) -> None:
    """Prepare what all arms of a set share, as preprocess and rehearse do."""
    folder, base = work / name, base_of(name, work)
    if (folder / "gold").exists():
        return
    nlp = spacy.load(base)
    convert(rows_of(name, nlp), folder / "annotations", str(base))
    raw = folder / "raw"
    raw.mkdir(exist_ok=True)
    for source in SETS[name].raws:
        text = (DATA / source / "raw.jsonl").read_bytes()
        (raw / f"{source}.jsonl").write_bytes(text)
    rehearse.main(
        base,
        folder / "annotations",
        str(raw),
        folder / "preprocess.json",
        folder / "update",
        str(folder / "rehearsal"),
        account_path=folder / "rehearse.json",
        completed_path=folder / "completed.jsonl",
    )
    gold = {"train": read_rows("newswire", "train"), "dev": []}
    convert(gold, folder / "gold-corpus" / "docs", str(base))
    docs = read_docs(folder / "gold-corpus" / "docs" / "train", nlp.vocab)
    write_docs(docs, folder / "gold" / "00000.spacy")


def double(base: Path, specialist: Path, first: str) -> Language:
    """Put the specialist's NER beside the base's, before or after it."""
    nlp = spacy.load(base)
    place = {"before": "ner"} if first == "new" else {"after": "ner"}
    nlp.add_pipe("ner", source=spacy.load(specialist), name="ner_new", **place)
    return nlp


def make(trial: Trial, arm: str, base: Path, folder: Path, gpu_id: int) -> Language:
    """Make the pipeline of a run."""
    runs = folder / "runs"
    if arm.startswith("double"):
        specialist = runs / specialist_of(trial).name / "model-best"
        return double(base, specialist, arm.split()[1])
    if arm == MEAN:
        trials = (replace(trial, seed=seed) for seed in range(3))
        return mean_of([runs / each.name / "model-best" for each in trials])
    changes = {**ONE_LOOK, **OTHERS.get(arm, {})}
    if arm == "joint":
        changes["paths.rehearsal"] = str(folder / "gold")
        # Gold's new types are nobody's guess.
        changes["corpora.train.new_labels"] = []
    output = runs / arm if arm in OTHERS else runs
    manifest = srsly.read_json(folder / "rehearse.json")["manifest"]
    shards = finished_shards(folder / "rehearsal", manifest)
    return update(trial, base, folder, shards, SETTINGS, output, changes, gpu_id)


def run_arm(run: Run, work: Path, gpu_id: int) -> dict[str, Any]:
    """Make one run, score it, and give its line of results."""
    start = time.perf_counter()
    name, arm, size, seed = run
    folder, base = work / name, base_of(name, work)
    own = OWN.get(arm, arm)
    trial = Trial(own, ARMS[own].get(RATIO) if own in ARMS else None, size, seed)
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        updated = make(trial, arm, base, folder, gpu_id)
    nlp = spacy.load(base)
    test, old_test = (
        list(read_docs(folder / "update" / split, nlp.vocab))
        for split in ("test", "old_test")
    )
    labels = {ent.label_ for doc in test for ent in doc.ents}
    tallies = new_tallies(nlp.pipe_labels, labels, nlp.pipe_labels["ner"])
    for _ in run_tests(lambda: (nlp, updated), {"new": test, "old": old_test}, tallies):
        pass
    metrics = to_metrics(tallies)
    by_label = [both["updated"]["f"] for both in metrics["new"]["labels"].values()]
    return {
        "set": name,
        "arm": arm,
        "size": size,
        "seed": seed,
        "retention": round(metrics["retention"], 4),
        "unmoved": round(metrics["retention_unmoved"], 4),
        "old_f": round(100 * metrics["old"]["updated"]["f"], 2),
        "new_f": round(100 * sum(by_label) / len(by_label), 2),
        "new_micro": {k: round(v, 4) for k, v in metrics["new"]["updated"].items()},
        **metrics["fates"],
        "right": sum(
            doc.to_json()["ents"] == updated(doc.text).to_json()["ents"] for doc in test
        ),
        "rows": len(test),
        "spurious": round(metrics["spurious"], 1),
        "seconds": round(time.perf_counter() - start),
        "date": date.today().isoformat(),
        "spacy": spacy.__version__,
    }


def missing(runs: Iterable[Run], results: Path) -> list[Run]:
    """List the runs that have no line of results yet."""
    lines = srsly.read_jsonl(results) if results.exists() else []
    done = {(line["set"], line["arm"], line["size"], line["seed"]) for line in lines}
    return [run for run in runs if run not in done]


def write_table(results: Path) -> None:
    """Write all results as a table in Markdown: the mean over seeds, and the spread."""
    runs = defaultdict(list)
    for line in srsly.read_jsonl(results):
        runs[line["set"], line["arm"], line["size"]].append(line)
    order = [*product(SETS, [*ARMS, *OTHERS])]
    rows = []
    for run in sorted(runs, key=lambda run: (order.index(run[:2]), run[2] or math.inf)):
        name, arm, size = run
        cells = [spread(runs[run], column) for column in COLUMNS]
        rows.append((name, str(size or "all"), arm, str(len(runs[run])), *cells))
    header = ("set", "annotated rows", "arm", "seeds", *COLUMNS.values())
    md = MarkdownRenderer()
    md.add(md.table(rows, header))
    results.with_suffix(".md").write_text(md.text + "\n", encoding="utf-8")
    draw(runs, results.with_suffix(".svg"))


def draw(runs: dict[tuple[str, str, int], list[dict[str, Any]]], path: Path) -> None:
    """Draw old F kept against new F learned: a plot a set, a point an arm."""
    figure = Figure(figsize=(3.2 * len(DRAWN), 3.6), layout="constrained")
    plots = dict(zip(DRAWN, figure.subplots(1, len(DRAWN), sharey=True), strict=True))
    for number, arm in enumerate([*ARMS, *OTHERS]):
        for name, plot in plots.items():
            if lines := runs.get((name, arm, 0)):
                x, y = (mean(r[key] for r in lines) for key in ("retention", "new_f"))
                looks = {"marker": "o", "markersize": 6}
                if arm == "two teachers":
                    # Above the others, which crowd around it.
                    looks = {"marker": "*", "markersize": 13, "zorder": 3}
                color = f"C{number}"
                plot.plot(100 * x, y, color=color, linestyle="", label=arm, **looks)
                plot.set(title=name, xlabel="old F kept, %")
    plots[DRAWN[0]].set_ylabel("new F learned")
    handles, labels = plots[DRAWN[0]].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    # The same results give the same bytes, and text stays text.
    rc = {"svg.hashsalt": path.name, "svg.fonttype": "none"}
    with written_whole(path) as beside, rc_context(rc):
        figure.savefig(beside, format="svg", metadata={"Date": None})


def spread(lines: list[dict[str, Any]], key: str) -> str:
    """Give the mean of a figure over the seeds, and its range where there are more."""
    values = [line[key] for line in lines]
    digits = DIGITS.get(key, 0)
    middle, half = mean(values), (max(values) - min(values)) / 2
    text = f"{middle:.{digits}f}"
    return text if len(values) == 1 else f"{text} ± {half:.{digits}f}"


def main(
    work: Annotated[Path, typer.Argument(help="Folder for what the runs make.")],
    sets: Annotated[list[str] | None, typer.Option("--set")] = None,
    arms: Annotated[list[str] | None, typer.Option("--arm")] = None,
    sizes: Annotated[list[int] | None, typer.Option("--size", help="0: all.")] = None,
    seeds: Annotated[list[int] | None, typer.Option("--seed")] = None,
    jobs: Annotated[int, typer.Option(help="Runs at a time; one a core.")] = 2,
    gpu_id: Annotated[int, typer.Option(help="GPU to train on; -1: CPU.")] = -1,
) -> None:
    """Run each arm on each set with each seed, and note what it learned and kept."""
    work = work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    results = work / RESULTS
    every = product(seeds or [0], sets or SETS, sizes or [0], arms or ONE_SEED)
    runs = ((name, arm, size, seed) for seed, name, size, arm in every)
    todo = missing(runs, results)
    for name in dict.fromkeys(run[0] for run in todo):
        make_base(name, work)
        make_set(name, work)
    # A specialist is the second teacher of one arm and half of another.
    run = partial(run_arm, work=work, gpu_id=gpu_id)
    with start("local", use_gpu(gpu_id, jobs)) as workers:
        ending = run_all(todo, run, results, workers, lambda run: run[1] == "naive")
        for _, line in ending:
            write_table(results)
            msg.good(str(line))


if __name__ == "__main__":
    typer.run(main)
