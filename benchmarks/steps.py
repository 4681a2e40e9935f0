"""How fast and how flat the steps are, each beside the least that it could take.

Raw texts are the demo's, repeated with another number in each; so are the annotations.
The base, and the pipeline that is evaluated, is the demo's base. Each run has a process
of its own, and loads its models in it. Output: a line of JSON for each run, the table
of all, and that table in the README. Runs that have a line are not made again.

    python -m benchmarks.steps training/base training/steps --docs 1000 --docs 10000
"""

import re
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial, wraps
from itertools import cycle, islice, product
from pathlib import Path
from statistics import median
from typing import Annotated, Any, NamedTuple

import spacy
import srsly
import typer
from spacy.cli.train import train as spacy_train
from spacy.language import Language
from spacy.training import Example
from spacy.util import get_model_meta, registry
from wasabi import MarkdownRenderer

from benchmarks.measure import in_process
from benchmarks.preprocess import SOURCES, convert, loop, write_rows
from scripts import choose, preprocess, rehearse
from scripts.docs import count_words, read_docs
from scripts.evaluation.metrics import new_tallies, run_tests
from scripts.extras import suggest
from scripts.files import written_whole
from scripts.functions import create_rehearsal_reader
from scripts.pipelines import feeders_of_ner, load, load_ner
from scripts.recipe import make_config, read_settings
from scripts.teachers import mark_all

ROOT = Path(__file__).parents[1]
RAW = ROOT / "assets" / "raw" / "raw.jsonl"
SETTINGS = ROOT / "configs" / "update.cfg"
RESULTS, TABLE = (Path(__file__).with_name(f"steps.{end}") for end in ("jsonl", "md"))
README = ROOT / "README.md"
SECTION = re.compile(r"(?<=<!-- steps -->\n).*?(?=<!-- steps end -->)", re.DOTALL)
# Steps of training, for a pool of any size: as many as an update makes at least.
N_STEPS = 1200
# Docs in the pool beside which larger ones are trained with.
SMALL_POOL = 1000
# Seconds of each wait of training for the reader.
WAITS: list[float] = []
COLUMNS = (
    "docs",
    "step",
    "runs",
    "speed",
    "tokens a second",
    "memory",
    "beside",
    "speed beside it",
    "waits for text",
)


class Inputs(NamedTuple):
    """What a run reads: the base, and a folder made for a number of docs."""

    base_dir: Path
    folder: Path

    @property
    def raw(self) -> str:
        """The raw texts."""
        return str(self.folder / "raw.jsonl")

    @property
    def pool(self) -> Path:
        """The raw texts as `rehearse` annotated them in one process."""
        return self.folder / "rehearse" / "rehearsal"


def make_inputs(n_docs: int, inputs: Inputs) -> None:
    """Write raw texts, rows of annotations, and a few of those as docs."""
    if inputs.folder.exists():
        return
    with written_whole(inputs.folder) as folder:
        folder.mkdir()
        rows = islice(cycle(srsly.read_jsonl(RAW)), n_docs)
        lines = (
            {"text": f"{row['text']} See case {number}."}
            for number, row in enumerate(rows)
        )
        srsly.write_jsonl(folder / "raw.jsonl", lines)
        write_rows(n_docs, SOURCES, folder / "rows.jsonl")
        few = {
            name: str(SOURCES[0].with_name(f"{name}.jsonl")) for name in ("dev", "test")
        }
        preprocess.main(
            str(SOURCES[0]),
            folder / "annotations",
            base=str(inputs.base_dir),
            account_path=folder / "preprocess.json",
            rejected_path=folder / "rejected.jsonl",
            old_test=str(ROOT / "assets" / "base" / "test.jsonl"),
            **few,
        )


def plain_loop(inputs: Inputs) -> None:
    """Convert the rows as scripts commonly do."""
    loop(inputs.folder / "rows.jsonl", inputs.folder)


def run_preprocess(inputs: Inputs) -> None:
    """Convert the rows with the step."""
    convert(inputs.folder / "rows.jsonl", inputs.folder)


def bare(inputs: Inputs, n_passes: int = 1) -> None:
    """Annotate the texts with what the NER needs, and throw them away."""
    nlp = spacy.load(inputs.base_dir)
    nlp.select_pipes(enable=[*feeders_of_ner(nlp), "ner"])
    for _ in range(n_passes):
        for _ in nlp.pipe(row["text"] for row in srsly.read_jsonl(inputs.raw)):
            pass


def run_rehearse(inputs: Inputs, name: str, n_process: int, engine: str) -> None:
    """Annotate the texts with the step, from nothing."""
    folder = inputs.folder / name
    shutil.rmtree(folder, ignore_errors=True)
    rehearse.main(
        inputs.base_dir,
        inputs.folder / "annotations",
        inputs.raw,
        inputs.folder / "preprocess.json",
        folder / "update",
        str(folder / "rehearsal"),
        account_path=folder / "rehearse.json",
        completed_path=folder / "completed.jsonl",
        n_process=n_process,
        engine=engine,
    )


