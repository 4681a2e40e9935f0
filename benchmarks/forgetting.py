"""What an update learns and forgets: ways of doing it, side by side, on real data.

Input: a folder of data sets, `BENCHMARK_DATA` or `../shared/data`, each with
`train.jsonl`, `dev.jsonl` or `raw.jsonl`. Output: a line of JSON a run, in
`benchmarks/forgetting.jsonl`; runs that stand there are not made again. The dev files
of the new types and the test file of `newswire` are tests here.

Run as: python -m benchmarks.forgetting work --arm naive --arm rehearsed --set drugs
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stdout
from datetime import date
from functools import partial
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Corpus
from thinc.api import Config
from wasabi import MarkdownRenderer, msg

from scripts import preprocess, rehearse
from scripts.configure import make_config
from scripts.evaluate import evaluate
from scripts.files import read_docs, write_docs
from scripts.functions import take_words

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("BENCHMARK_DATA", ROOT.parent / "shared" / "data"))
RESULTS = ROOT / "benchmarks" / "forgetting.jsonl"
TABLE = RESULTS.with_suffix(".md")
# Annotations and the raw text to rehearse with. `+`: raw text near the new domain.
SETS = {
    "drugs": ("drugs", ["newswire"]),
    "drugs+": ("drugs", ["newswire", "reddit"]),
    "diseases": ("diseases", ["newswire"]),
    "diseases+": ("diseases", ["newswire", "wiki"]),
    "politics": ("politics", ["newswire"]),
    "politics+": ("politics", ["newswire", "wiki"]),
    "tweets": ("tweets", ["newswire"]),
}
ALONE = {"paths.train": "annotations/train.spacy", "corpora.train.ratio": 0.0}
CHOOSE_BY_NEW = {"training.score_weights.old_f": 0.0}
COLUMNS = {
    "retention": "kept",
    "old_f": "old F",
    "new_f": "new F",
    "spurious": "spurious in 1,000 rows",
    "seconds": "seconds",
}
# What each way of updating sets apart from `configs/update.cfg`.
ARMS: dict[str, dict[str, Any]] = {
    # The annotations alone: the specialist, what the new type can reach.
    "naive": {**ALONE, **CHOOSE_BY_NEW},
    # The recipe of the popular demo project: the same, 500 steps, constant rate.
    "popular": {**ALONE, **CHOOSE_BY_NEW, "update.passes": 0, "update.min_steps": 500},
    # One fixed mix with what the base annotated, and no completion.
    "static": {"paths.train": ALONE["paths.train"], "paths.rehearsal": "static.spacy"},
    # Completed by the base, and no rehearsal.
    "completed": {"corpora.train.ratio": 0.0},
    # Completed by the base, and fresh rehearsal: the template as it is.
    "rehearsed": {},
    # The same with less rehearsal, or for longer.
    "half ratio": {"corpora.train.ratio": 0.5, "update.passes": 13},
    "twice as long": {"update.passes": 20},
    # Gold in place of rehearsal: the ceiling.
    "joint": {"paths.rehearsal": "gold.spacy"},
    # Two NER components: the specialist before the base's, or after it.
    "double, new first": {},
    "double, base first": {},
}


def make_base(work: Path) -> Path:
    """Train the base on newswire as the template trains its demo's base."""
    base = work / "base" / "model-best"
    if not (work / "newswire").exists():
        convert("newswire", work / "newswire", "blank:en", dev="dev")
    if not base.exists():
        paths = {n: str(work / "newswire" / f"{n}.spacy") for n in ("train", "dev")}
        overrides = {f"paths.{name}": path for name, path in paths.items()}
        train(ROOT / "configs" / "base.cfg", work / "base", overrides=overrides)
    return base


def convert(name: str, output: Path, base: str, **splits: str) -> None:
    """Convert a data set as the step does; a split given as "" is split off train."""
    folder = DATA / name
    files = {k: str(folder / f"{v}.jsonl") if v else "" for k, v in splits.items()}
    preprocess.main(
        str(folder / "train.jsonl"),
        output,
        base=base,
        **files,
        account_path=output.with_suffix(".json"),
        rejected_path=output.with_suffix(".rejected.jsonl"),
    )


