"""What an update learns and forgets: ways to update, side by side, on real data.

Input: a folder of data sets, `BENCHMARK_DATA` or `../shared/data`, each with
`train.jsonl`, `dev.jsonl` or `raw.jsonl`. Output: the runs, a line of JSON for each,
and a table and a picture of all; a run that has a line is not made again. The dev
files of the new types and the test file of `newswire` are tests here.

    python -m benchmarks.forgetting work --set drugs --seed 0 --seed 1
"""

import math
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import chain, islice, product
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
from scripts.components import KINDS
from scripts.components.kind import read_new_labels
from scripts.configure import RATIO
from scripts.docs import read_docs, write_docs
from scripts.evaluation.cases import annotate
from scripts.evaluation.metrics import to_metrics
from scripts.extras.average import average_of
from scripts.extras.runs import ARMS, Inputs, make_run
from scripts.extras.runs import Run as Update
from scripts.files import written_whole
from scripts.scale.pipelines import use_gpu
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
    """The new annotations, and the raw text to rehearse with.

    Attributes:
        annotations: The data set with the annotations.
        raws: The data sets with the raw text.
        label: For sets in the base's own domain: the one new type. The base is trained
            without it, and its annotations are in rows that the base never saw.
    """

    annotations: str
    raws: tuple[str, ...] = ("newswire",)
    label: str = ""


# `+`: with raw text close to the new domain too.
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
AVERAGE = "average"
# Arms that an experiment lacks: gold that users lack, another recipe, two NERs.
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
    # Two NERs, unrehearsed: the specialist before the base's, or after it.
    "double, new first": {},
    "double, base first": {},
    # The average of the weights of `specialist` with seeds 0, 1 and 2.
    AVERAGE: {},
}
# The arm of an experiment that one of the others is based on. A person's annotations
# are all that the NER in front of, or behind, the base's learns from.
BASED_ON = {
    "popular": "alone",
    "joint": "rehearsed",
    "double, new first": "alone",
    "double, base first": "alone",
    AVERAGE: "specialist",
}
# Arms that need no runs with other seeds.
ONE_SEED = [arm for arm in (*ARMS, *OTHERS) if arm != AVERAGE]
DRAWN = ("drugs", "diseases", "politics", "same NORP")
COLUMNS = {
    "retention": "kept",
    "unmoved": "kept without moved",
    "old_f": "old F",
    "new_f": "new F",
    "moved": "moved",
    "forgotten": "forgotten",
    "spurious": "spurious in 1,000 rows",
    "seconds": "seconds",
}
DIGITS = {"retention": 3, "unmoved": 3, "old_f": 1, "new_f": 1, "spurious": 1}


def base_of(name: str, work: Path) -> Path:
    """Return the path of the base of a set."""
    label = SETS[name].label
    return work / f"base {label}".strip() / "model-best"


def make_base(name: str, work: Path) -> None:
    """Train the base of a set on newswire, as the demo's base is trained."""
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
    train(ROOT / "configs" / "base-ner.cfg", base.parent, overrides=paths)


def read_rows(name: str, split: str) -> list[dict[str, Any]]:
    """Read the rows of a data set."""
    return list(srsly.read_jsonl(DATA / name / f"{split}.jsonl"))


def spans_cut(
    rows: Iterable[dict[str, Any]], label: str, keep: bool
) -> list[dict[str, Any]]:
    """Keep the spans of one label, or those of all others."""
    return [
        {**row, "spans": [s for s in row["spans"] if (s["label"] == label) == keep]}
        for row in rows
    ]


def convert(
    rows: dict[str, list[dict[str, Any]]], output: Path, base: str, **options: Any
) -> None:
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
        # Gold is not changed.
        trim=False,
        **options,
    )


def rows_of(name: str, base: Language) -> dict[str, list[dict[str, Any]]]:
    """Read the rows of each split of a set."""
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
    """Check whether the spans of a row fit the tokens."""
    doc = nlp.make_doc(row["text"])
    return all(doc.char_span(s["start"], s["end"]) for s in row["spans"])