def run_choose(inputs: Inputs) -> None:
    """Choose of the pool with the step, for an update by the demo's annotations."""
    folder = inputs.folder
    choose.main(
        str(inputs.pool),
        inputs.pool.with_name("rehearse.json"),
        folder / "annotations" / "train",
        folder / "preprocess.json",
        SETTINGS,
        folder / "chosen",
    )


def run_mark(inputs: Inputs) -> None:
    """Mark the whole pool, as `specialist` does with what is chosen of it."""
    nlp, specialist = load_ner(inputs.base_dir), inputs.folder / "own"
    if feeders := feeders_of_ner(nlp):
        nlp.replace_listeners(next(iter(feeders)), "ner", ["model.tok2vec"])
    nlp.to_disk(specialist)
    labels = {*nlp.get_pipe("ner").labels}
    mark_all(inputs.pool, inputs.folder / "marked", specialist, labels)


@registry.readers("benchmarks.timed.v1")
@wraps(create_rehearsal_reader)
def create_timed_reader(**settings: Any) -> Callable:
    """Make the reader of an update, which notes how long training waits for it."""
    read = create_rehearsal_reader(**settings)

    def timed(nlp: Language) -> Iterator[Example]:
        examples = read(nlp)
        while True:
            start = time.perf_counter()
            example = next(examples, None)
            WAITS.append(time.perf_counter() - start)
            if example is None:
                break
            yield example

    return timed


def run_train(inputs: Inputs) -> float:
    """Train some steps with the pool, and give how long that waits for text."""
    folder = inputs.folder
    paths = {"train": folder / "annotations" / "train", "rehearsal": inputs.pool}
    paths |= {"dev": folder / "annotations" / "dev", "log": folder / "log.jsonl"}
    overrides = {f"paths.{name}": str(path) for name, path in paths.items()}
    overrides |= {"update.min_steps": N_STEPS, "update.passes": 1, "update.n_looks": 1}
    overrides |= {"training.logger.progress_bar": None}
    overrides |= {"corpora.train.@readers": "benchmarks.timed.v1"}
    account = srsly.read_json(folder / "preprocess.json")
    n_words = count_words(paths["train"])
    nlp, base = load_ner(inputs.base_dir), str(inputs.base_dir)
    settings = read_settings(SETTINGS, account["new_labels"], n_words, overrides)
    config = make_config(nlp, base, settings, account["labels"], n_words)
    config.to_disk(folder / "train.cfg")
    paths["log"].unlink(missing_ok=True)
    spacy_train(folder / "train.cfg", folder / "trained")
    return sum(WAITS)


def run_evaluate(inputs: Inputs) -> None:
    """Score a pipeline beside itself."""

    def load_both() -> tuple[Language, Language]:
        return load(inputs.base_dir), load(inputs.base_dir)

    tests = {"old": read_docs(inputs.pool)}
    labels = get_model_meta(inputs.base_dir)["labels"]
    for _ in run_tests(load_both, tests, new_tallies(labels, [], labels["ner"])):
        pass


def run_suggest(inputs: Inputs) -> None:
    """Look for texts in which two pipelines disagree: there are none."""
    annotations, output = (inputs.folder / name for name in ("annotations", "suggest"))
    base, other = inputs.base_dir, inputs.folder / "base"
    shutil.copytree(base, other, dirs_exist_ok=True)
    with suppress(ValueError):
        suggest.main(base, other, inputs.raw, annotations, output, limit=100)


RUNS = {
    "a plain loop": plain_loop,
    "preprocess": run_preprocess,
    "a bare pass": bare,
    "two bare passes": partial(bare, n_passes=2),
    "rehearse": partial(run_rehearse, name="rehearse", n_process=1, engine="local"),
    "rehearse, 2 processes": partial(
        run_rehearse, name="rehearse-2", n_process=2, engine="local"
    ),
    "rehearse, Ray with 2": partial(
        run_rehearse, name="rehearse-ray", n_process=2, engine="ray"
    ),
    "choose": run_choose,
    "specialist's marks": run_mark,
    "train": run_train,
    "evaluate": run_evaluate,
    "suggest": run_suggest,
}
# What a run is measured by: the least that it could take, or the same with less.
BESIDE = {
    "preprocess": "a plain loop",
    "rehearse": "a bare pass",
    "rehearse, 2 processes": "rehearse",
    "rehearse, Ray with 2": "rehearse, 2 processes",
    "specialist's marks": "a bare pass",
    "evaluate": "two bare passes",
    "suggest": "two bare passes",
}
# Runs over the raw texts, and those and the sizes that the README shows.
ON_TEXTS = [
    step for step in RUNS if step not in ("a plain loop", "preprocess", "train")
]
SHOWN = [step for step in RUNS if step not in BESIDE.values() or step in BESIDE]
SIZES_SHOWN = (10_000, 1_000_000)