def make_set(name: str, work: Path) -> Path:
    """Prepare what all arms of a set share, as preprocess and rehearse do."""
    folder, base = work / name, work / "base" / "model-best"
    if (folder / "static.spacy").exists():
        return folder
    annotations, raws = SETS[name]
    old_test = str(DATA / "newswire" / "test.jsonl")
    convert(annotations, folder / "annotations", str(base), dev="", test="dev")
    gold = work / "newswire"
    nlp = spacy.load(base)
    old_docs = list(preprocess.convert(old_test, nlp, preprocess.Account()))
    write_docs(old_docs, folder / "annotations" / "old_test.spacy")
    raw = folder / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for number, source in enumerate(raws):
        text = (DATA / source / "raw.jsonl").read_bytes()
        (raw / f"{number}.jsonl").write_bytes(text)
    out = (folder / "update", folder / "rehearsal")
    rehearse.main(
        base,
        folder / "annotations",
        str(raw),
        *out,
        account_path=folder / "rehearse.json",
        completed_path=folder / "completed.jsonl",
    )
    write_docs(read_docs(gold / "train.spacy", nlp.vocab), folder / "gold.spacy")
    n_words = sum(map(len, read_docs(folder / "update" / "train.spacy", nlp.vocab)))
    static = take_words(iter(Corpus(folder / "rehearsal")(nlp)), n_words)
    write_docs((eg.reference for eg in static), folder / "static.spacy")
    return folder


def update(arm: str, seed: int, folder: Path, base: Path, output: Path) -> None:
    """Update the base in one of the ways, with `spacy train`."""
    files = {"train": "update/train.spacy", "dev": "update/dev.spacy"}
    files |= {"rehearsal": "rehearsal", "log": f"{output.name}.jsonl"}
    changes = {f"paths.{key}": path for key, path in files.items()} | ARMS[arm]
    for key, value in changes.items():
        if key.startswith("paths."):
            changes[key] = str(folder / value)
    settings = Config().from_disk(
        ROOT / "configs" / "update.cfg", overrides={**changes, "system.seed": seed}
    )
    nlp = spacy.load(base)
    docs = list(read_docs(folder / "annotations" / "train.spacy", nlp.vocab))
    labels = sorted({ent.label_ for doc in docs for ent in doc.ents})
    config = make_config(nlp, str(base), settings, labels, sum(map(len, docs)))
    if arm == "popular":
        config["training"]["optimizer"]["learn_rate"] = 0.001
        config["training"]["optimizer"]["use_averages"] = False
        config["training"]["batcher"]["size"] = 1000
    config.to_disk(output.with_suffix(".cfg"))
    train(output.with_suffix(".cfg"), output)


def double(base: Path, specialist: Path, first: str) -> Language:
    """Put the specialist's NER beside the base's, before or after it."""
    nlp = spacy.load(base)
    place = {"before": "ner"} if first == "new" else {"after": "ner"}
    nlp.add_pipe("ner", source=spacy.load(specialist), name="ner_new", **place)
    return nlp


def run_arm(name: str, arm: str, seed: int, work: Path) -> dict[str, Any]:
    """Make one run, score it, and give its line of results."""
    start = time.perf_counter()
    folder, base = work / name, work / "base" / "model-best"
    runs = folder / "runs"
    runs.mkdir(exist_ok=True)
    model = runs / f"{arm}-{seed}"
    with open(f"{model}.txt", "w", encoding="utf-8") as log, redirect_stdout(log):
        if arm.startswith("double"):
            first = arm.split()[1]
            updated = double(base, runs / f"naive-{seed}" / "model-best", first)
        else:
            update(arm, seed, folder, base, model)
            updated = spacy.load(model / "model-best")
    nlp = spacy.load(base)
    test, old_test = (
        list(read_docs(folder / "update" / f"{split}.spacy", nlp.vocab))
        for split in ("test", "old_test")
    )
    metrics = evaluate(nlp, updated, test, old_test)
    dev = updated.meta["performance"]
    by_label = [both["updated"]["f"] for both in metrics["new"]["labels"].values()]
    return {
        "set": name,
        "arm": arm,
        "seed": seed,
        "retention": round(metrics["retention"], 4),
        "old_f": round(100 * metrics["old"]["updated"]["f"], 2),
        "new_f": round(100 * sum(by_label) / len(by_label), 2),
        "new_micro": {k: round(v, 4) for k, v in metrics["new"]["updated"].items()},
        "dev": {key: dev.get(key) for key in ("new_f", "old_f")},
        "spurious": round(metrics["spurious"], 1),
        "moved": moved(nlp, updated, old_test),
        "seconds": round(time.perf_counter() - start),
        "date": date.today().isoformat(),
        "spacy": spacy.__version__,
    }