def is_right(row: dict[str, Any], nlp: Language) -> bool:
    """Check whether a pipeline finds just the spans of a row."""
    doc = nlp(row["text"])
    found = {*KINDS["ner"].to_spans(doc, KINDS["ner"].facts(doc))}
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
    rehearse_in(folder, base, raw)
    gold = {"train": read_rows("newswire", "train"), "dev": []}
    convert(gold, folder / "gold-corpus" / "docs", str(base))
    docs = read_docs(folder / "gold-corpus" / "docs" / "train", nlp.vocab)
    write_docs(docs, folder / "gold" / "00000.spacy")


def double(base: Path, specialist: Path, first: str) -> Language:
    """Add the specialist's NER to the base, before or after the base's own."""
    nlp = spacy.load(base)
    position = {"before": "ner"} if first == "new" else {"after": "ner"}
    nlp.add_pipe("ner", source=spacy.load(specialist), name="ner_new", **position)
    return nlp


def rehearse_in(folder: Path, base: Path, raw: Path, component: str = "ner") -> None:
    """Rehearse as the step does, with the annotations that `convert` wrote."""
    rehearse.main(
        base,
        folder / "annotations",
        str(raw),
        folder / "preprocess.json",
        folder / "update",
        str(folder / "rehearsal"),
        account_path=folder / "rehearse.json",
        completed_path=folder / "completed.jsonl",
        component=component,
    )


def inputs_of(
    base: Path,
    folder: Path,
    output_dir: Path,
    changes: dict[str, Any],
    gpu_id: int,
    component: str = "ner",
) -> Inputs:
    """Collect what the runs of a set have in common."""
    rehearsed = srsly.read_json(folder / "rehearse.json")
    return Inputs(
        base_dir=base,
        corpus_dir=folder,
        shards=finished_shards(folder / "rehearsal", rehearsed["manifest"]),
        settings_path=SETTINGS,
        output_dir=output_dir,
        component=component,
        account=srsly.read_json(folder / "preprocess.json"),
        new=read_new_labels(rehearsed),
        changes=changes,
        gpu_id=gpu_id,
    )


def make(update: Update, arm: str, base: Path, folder: Path, gpu_id: int) -> Language:
    """Make the pipeline of a run."""
    runs = folder / "runs"
    if arm.startswith("double"):
        specialist = runs / update.name / "model-best"
        return double(base, specialist, arm.split()[1])
    if arm == AVERAGE:
        updates = (replace(update, seed=seed) for seed in range(3))
        paths = [runs / each.name / "model-best" for each in updates]
        return average_of(paths, "ner")
    changes = {"update.n_evaluations": 1, **OTHERS.get(arm, {})}
    if arm == "joint":
        # The new types are gold there: no specialist has to agree.
        changes["paths.rehearsal"] = str(folder / "gold")
    output_dir = runs / arm if arm in OTHERS else runs
    inputs = inputs_of(base, folder, output_dir, changes, gpu_id)
    make_run(update, inputs)
    return spacy.load(inputs.output_dir / update.name / "model-best")


def run_arm(run: Run, work: Path, gpu_id: int) -> dict[str, Any]:
    """Make one run, score it, and return its line of results."""
    start = time.perf_counter()
    name, arm, size, seed = run
    folder, base = work / name, base_of(name, work)
    own = BASED_ON.get(arm, arm)
    update = Update(own, ARMS[own].get(RATIO) if own in ARMS else None, size, seed)
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        updated = make(update, arm, base, folder, gpu_id)
    nlp = spacy.load(base)
    cases = {
        test: annotate((nlp, updated), read_docs(folder / "update" / split), "ner")
        for test, split in (("new", "test"), ("old", "old_test"))
    }
    labels = {"old": nlp.pipe_labels["ner"]}
    labels["new"] = {fact[-1] for case in cases["new"] for fact in case.gold}
    metrics = to_metrics(cases, labels, {*chain(*nlp.pipe_labels.values())})
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
        "right": sum(case.gold == case.found["updated"] for case in cases["new"]),
        "rows": len(cases["new"]),
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