def rate_of(step: str, n_docs: int, seconds: float) -> str:
    """Say how fast a run was."""
    if step == "train":
        return f"{N_STEPS / seconds:.0f} steps/s"
    return f"{n_docs / seconds:,.0f} docs/s"


def beside(step: str, n_docs: int) -> tuple[int, str]:
    """Name the run that a run is measured by: its size and step; may have none."""
    return (SMALL_POOL, step) if step == "train" else (n_docs, BESIDE.get(step, ""))


def write_tables() -> None:
    """Write the table of all results, and a shorter one into the README."""
    runs = defaultdict(list)
    for line in srsly.read_jsonl(RESULTS):
        runs[line["docs"], line["step"]].append(line)
    n_tokens: Counter[int] = Counter()
    for (n_docs, _), lines in runs.items():
        n_tokens[n_docs] = max(n_tokens[n_docs], *(line["tokens"] for line in lines))
    took = {run: median(line["seconds"] for line in runs[run]) for run in runs}
    peak = {run: median(line["mib"] for line in runs[run]) for run in runs}
    rows, short = [], defaultdict(dict)
    for n_docs, step in sorted(runs, key=lambda run: (run[0], [*RUNS].index(run[1]))):
        run, other = (n_docs, step), beside(step, n_docs)
        rate, mib = rate_of(step, n_docs, took[run]), f"{peak[run]:,.0f} MiB"
        tokens = f"{n_tokens[n_docs] / took[run]:,.0f}" if step in ON_TEXTS else ""
        ratio = f"{took[other] / took[run]:.2f}" if other in took else ""
        what = f"a pool of {SMALL_POOL:,}" if step == "train" else other[1]
        waits = [li["waited"] / li["seconds"] for li in runs[run] if li["waited"]]
        share = f"{median(waits):.1%}" if waits else ""
        n_runs = str(len(runs[run]))
        row = (f"{n_docs:,}", step, n_runs, rate, tokens, mib, what, ratio, share)
        rows.append(row)
        if step in SHOWN:
            short[step][n_docs] = f"{rate}, {mib}"
            if ratio and n_docs in SIZES_SHOWN:
                short[step]["beside"] = f"{ratio} of {what}"
    head = ("step", *(f"{n:,} docs" for n in SIZES_SHOWN), "speed beside")
    columns = (*SIZES_SHOWN, "beside")
    cells = [(s, *(short[s].get(c, "") for c in columns)) for s in SHOWN]
    md, in_readme = MarkdownRenderer(), MarkdownRenderer()
    md.add(md.table(rows, COLUMNS, aligns=[*"rlrrrrlrr"]))
    in_readme.add(in_readme.table(cells, head))
    TABLE.write_text(md.text + "\n", encoding="utf-8")
    readme = README.read_text(encoding="utf-8")
    section = SECTION.sub(lambda _: in_readme.text + "\n", readme)
    README.write_text(section, encoding="utf-8")


def main(
    base_dir: Annotated[Path, typer.Argument(help="A pipeline: the demo's base.")],
    work_dir: Annotated[Path, typer.Argument(help="Folder for what runs read.")],
    sizes: Annotated[list[int], typer.Option("--docs", help="Raw texts.")],
    rounds: Annotated[int, typer.Option(help="Runs of each; medians count.")] = 3,
    only: Annotated[list[str] | None, typer.Option("--step", help="All.")] = None,
) -> None:
    """Make the runs that have no line of results yet, and write the table."""
    for n_docs in sizes:
        inputs = Inputs(base_dir.resolve(), work_dir.resolve() / str(n_docs))
        make_inputs(n_docs, inputs)
        # In turns: the machine is not the same from one minute to the next.
        for number, step in product(range(rounds), only or RUNS):
            lines = srsly.read_jsonl(RESULTS) if RESULTS.exists() else []
            done = Counter((line["docs"], line["step"]) for line in lines)
            if done[n_docs, step] > number:
                continue
            seconds, mib, waited = in_process(RUNS[step], inputs)
            line = {"docs": n_docs, "step": step, "seconds": round(seconds, 2)}
            n_tokens = count_words(inputs.pool) if inputs.pool.exists() else 0
            line |= {"mib": round(mib), "tokens": n_tokens}
            with RESULTS.open("a", encoding="utf-8") as results:
                results.write(f"{srsly.json_dumps({**line, 'waited': waited})}\n")
            print(line, flush=True)
    write_tables()


if __name__ == "__main__":
    typer.run(main)