def moved(base: Language, updated: Language, gold: list[Doc]) -> dict[str, int]:
    """Count gold entities that the base found, by what the update made of them.

    Returns:
        `kept`; `moved`, to a label that the base does not know; `forgotten`.
    """
    counts = {"kept": 0, "moved": 0, "forgotten": 0}
    old_labels = set(base.get_pipe("ner").labels)
    texts = [doc.text for doc in gold]
    for doc, before, after in zip(
        gold, base.pipe(texts), updated.pipe(texts), strict=True
    ):
        now = {(e.start, e.end): e.label_ for e in after.ents}
        found = {(e.start, e.end, e.label_) for e in before.ents}
        for ent in doc.ents:
            if (ent.start, ent.end, ent.label_) in found:
                label = now.get((ent.start, ent.end))
                is_new = any(
                    after_label not in old_labels
                    for (start, end), after_label in now.items()
                    if start < ent.end and ent.start < end
                )
                kind = "kept" if label == ent.label_ else "forgotten"
                counts["moved" if kind == "forgotten" and is_new else kind] += 1
    return counts


def missing(runs: Iterator[tuple[int, str, str]]) -> list[tuple[str, str, int]]:
    """List the runs that have no line of results yet."""
    lines = srsly.read_jsonl(RESULTS) if RESULTS.exists() else []
    done = {(line["set"], line["arm"], line["seed"]) for line in lines}
    return [(s, arm, seed) for seed, arm, s in runs if (s, arm, seed) not in done]


def write_table() -> None:
    """Write all results as a table in Markdown: the mean over seeds, and the spread."""
    runs = defaultdict(list)
    for line in srsly.read_jsonl(RESULTS):
        runs[line["set"], line["arm"]].append(line)
    order = [*product(SETS, ARMS)]
    rows = [
        (name, arm, str(len(lines)), *(spread(lines, key) for key in COLUMNS))
        for (name, arm), lines in sorted(
            runs.items(), key=lambda run: order.index(run[0])
        )
    ]
    header = ("set", "arm", "seeds", *COLUMNS.values())
    md = MarkdownRenderer()
    md.add(md.table(rows, header))
    TABLE.write_text(md.text + "\n", encoding="utf-8")


def spread(lines: list[dict[str, Any]], key: str) -> str:
    """Give the mean of a figure over the seeds, and its range where there are more."""
    values = [line[key] for line in lines]
    digits = 3 if key == "retention" else 1
    mean = f"{sum(values) / len(values):.{digits}f}"
    return (
        mean
        if len(values) == 1
        else f"{mean} ± {(max(values) - min(values)) / 2:.{digits}f}"
    )


def main(
    work: Annotated[Path, typer.Argument(help="Folder for what the runs make.")],
    sets: Annotated[list[str] | None, typer.Option("--set")] = None,
    arms: Annotated[list[str] | None, typer.Option("--arm")] = None,
    seeds: Annotated[list[int] | None, typer.Option("--seed")] = None,
    jobs: Annotated[int, typer.Option(help="Runs at a time; one a core.")] = 2,
) -> None:
    """Run each arm on each set with each seed, and note what it learned and kept."""
    work = work.resolve()
    make_base(work)
    todo = missing(product(seeds or [0], arms or ARMS, sets or SETS))
    for name in dict.fromkeys(run[0] for run in todo):
        make_set(name, work)
    # A double is made of the naive run's NER.
    for rank in (False, True):
        part = [run for run in todo if run[1].startswith("double") is rank]
        with ProcessPoolExecutor(jobs) as pool:
            started = [pool.submit(partial(run_arm, work=work), *run) for run in part]
            for future in as_completed(started):
                line = future.result()
                with RESULTS.open("a", encoding="utf-8") as results:
                    results.write(srsly.json_dumps(line) + "\n")
                write_table()
                msg.good(f"{line['set']}, {line['arm']}, seed {line['seed']}: {line}")


if __name__ == "__main__":
    typer.run(main)
