"""What an update of a pipeline that people have learns, changes and forgets.

Input: an installed pipeline such as en_core_web_sm, and a folder of data sets,
`BENCHMARK_DATA` or `../shared/data`. Output: the runs, a line of JSON for each, and a
table of all; a run that has a line is not made again. There is no gold of the old
types to train or choose by: the newswire gold, with its labels mapped, only scores.

    python -m benchmarks.real work --set drugs --arm exact --seed 0 --seed 1
"""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import redirect_stdout
from datetime import date
from functools import partial
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.scorer import PRFScore
from spacy.tokens import Doc
from wasabi import MarkdownRenderer

from benchmarks.forgetting import (
    convert,
    double,
    inputs_of,
    note_all,
    read_rows,
    rehearse_in,
    spread,
)
from benchmarks.french import make_rows
from scripts.components import KINDS, labels_of
from scripts.configure import RATIO, SPECIALIST
from scripts.docs import read_docs
from scripts.evaluation.cases import add_sure, annotate
from scripts.evaluation.metrics import count_changed
from scripts.evaluation.speed import measure_speed
from scripts.extras.runs import ARMS, make_run
from scripts.extras.runs import Run as Update
from scripts.scale.start import start

RESULTS = "real.jsonl"
# The sets of raw text; the last comments are left out of it, to measure on.
RAW = {"drugs": ("newswire", "reddit"), "diseases": ("newswire", "reddit")}
RAW |= {"politics": ("wiki",), "40 corrections": ("newswire", "reddit")}
RAW |= {"400 corrections": ("newswire", "reddit"), "french": ("french",)}
N_UNSEEN = 1000
# The arms of an experiment, and the specialist's NER before the base's, unrehearsed.
DOUBLE = "double"
WAYS = ("alone", "completed", DOUBLE, "exact", "specialist", "rehearsed")
# OntoNotes' labels as the newswire gold has them; it has no others.
MAPPED = {"GPE": "LOC", "EVENT": "MISC", "WORK_OF_ART": "MISC", "LAW": "MISC"}
MAPPED |= {"LANGUAGE": "MISC"}
GOLD = {"LOC", "PERSON", "ORG", "NORP", "DATE", "MISC", "MONEY", "FAC", "PRODUCT"}
COLUMNS = {
    "new_f": "new F",
    "right": "corrections right",
    "kept": "kept: gold of old types",
    "changed": "changed in news and comments, %",
    "sure": "changed of those the base is sure of, %",
    "moved": "moved to a new type, %",
    "spurious": "new types in 1,000 texts",
    "speed": "speed",
}
DIGITS = {"new_f": 1, "kept": 3, "changed": 2, "sure": 2, "moved": 2, "speed": 2}


def read(name: str, split: str) -> list[dict[str, Any]]:
    """Read the rows of a data set; the French one is made here."""
    return dict(make_rows())[split] if name == "french" else read_rows(name, split)


def unseen_texts(name: str) -> list[str]:
    """Read news and comments that no run trains on, or French sentences."""
    if name == "french":
        return [row["text"] for row in read(name, "unseen")]
    news = [row["text"] for row in read_rows("newswire", "test")[:N_UNSEEN]]
    return news + [row["text"] for row in read_rows("reddit", "raw")[-N_UNSEEN:]]


def to_gold(facts: Iterable[tuple[int, int, str]]) -> set[tuple[int, int, str]]:
    """Map entities to the labels of the newswire gold, without what it lacks."""
    mapped = {(start, end, MAPPED.get(name, name)) for start, end, name in facts}
    return {fact for fact in mapped if fact[-1] in GOLD}


