"""How fast and flat `rehearse` and `evaluate` are, beside bare loops of `nlp.pipe`.

Texts are the demo's raw text, repeated with another number in each; the bare loop runs
the same components over the same texts, and writes nothing. Output: a table, a line a
run; each run has a process of its own, and all models are loaded in it.

Run as: python -m benchmarks.annotate training/base --docs 10000 --docs 40000
"""

import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Annotated

import srsly
import typer
from spacy.util import minibatch
from wasabi import msg

from benchmarks.measure import in_process
from scripts.engines import start
from scripts.evaluation.metrics import new_tallies, run_tests
from scripts.files import read_docs, write_shards
from scripts.listeners import load_ner
from scripts.raw import N_TEXTS
from scripts.shards import annotate_all

RAW = Path(__file__).parents[1] / "assets" / "raw" / "raw.jsonl"


def texts(n_docs: int) -> Iterator[str]:
    """Give as many texts as asked for, each another."""
    rows = cycle(srsly.read_jsonl(RAW))
    for number, row in enumerate(islice(rows, n_docs)):
        yield f"{row['text']} See case {number}."


def bare(n_docs: int, base_dir: Path, folder: Path, n_passes: int = 1) -> None:
    """Annotate texts and throw them away: the bound."""
    nlp = load_ner(base_dir)
    for _ in range(n_passes):
        for part in minibatch(texts(n_docs), N_TEXTS):
            with nlp.memory_zone():
                for _ in nlp.pipe(part):
                    pass


def rehearse(n_docs: int, base_dir: Path, folder: Path, n_process: int) -> None:
    """Annotate texts and write shards."""
    load_ner(base_dir)
    with start("local", n_process) as workers:
        parts = minibatch(texts(n_docs), N_TEXTS)
        annotate_all(map(list, parts), base_dir, folder / str(n_process), workers)


def make_gold(n_docs: int, base_dir: Path, folder: Path) -> None:
    """Write docs that the base annotated, to evaluate on."""
    nlp = load_ner(base_dir)
    write_shards(iter(nlp.pipe(texts(n_docs))), folder / "gold", nlp)


def evaluate(n_docs: int, base_dir: Path, folder: Path) -> None:
    """Score a pipeline beside itself."""
    nlp = load_ner(base_dir)
    tests = {"old": read_docs(folder / "gold", nlp.vocab)}
    for _ in run_tests(nlp, nlp, tests, new_tallies(nlp, [])):
        pass


def main(
    base_dir: Annotated[Path, typer.Argument(help="A pipeline.")],
    sizes: Annotated[list[int], typer.Option("--docs", help="Texts.")],
    rounds: Annotated[int, typer.Option(help="Runs of each; medians count.")] = 3,
) -> None:
    """Time both steps and bare loops in turn, and print them beside each other."""
    runs = {
        "bare": bare,
        "rehearse, 1 process": partial(rehearse, n_process=1),
        "rehearse, 2 processes": partial(rehearse, n_process=2),
        "bare, twice": partial(bare, n_passes=2),
        "evaluate": evaluate,
    }
    bounds = {"bare": "bare", "bare, twice": "bare, twice", "evaluate": "bare, twice"}
    table = []
    for n_docs in sizes:
        took = {name: [] for name in runs}
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as name:
                inputs = (n_docs, base_dir, Path(name))
                in_process(make_gold, *inputs)
                for run_name, run in runs.items():
                    took[run_name].append(in_process(run, *inputs))
        for run_name, figures in took.items():
            bound = took[bounds.get(run_name, "bare")]
            pairs = zip(bound, figures, strict=True)
            rate = median(n_docs / seconds for seconds, _ in figures)
            ratio = median(b[0] / f[0] for b, f in pairs)
            peak = median(mib for _, mib in figures)
            line = (run_name, f"{rate:.0f}", f"{ratio:.2f}", f"{peak:.0f}")
            table.append((str(n_docs), *line))
    header = ("docs", "run", "docs a second", "of bare", "MiB")
    msg.table(table, header=header, divider=True, aligns=["r", "l", "r", "r", "r"])


if __name__ == "__main__":
    typer.run(main)
