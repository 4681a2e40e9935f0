"""What an update of a tagger or a parser learns and forgets, on a treebank.

Input: a folder of data sets, `BENCHMARK_DATA` or `../shared/data`, with UD English EWT
in `treebank`. Output: the runs, a line of JSON for each, and a table of all; a run that
has a line is not made again. The base is trained here, on what it is to know: no
sentence with the tag MD and none of the genre `reviews`, and possessives (nmod:poss)
are nmod.

    python -m benchmarks.treebank work --task "tag MD" --arm rehearsed --seed 0
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import date
from functools import cache, partial
from itertools import chain, product
from pathlib import Path
from random import Random
from typing import Annotated, Any, NamedTuple

import spacy
import srsly
import typer
from spacy.cli.init_config import init_config
from spacy.cli.train import train
from spacy.scorer import PRFScore
from spacy.tokens import Doc
from wasabi import MarkdownRenderer

from benchmarks.forgetting import (
    DATA,
    convert,
    inputs_of,
    note_all,
    rehearse_in,
    spread,
)
from scripts.annotations.align import Options
from scripts.annotations.convert import convert_file
from scripts.annotations.formats import conllu
from scripts.components import kind_of, labels_of
from scripts.configure import RATIO
from scripts.docs import write_docs
from scripts.evaluation.cases import Case, annotate
from scripts.evaluation.speed import measure_speed
from scripts.extras.runs import ARMS, make_run
from scripts.extras.runs import Run as Update
from scripts.scale.start import start

RESULTS = "treebank.jsonl"
GENRE, N_ANNOTATED = "reviews", 400
PIPES = ["tagger", "morphologizer", "parser"]
# New tags for plural determiners: `these`, and `the` before a plural noun.
DTP, DTC, PLURAL = "DTP", "DTC", ("NNS", "NNPS")
POSS = "nmod:poss"
# The arms of an experiment, and the default with the last layers trained alone.
LAST = "last layers"
WAYS = ("alone", "rehearsed", "specialist", LAST)
COLUMNS = {
    "old": "old labels: accuracy before",
    "kept": "after",
    "retention": "after ÷ before",
    "new": "new label: F (new genre: accuracy)",
    "before": "before",
    "speed": "speed",
}
DIGITS = {"old": 1, "kept": 1, "retention": 4, "new": 1, "before": 1, "speed": 2}
Row = dict[str, Any]


class Task(NamedTuple):
    """What the base is taught: one label, or everything in texts of another genre.

    Attributes:
        component: The pipe that learns it.
        label: The new label; empty: all labels, in a genre that the base has not seen.
    """

    component: str
    label: str = ""


TASKS = {
    "new tag DTP: these": Task("tagger", DTP),
    "new tag DTC: the dogs": Task("tagger", DTC),
    "tag MD": Task("tagger", "MD"),
    "relation nmod:poss": Task("parser", POSS),
    "genre, tagger": Task("tagger"),
    "genre, parser": Task("parser"),
}


@cache
def read_split(split: str) -> list[Row]:
    """Read the sentences of a split, with the new tags where they fit."""
    path = DATA / "treebank" / f"{split}.conllu"
    rows = [row.value for row in conllu.read(path, path.read_bytes())]
    for row in rows:
        # Their ids begin with the genre.
        row["genre"] = row["doc_id"].partition("-")[0]
        for token in row["tokens"]:
            head = row["tokens"][token.get("head", 0)]
            if token.get("tag") == "DT":
                token[DTP] = "Number=Plur" in token.get("morph", "")
                token[DTC] = head.get("tag") in PLURAL
    return rows


def has(row: Row, label: str) -> bool:
    """Check whether a sentence has a label."""
    return any(label_of(token, label) == label for token in row["tokens"])


def label_of(token: Row, label: str) -> str | None:
    """Return the tag or relation of a token that a label would replace."""
    if token.get(label):
        return label
    return token.get("dep" if label == POSS else "tag")


def known_to_base(row: Row) -> bool:
    """Check whether the base may have seen a sentence."""
    return row["genre"] != GENRE and not has(row, "MD")


def marked(row: Row, label: str, component: str) -> Row:
    """Return a sentence in which a person marked one label, or all of them."""
    keys = {"tagger": ("tag",), "parser": ("head", "dep")}[component]
    tokens = []
    for token in row["tokens"]:
        kept = {"start": token["start"], "end": token["end"]}
        if not label or label_of(token, label) == label:
            kept |= {key: token[key] for key in keys if key in token}
        if token.get(label):
            kept["tag"] = label
        tokens.append(kept)
    return {"text": row["text"], "tokens": tokens}


def with_all(row: Row, label: str) -> Row:
    """Return a sentence as gold: with all tags or relations, the new one among them."""
    tokens = [dict(token) for token in row["tokens"]]
    for token in tokens:
        if token.get(label):
            token["tag"] = label
    return {"text": row["text"], "tokens": tokens}


def make_base(work: Path) -> Path:
    """Train the base on what it is to know, if that is not done."""
    path = work / "base"
    if path.exists():
        return path / "model-best"
    for split in ("train", "dev"):
        rows = [with_all(r, "") for r in read_split(split) if known_to_base(r)]
        for token in chain.from_iterable(row["tokens"] for row in rows):
            token["dep"] = "nmod" if token.get("dep") == POSS else token.get("dep")
        srsly.write_jsonl(work / f"base_{split}.jsonl", rows)
        write_docs(all_layers(work / f"base_{split}.jsonl"), work / f"{split}.spacy")
    config = init_config(lang="en", pipeline=PIPES, optimize="efficiency", gpu=False)
    config["paths"] |= {name: f"{work / name}.spacy" for name in ("train", "dev")}
    config["training"] |= {"max_steps": 2500, "eval_frequency": 500, "patience": 0}
    config.to_disk(work / "base.cfg")
    train(work / "base.cfg", path)
    return path / "model-best"


def all_layers(path: Path) -> Iterator[Doc]:
    """Convert sentences to docs with tags, features and relations."""
    nlp = spacy.blank("en")
    docs, *others = (
        {doc.text: doc for doc in convert_file(str(path), nlp, Options(component=c))[0]}
        for c in PIPES
    )
    # A sentence may be refused for one of them.
    for text in sorted(docs.keys() & others[0].keys() & others[1].keys()):
        for name, layer in zip(PIPES[1:], others, strict=True):
            kind = kind_of(nlp, name)
            kind.set_facts(docs[text], kind.facts(layer[text]))
        yield docs[text]


def make_set(name: str, base_dir: Path, folder: Path) -> None:
    """Prepare what all arms of a task share, as preprocess and rehearse do."""
    if (folder / "rehearse.json").exists():
        return
    task, rows = TASKS[name], read_split("train")
    mine = [row for row in rows if (row["genre"] == GENRE) == (not task.label)]
    some = [row for row in mine if not task.label or has(row, task.label)]
    Random(0).shuffle(some)
    annotated = some[:N_ANNOTATED]
    new = [marked(row, task.label, task.component) for row in annotated]
    folder.mkdir(parents=True, exist_ok=True)
    # The benchmark scores on the test of the treebank, and a person has no dev set.
    sets = {"train": new, "dev": [], "test": new[-40:]}
    options = {"component": task.component, "max_rejected": 1.0}
    convert(sets, folder / "annotations", str(base_dir), **options)
    texts = {row["text"] for row in annotated}
    raw = [{"text": r["text"]} for r in rows if r["genre"] != GENRE]
    raw = [row for row in raw if row["text"] not in texts]
    srsly.write_jsonl(folder / "raw.jsonl", raw)
    rehearse_in(folder, base_dir, folder / "raw.jsonl", task.component)


def cases_of(
    rows: list[Row], path: Path, task: Task, base_dir: Path, updated_dir: Path
) -> list[Case]:
    """Annotate gold sentences with both pipelines."""
    both = spacy.load(base_dir), spacy.load(updated_dir)
    srsly.write_jsonl(path, [with_all(r, task.label) for r in rows])
    docs, *_ = convert_file(str(path), both[0], Options(component=task.component))
    return annotate(both, docs, task.component)


def accuracy(cases: list[Case], counts: Callable[[str], bool]) -> dict[str, float]:
    """Return the share of the gold facts with certain labels that each finds."""
    gold = [{fact for fact in case.gold if counts(fact[-1])} for case in cases]
    n_gold = sum(map(len, gold))
    return {
        who: 100
        * sum(len(g & c.found[who]) for g, c in zip(gold, cases, strict=True))
        / n_gold
        for who in ("base", "updated")
    }


def f_score(cases: list[Case], label: str) -> dict[str, float]:
    """Return F of one label for both pipelines, on the tokens that gold annotates."""
    scores = {"base": PRFScore(), "updated": PRFScore()}
    for case in cases:
        gold, found = case.judged({label})
        for who, score in scores.items():
            score.score_set(found[who], gold)
    return {who: 100 * score.fscore for who, score in scores.items()}


def score_run(run: tuple[str, str, int, int], work: Path, base_dir: Path) -> Row:
    """Make one run, score it, and return its line of results."""
    name, arm, size, seed = run
    task, folder = TASKS[name], work / name
    own = arm if arm != LAST else "specialist" if task.label else "rehearsed"
    update = Update(own, ARMS[own].get(RATIO), size, seed)
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        changes = {"update.n_evaluations": 1, "update.own_tok2vec": arm != LAST}
        how = (changes, -1, task.component)
        runs = folder / ("runs last" if arm == LAST else "runs")
        inputs = inputs_of(base_dir, folder, runs, *how)
        wanted = [update]
        if own == "specialist" and task.label:
            wanted = [update.specialist, update]
        for each in wanted:
            if not (inputs.output_dir / each.name).exists():
                make_run(each, inputs)
        updated_dir = inputs.output_dir / update.name / "model-best"
        test = read_split("test")
        old = [row for row in test if row["genre"] != GENRE]
        fresh = old if task.label else [row for row in test if row["genre"] == GENRE]
        paths = (folder / f"{update.name}.jsonl", task, base_dir, updated_dir)
        cases = cases_of(old, *paths)
        known = {*labels_of(spacy.load(base_dir), task.component)}
        kept = accuracy(cases, lambda label: label in known and label != task.label)
        if task.label:
            learned = f_score(cases, task.label)
        else:
            learned = accuracy(cases_of(fresh, *paths), lambda label: True)
        texts = [row["text"] for row in old[:300]]
        pipelines = spacy.load(base_dir), spacy.load(updated_dir)
        speed = measure_speed(*pipelines, texts)["ratio"]
    return {
        "task": name,
        "arm": arm,
        "size": size,
        "seed": seed,
        "old": kept["base"],
        "kept": kept["updated"],
        "retention": kept["updated"] / kept["base"],
        "new": learned["updated"],
        "before": learned["base"],
        "speed": speed,
        "date": date.today().isoformat(),
        "spacy": spacy.__version__,
    }


def write_table(results: Path) -> None:
    """Write the table of all results: the means over the seeds, and the spread."""
    runs = defaultdict(list)
    for line in srsly.read_jsonl(results):
        runs[line["task"], line["arm"], line["size"]].append(line)
    rows = []
    for run in sorted(runs, key=lambda r: (r[0], r[2] or N_ANNOTATED, r[1])):
        cells = [spread(runs[run], column, DIGITS) for column in COLUMNS]
        size = str(run[2] or N_ANNOTATED)
        rows.append((run[0], size, run[1], str(len(runs[run])), *cells))
    header = ("task", "annotated sentences", "arm", "seeds", *COLUMNS.values())
    md = MarkdownRenderer()
    md.add(md.table(rows, header))
    results.with_suffix(".md").write_text(md.text + "\n", encoding="utf-8")


def main(
    work: Annotated[Path, typer.Argument(help="Folder for what the runs make.")],
    base: Annotated[
        str, typer.Option(help="Pipeline to update; default: the one trained here.")
    ] = "",
    tasks: Annotated[
        list[str] | None, typer.Option("--task", help="Task; default: all.")
    ] = None,
    arms: Annotated[
        list[str] | None, typer.Option("--arm", help="Way to update; default: all.")
    ] = None,
    sizes: Annotated[
        list[int] | None, typer.Option("--size", help="Annotated sentences; 0: all.")
    ] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", help="Seed of the runs; default: 0.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Runs in parallel, one a core.")] = 2,
) -> None:
    """Update a tagger or parser in each way for each task, and score the runs."""
    work = work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    if base and not (work / "base").exists():
        (work / "base").mkdir()
        spacy.load(base).to_disk(work / "base" / "model-best")
    base_dir, results = make_base(work), work / RESULTS
    lines = srsly.read_jsonl(results) if results.exists() else []
    done = {
        tuple(line[key] for key in ("task", "arm", "size", "seed")) for line in lines
    }
    every = (
        (task, arm, size, seed)
        for seed, task, arm, size in product(
            seeds or [0], tasks or TASKS, arms or WAYS, sizes or [0]
        )
    )
    # Without a new label there is no specialist.
    fit = [run for run in every if TASKS[run[0]].label or run[1] != "specialist"]
    todo = [run for run in fit if run not in done]
    for name in dict.fromkeys(run[0] for run in todo):
        make_set(name, base_dir, work / name)
    with start("local", jobs) as workers:
        run_one = partial(score_run, work=work, base_dir=base_dir)
        note_all(workers.map(run_one, todo), results, write_table)


if __name__ == "__main__":
    typer.run(main)