def corrections(
    nlp: Language, n_rows: int, labels: Collection[str] = ("PERSON", "ORG")
) -> list[dict[str, Any]]:
    """Correct what a pipeline finds in news by gold: the first rows it gets wrong.

    Only people and organizations, which both name alike.
    """
    rows = []
    for row in read_rows("newswire", "train"):
        doc = nlp(row["text"])
        gold = [s for s in row["spans"] if s["label"] in labels]
        if not all(doc.char_span(s["start"], s["end"]) for s in gold):
            continue
        spans = KINDS["ner"].to_spans(doc, KINDS["ner"].facts(doc))
        right = {(s["start"], s["end"], s["label"]) for s in gold}
        found = {s for s in spans if s[-1] in labels}
        if right and found != right and len(doc) < 40:
            rows.append({"text": row["text"], "spans": gold})
        if len(rows) == n_rows:
            break
    return rows


def fits(name: str, arm: str) -> bool:
    """Check whether an arm is for a set: for corrections there is no specialist."""
    return arm in ("alone", "rehearsed") or not name.endswith("corrections")


def base_of(name: str, work: Path) -> Path:
    """Return the folder of the base of a set."""
    return work / ("base fr" if name == "french" else "base en")


def make_set(name: str, bases: dict[str, str], work: Path) -> None:
    """Prepare what all arms of a set share, as preprocess and rehearse do."""
    folder, base_dir = work / name, base_of(name, work)
    if not base_dir.exists():
        spacy.load(bases[base_dir.name]).to_disk(base_dir)
    if (folder / "rehearse.json").exists():
        return
    if name.endswith("corrections"):
        train = corrections(spacy.load(base_dir), int(name.split()[0]))
        rows = {"train": train, "dev": [], "test": train}
    else:
        train, test = (read(name, split) for split in ("train", "dev"))
        rows = {"train": train, "dev": [], "test": test}
    prepare(rows, RAW[name], base_dir, folder)


def prepare(
    rows: dict[str, list[dict[str, Any]]],
    sources: Iterable[str],
    base_dir: Path,
    folder: Path,
    **options: Any,
) -> None:
    """Convert annotations, and rehearse with raw text, as the steps do.

    `options` are those of preprocess.
    """
    convert(rows, folder / "annotations", str(base_dir), **options)
    raw = folder / "raw"
    raw.mkdir(exist_ok=True)
    for source in sources:
        texts = read(source, "raw")
        texts = texts[:-N_UNSEEN] if source == "reddit" else texts
        srsly.write_jsonl(raw / f"{source}.jsonl", texts)
    rehearse_in(folder, base_dir, raw)


def make_update(update: Update, base_dir: Path, folder: Path) -> Path:
    """Make a run, and the specialist that it needs; return the folder of the update."""
    changes = {"update.n_evaluations": 1}
    inputs = inputs_of(base_dir, folder, folder / "runs", changes, gpu_id=-1)
    todo = [update.specialist, update] if ARMS[update.arm].get(SPECIALIST) else [update]
    for run in todo:
        if not (inputs.output_dir / run.name).exists():
            make_run(run, inputs)
    return inputs.output_dir / update.name / "model-best"


def make(update: Update, arm: str, base_dir: Path, folder: Path) -> Language:
    """Make the pipeline of a run."""
    path = make_update(update, base_dir, folder)
    if arm == DOUBLE:
        return double(base_dir, path, "new")
    return spacy.load(path)