def note_all(
    lines: Iterable[dict[str, Any]], results: Path, write_table: Callable[[Path], None]
) -> None:
    """Note each line of results as soon as it is there, and write the table again."""
    for line in lines:
        with results.open("a", encoding="utf-8") as file:
            file.write(f"{srsly.json_dumps(line)}\n")
        write_table(results)
        msg.good(str(line))


def write_table(results: Path) -> None:
    """Write the table of all results: the means over the seeds, and the spread."""
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
    """Draw old F kept against new F learned: a plot for each set."""
    figure = Figure(figsize=(3.2 * len(DRAWN), 3.6), layout="constrained")
    plots = dict(zip(DRAWN, figure.subplots(1, len(DRAWN), sharey=True), strict=True))
    for number, arm in enumerate([*ARMS, *OTHERS]):
        for name, plot in plots.items():
            if lines := runs.get((name, arm, 0)):
                x, y = (mean(r[key] for r in lines) for key in ("retention", "new_f"))
                looks = {"marker": "o", "markersize": 6}
                if arm == "specialist":
                    # Drawn above the others, which are close to it.
                    looks = {"marker": "*", "markersize": 13, "zorder": 3}
                color = f"C{number}"
                plot.plot(100 * x, y, color=color, linestyle="", label=arm, **looks)
                plot.set(title=name, xlabel="old F kept, %")
    plots[DRAWN[0]].set_ylabel("new F learned")
    handles, labels = plots[DRAWN[0]].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    # The same results give the same bytes, and text stays text.
    rc = {"svg.hashsalt": path.name, "svg.fonttype": "none"}
    with written_whole(path) as part, rc_context(rc):
        figure.savefig(part, format="svg", metadata={"Date": None})


def spread(
    lines: list[dict[str, Any]], key: str, digits_of: dict[str, int] = DIGITS
) -> str:
    """Format the mean of a figure over the seeds, with half of its range."""
    values = [line[key] for line in lines]
    digits = digits_of.get(key, 0)
    middle, half = mean(values), (max(values) - min(values)) / 2
    text = f"{middle:.{digits}f}"
    return text if len(values) == 1 else f"{text} ± {half:.{digits}f}"


def main(
    work: Annotated[Path, typer.Argument(help="Folder for what the runs make.")],
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="Set to update with; default: all."),
    ] = None,
    arms: Annotated[
        list[str] | None,
        typer.Option("--arm", help="Way to update; default: all but average."),
    ] = None,
    sizes: Annotated[
        list[int] | None,
        typer.Option("--size", help="Number of annotated rows; default: 0, all rows."),
    ] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", help="Seed of the runs; default: 0.")
    ] = None,
    jobs: Annotated[
        int, typer.Option(help="Runs in parallel; each takes one core.")
    ] = 2,
    gpu_id: Annotated[int, typer.Option(help="GPU to train on; -1: CPU.")] = -1,
) -> None:
    """Run each arm on each set with each seed, and score what it learned and kept."""
    work = work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    results = work / RESULTS
    every = product(seeds or [0], sets or SETS, sizes or [0], arms or ONE_SEED)
    runs = ((name, arm, size, seed) for seed, name, size, arm in every)
    todo = missing(runs, results)
    for name in dict.fromkeys(run[0] for run in todo):
        make_base(name, work)
        make_set(name, work)
    make_one = partial(run_arm, work=work, gpu_id=gpu_id)
    with start("local", use_gpu(gpu_id, jobs)) as workers:
        # Other arms need them: the specialists, and the NERs of two in a row.
        first = ("alone", "completed")
        for is_first in (True, False):
            some = [run for run in todo if (run[1] in first) is is_first]
            note_all(workers.map(make_one, some), results, write_table)


if __name__ == "__main__":
    typer.run(main)
