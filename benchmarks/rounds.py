"""What four updates, one after the other, keep of each other.

Each round updates the pipeline of the round before: with drugs, diseases, politics, and
50 corrections of ORG; once with the annotations of the rounds before (`vars.earlier`),
and once without. Input: an installed pipeline, and a folder of data sets,
`BENCHMARK_DATA` or `../shared/data`. Output: a line of JSON for each round, and a table
of all; a round that has a line is not made again.

    python -m benchmarks.rounds work --english en_core_web_sm
"""

import os
from contextlib import redirect_stdout
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.scorer import PRFScore
from wasabi import MarkdownRenderer

from benchmarks.forgetting import note_all, read_rows
from benchmarks.real import corrections, kept_of, make_update, prepare, unseen_texts
from scripts.components import labels_of
from scripts.docs import read_docs
from scripts.evaluation.cases import add_sure, annotate
from scripts.evaluation.metrics import count_changed
from scripts.extras.runs import Run as Update
from scripts.scale.start import start

RESULTS = "rounds.jsonl"
# The rounds, with their raw text: comments in the first alone.
ROUNDS = {
    "drugs": ("newswire", "reddit"),
    "diseases": ("newswire",),
    "politics": ("wiki",),
    "corrections": ("newswire",),
}
N_CORRECTIONS = 50
WITH, WITHOUT = "with earlier", "without"
# The first round has no earlier one.
FIRST = "first"


def rows_of(name: str, english: str) -> dict[str, list[dict[str, Any]]]:
    """Read the annotations and the test of a round."""
    if name == "corrections":
        train = corrections(spacy.load(english), N_CORRECTIONS, {"ORG"})
        return {"train": train, "dev": [], "test": train}
    return {
        "train": read_rows(name, "train"),
        "dev": [],
        "test": read_rows(name, "dev"),
    }


def folder_of(name: str, arm: str, seed: int, work: Path) -> Path:
    """Return the folder of a round."""
    number = [*ROUNDS].index(name) + 1
    return work / f"seed {seed}" / (arm if number > 1 else FIRST) / f"{number} {name}"


def pipeline_of(name: str, folder: Path, seed: int) -> tuple[Update, Path]:
    """Return the run that a round makes, and the folder of its pipeline."""
    update = Update("rehearsed" if name == "corrections" else "exact", None, 0, seed)
    return update, folder / "runs" / update.name / "model-best"


def base_of(name: str, arm: str, seed: int, work: Path) -> Path:
    """Return the folder of the pipeline that a round updates."""
    if name == next(iter(ROUNDS)):
        return work / "base"
    before = [*ROUNDS][[*ROUNDS].index(name) - 1]
    return pipeline_of(before, folder_of(before, arm, seed, work), seed)[1]


def make_round(name: str, arm: str, seed: int, english: str, work: Path) -> Path:
    """Update the pipeline of the round before, and return the folder of the new one."""
    folder, base = (f(name, arm, seed, work) for f in (folder_of, base_of))
    update, path = pipeline_of(name, folder, seed)
    if path.exists():
        return path
    if not base.exists():
        spacy.load(english).to_disk(base)
    options = {}
    if arm == WITH and name != next(iter(ROUNDS)):
        for before in [*ROUNDS][: [*ROUNDS].index(name)]:
            rows = rows_of(before, english)
            # A text that is in both would be trained on: preprocess refuses that.
            tests = {row["text"] for row in rows["test"]}
            rows["train"] = [row for row in rows["train"] if row["text"] not in tests]
            for var, split in (("earlier", "train"), ("earlier_test", "test")):
                (folder / var).mkdir(parents=True, exist_ok=True)
                srsly.write_jsonl(folder / var / f"{before}.jsonl", rows[split])
        options = {v: str(folder / v / "*") for v in ("earlier", "earlier_test")}
    prepare(rows_of(name, english), ROUNDS[name], base, folder, **options)
    return make_update(update, base, folder)


def score_round(run: tuple[str, str, int], english: str, work: Path) -> dict[str, Any]:
    """Make a round, and score what all rounds so far taught."""
    name, arm, seed = run
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        path = make_round(name, arm, seed, english, work)
        base, updated = spacy.load(work / "base"), spacy.load(path)
        done = [*ROUNDS][: [*ROUNDS].index(name) + 1]
        scores, carved = {}, {}
        for each in done:
            folder = folder_of(each, arm, seed, work)
            labels = {*srsly.read_json(folder / "preprocess.json")["labels"]}
            carved |= srsly.read_json(folder / "rehearse.json")["carved"]
            docs = read_docs(folder / "annotations" / "test")
            cases = annotate((base, updated), docs, "ner")
            judged = [case.judged(labels) for case in cases]
            score = PRFScore()
            for gold, found in judged:
                score.score_set(found["updated"], gold)
            scores[each] = 100 * score.fscore
            if each == "corrections":
                right = sum(gold == found["updated"] for gold, found in judged)
                scores[each] = 100 * right / len(judged)
        unseen = [base.make_doc(text) for text in unseen_texts("drugs")]
        cases = add_sure(annotate((base, updated), unseen, "ner"), base, "ner")
        kept = kept_of(base, updated)
    counts = count_changed(cases, {*labels_of(base, "ner")}, carved)
    return {
        "seed": seed,
        "arm": arm,
        "round": name,
        "scores": scores,
        "kept": kept,
        "changed": 100 * counts["all"]["share"],
        "sure": 100 * counts["sure"]["share"],
        "moved": 100 * counts["all"]["moved"] / counts["all"]["found"],
        "date": date.today().isoformat(),
        "spacy": spacy.__version__,
    }


def write_table(results: Path) -> None:
    """Write the table of all results."""
    rows = [
        (
            str(line["seed"]),
            line["arm"],
            line["round"],
            *(
                f"{line['scores'][n]:.1f}" if n in line["scores"] else ""
                for n in ROUNDS
            ),
            *(f"{line[key]:.1f}" for key in ("changed", "sure", "moved")),
            f"{line['kept']:.3f}",
        )
        for line in srsly.read_jsonl(results)
    ]
    header = ("seed", "arm", "after", "F of drugs", "F of diseases", "F of politics")
    header += ("corrections right, %", "old types changed, %", "of the sure, %")
    header += ("moved, %", "kept: gold")
    md = MarkdownRenderer()
    md.add(md.table(sorted(rows, key=lambda row: row[:2]), header))
    results.with_suffix(".md").write_text(md.text + "\n", encoding="utf-8")


def main(
    work: Annotated[Path, typer.Argument(help="Folder for what the rounds make.")],
    english: Annotated[
        str, typer.Option(help="Installed English pipeline.")
    ] = "en_core_web_sm",
    arms: Annotated[
        list[str] | None, typer.Option("--arm", help="Default: both.")
    ] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", help="Default: 0.")
    ] = None,
) -> None:
    """Make four rounds with and without the annotations of earlier ones."""
    work = work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    results = work / RESULTS
    lines = srsly.read_jsonl(results) if results.exists() else []
    done = {(line["round"], line["arm"], line["seed"]) for line in lines}
    first, *others = ROUNDS
    every = []
    for seed in seeds or [0]:
        every.append((first, FIRST, seed))
        every += [
            (name, arm, seed) for arm in arms or (WITH, WITHOUT) for name in others
        ]
    todo = [run for run in every if run not in done]
    with start("local", 1) as workers:
        lines = workers.map(partial(score_round, english=english, work=work), todo)
        note_all(lines, results, write_table)


if __name__ == "__main__":
    typer.run(main)
