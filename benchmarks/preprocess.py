"""Speed and memory of `preprocess`, compared with a plain loop over the same rows.

The loop is what a `convert.py` does: `make_doc`, `char_span` and `DocBin.add`, without
checks. The rows are the demo's or those of `--source`, repeated with other numbers in
each. Output: a table with a line for each run; each run has its own process.

    python -m benchmarks.preprocess --rows 10000 --rows 100000
"""

import json
import tempfile
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Annotated

import spacy
import srsly
import typer
from spacy.tokens import DocBin
from wasabi import msg

from benchmarks.measure import in_process
from scripts import preprocess

ASSETS = Path(__file__).parents[1] / "assets"
SOURCES = [ASSETS / "annotations" / "train.jsonl", ASSETS / "base" / "train.jsonl"]


def write_rows(n_rows: int, sources: list[Path], path: Path) -> None:
    """Write rows; no two have the same text."""
    rows = [row for source in sources for row in srsly.read_jsonl(source)]
    with path.open("w", encoding="utf-8") as file:
        for number, row in enumerate(islice(cycle(rows), n_rows)):
            case = f"See case {number // 1000} of {number % 1000}."
            text, spans = f"{row['text']} {case}", row.get("spans", [])
            row = {"text": text, "spans": spans}
            file.write(f"{json.dumps(row)}\n")


def loop(rows: Path, folder: Path) -> None:
    """Convert rows as scripts commonly do: nothing is checked or counted."""
    nlp = spacy.blank("en")
    doc_bin = DocBin(attrs=["ENT_IOB", "ENT_TYPE"])
    for row in srsly.read_jsonl(rows):
        doc = nlp.make_doc(row["text"])
        spans = [doc.char_span(s["start"], s["end"], s["label"]) for s in row["spans"]]
        doc.set_ents([span for span in spans if span])
        doc_bin.add(doc)
    doc_bin.to_disk(folder / "train.spacy")


def convert(rows: Path, folder: Path, **splits: str) -> None:
    """Convert rows with the step, all of them to one set if no split is named."""
    paths = {"account_path": folder / "a.json", "rejected_path": folder / "r.jsonl"}
    preprocess.main(str(rows), folder / "docs", base="blank:en", **paths, **splits)


def split(rows: Path, folder: Path) -> None:
    """Convert rows with the step, with dev and test split off."""
    convert(rows, folder, dev="", test="")


def main(
    sizes: Annotated[list[int], typer.Option("--rows", help="Number of rows.")],
    sources: Annotated[
        list[Path], typer.Option("--source", help="File of rows to repeat.")
    ] = SOURCES,
    rounds: Annotated[int, typer.Option(help="Runs of each; medians count.")] = 3,
) -> None:
    """Time the step and a plain loop in turn, and print the medians."""
    table = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for n_rows in sizes:
            rows = folder / "rows.jsonl"
            write_rows(n_rows, sources, rows)
            runs = [
                {run: in_process(run, rows, folder) for run in (loop, convert, split)}
                for _ in range(rounds)
            ]
            for run in runs[0]:
                rate = median(n_rows / r[run][0] for r in runs)
                ratio = median(r[loop][0] / r[run][0] for r in runs)
                peak = median(r[run][1] for r in runs)
                line = (run.__name__, f"{rate:.0f}", f"{ratio:.2f}", f"{peak:.0f}")
                table.append((str(n_rows), *line))
    header = ("rows", "run", "rows a second", "÷ the loop's", "MiB")
    msg.table(table, header=header, divider=True)


if __name__ == "__main__":
    typer.run(main)