def score_run(run: tuple[str, str, int], work: Path) -> dict[str, Any]:
    """Make one run, score it, and return its line of results."""
    name, arm, seed = run
    folder, base_dir = work / name, base_of(name, work)
    own = "alone" if arm == DOUBLE else arm
    update = Update(own, ARMS[own].get(RATIO), 0, seed)
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        updated = make(update, arm, base_dir, folder)
        base = spacy.load(base_dir)
        labels = {*srsly.read_json(folder / "preprocess.json")["labels"]}
        known = {*labels_of(base, "ner")}
        new = annotate((base, updated), read_docs(folder / "update" / "test"), "ner")
        unseen = [base.make_doc(text) for text in unseen_texts(name)]
        cases = add_sure(annotate((base, updated), unseen, "ner"), base, "ner")
        kept = None if name == "french" else kept_of(base, updated)
    scores = PRFScore()
    for case in new:
        right, found = case.judged(labels)
        scores.score_set(found["updated"], right)
    # What moved to a label that it was carved out of is shown, and no change.
    carved = srsly.read_json(folder / "rehearse.json")["carved"]
    counts = count_changed(cases, known - labels, carved)
    every, n_new = (
        counts["all"],
        sum(fact[-1] not in known for case in cases for fact in case.found["updated"]),
    )
    texts = [doc.text for doc in unseen[:300]]
    right = [case.gold == case.judged(labels)[1]["updated"] for case in new]
    return {
        "set": name,
        "arm": arm,
        "seed": seed,
        "new_f": 100 * scores.fscore,
        "right": 100 * mean(right),
        "kept": kept,
        "changed": 100 * every["share"],
        "sure": 100 * counts["sure"]["share"],
        "moved": 100 * every["moved"] / every["found"],
        "spurious": 1000 * n_new / len(cases),
        "speed": measure_speed(spacy.load(base_dir), updated, texts)["ratio"],
        "date": date.today().isoformat(),
        "spacy": spacy.__version__,
    }


def kept_of(base: Language, updated: Language) -> float:
    """Return F on gold of the newswire test, after the update ÷ before."""
    docs = []
    for row in read_rows("newswire", "test"):
        doc: Doc = base.make_doc(row["text"])
        spans = [doc.char_span(s["start"], s["end"], s["label"]) for s in row["spans"]]
        if all(spans):
            doc.set_ents(spans)
            docs.append(doc)
    scores = {"base": PRFScore(), "updated": PRFScore()}
    for case in annotate((base, updated), docs, "ner"):
        for who, score in scores.items():
            score.score_set(to_gold(case.found[who]), case.gold)
    return scores["updated"].fscore / scores["base"].fscore


def show(lines: list[dict[str, Any]], column: str) -> str:
    """Format the mean of a figure over the seeds, if it was measured."""
    return "–" if lines[0][column] is None else spread(lines, column, DIGITS)


def write_table(results: Path) -> None:
    """Write the table of all results: the means over the seeds, and the spread."""
    runs = defaultdict(list)
    for line in srsly.read_jsonl(results):
        runs[line["set"], line["arm"]].append(line)
    rows = [
        (*run, str(len(runs[run])), *(show(runs[run], column) for column in COLUMNS))
        for run in product(RAW, WAYS)
        if run in runs
    ]
    md = MarkdownRenderer()
    md.add(md.table(rows, ("set", "arm", "seeds", *COLUMNS.values())))
    results.with_suffix(".md").write_text(md.text + "\n", encoding="utf-8")


def main(
    work: Annotated[Path, typer.Argument(help="Folder for what the runs make.")],
    english: Annotated[
        str, typer.Option(help="Installed English pipeline.")
    ] = "en_core_web_sm",
    french: Annotated[
        str, typer.Option(help="Installed French pipeline.")
    ] = "fr_core_news_sm",
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="Set; default: all.")
    ] = None,
    arms: Annotated[
        list[str] | None, typer.Option("--arm", help="Way to update; default: all.")
    ] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", help="Seed of the runs; default: 0.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Runs in parallel, one a core.")] = 2,
) -> None:
    """Update a pipeline in each way on each set with each seed, and score the runs."""
    work = work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    results = work / RESULTS
    lines = srsly.read_jsonl(results) if results.exists() else []
    done = {(line["set"], line["arm"], line["seed"]) for line in lines}
    every = product(seeds or [0], sets or RAW, arms or WAYS)
    todo = [(name, arm, seed) for seed, name, arm in every if fits(name, arm)]
    todo = [run for run in todo if run not in done]
    for name in dict.fromkeys(run[0] for run in todo):
        make_set(name, {"base en": english, "base fr": french}, work)
    with start("local", jobs) as workers:
        lines = workers.map(partial(score_run, work=work), todo)
        note_all(lines, results, write_table)


if __name__ == "__main__":
    typer.run(main)
