"""Speed and memory of the steps, compared with the least that each could take.

The raw texts are the demo's, repeated with another number in each; so are the
annotations. The base, and the pipeline that is evaluated, is the demo's base. Each run
has its own process, and loads its models in it. Output: a line of JSON for each run,
the table of all, and a short one in `benchmarks/README.md`, both with the medians of
the last day on which a step was measured.

    python -m benchmarks.steps training/base work --docs 1000 --docs 10000
"""

import re
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date
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
from spacy.util import registry
from thinc.api import Config
from wasabi import MarkdownRenderer

from benchmarks.measure import in_process
from benchmarks.preprocess import SOURCES, convert, loop, write_rows
from scripts import configure, preprocess, rehearse
from scripts.components import listened_to
from scripts.components.kind import NewLabels
from scripts.docs import count_words, doc_files, read_docs
from scripts.evaluation.cases import annotate
from scripts.evaluation.scores import score
from scripts.extras import suggest
from scripts.functions import create_rehearsal_corpus
from scripts.scale.pipelines import load
from scripts.scale.sample import choose_all
from scripts.specialist import mark_all, rehearsal_words

ROOT = Path(__file__).parents[1]
RAW = ROOT / "assets" / "raw" / "raw.jsonl"
SETTINGS = ROOT / "configs" / "update.cfg"
RESULTS, TABLE, README = (
    Path(__file__).with_name(name) for name in ("steps.jsonl", "steps.md", "README.md")
)
SECTION = re.compile(r"(?<=<!-- steps -->\n).*?(?=<!-- steps end -->)", re.DOTALL)
# Training steps, for any number of docs: as many as an update makes at least.
N_STEPS = 1200
# Docs to train with, for the comparison with larger numbers of them.
FEW_DOCS = 1000
# Seconds of each wait of training for the reader.
WAITS: list[float] = []


class Inputs(NamedTuple):
    """What a run reads: the base, and a folder made for a number of docs."""

    base_dir: Path
    folder: Path

    @property
    def raw(self) -> str:
        """The raw texts."""
        return str(self.folder / "raw.jsonl")

    @property
    def rehearsal(self) -> Path:
        """The raw texts as `rehearse` annotated them in one process."""
        return self.folder / "rehearse" / "rehearsal"


def make_inputs(n_docs: int, inputs: Inputs) -> None:
    """Write raw texts, rows of annotations, the demo's as docs, and their config."""
    base_dir, folder = inputs
    annotations, configs = folder / "annotations", folder / "configs"
    if configs.exists():
        return
    write_texts(n_docs, folder)
    account = folder / "preprocess.json"
    preprocess.main(
        str(SOURCES[0]),
        annotations,
        base=str(base_dir),
        dev=str(SOURCES[0].with_name("dev.jsonl")),
        test=str(SOURCES[0].with_name("test.jsonl")),
        old_test=str(ROOT / "assets" / "base" / "test.jsonl"),
        account_path=account,
        rejected_path=folder / "rejected.jsonl",
    )
    save_specialist(base_dir, folder / "specialist")
    rehearsed = {"new_labels": srsly.read_json(account)["new_labels"], "carved": {}}
    srsly.write_json(folder / "rehearse.json", rehearsed)
    configure.main(
        base_dir,
        SETTINGS,
        account,
        folder / "rehearse.json",
        configs,
        train=annotations / "train",
        dev=str(annotations / "dev"),
        rehearsal=str(inputs.rehearsal),
        specialist=str(folder / "specialist"),
        logs=str(folder),
    )


def write_texts(n_docs: int, folder: Path) -> None:
    """Write raw texts and rows of annotations, no two of them alike."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = enumerate(islice(cycle(srsly.read_jsonl(RAW)), n_docs))
    lines = ({"text": f"{row['text']} See case {number}."} for number, row in rows)
    srsly.write_jsonl(folder / "raw.jsonl", lines)
    write_rows(n_docs, SOURCES, folder / "rows.jsonl")


def save_specialist(base_dir: Path, path: Path) -> None:
    """Save the base as a specialist is saved: its NER has its own tok2vec."""
    nlp = spacy.load(base_dir)
    for name in listened_to(nlp, "ner"):
        nlp.replace_listeners(name, "ner", ["model.tok2vec"])
    nlp.to_disk(path)


def plain_loop(inputs: Inputs) -> None:
    """Convert the rows as scripts commonly do."""
    loop(inputs.folder / "rows.jsonl", inputs.folder)


def run_preprocess(inputs: Inputs) -> None:
    """Convert the rows with the step."""
    convert(inputs.folder / "rows.jsonl", inputs.folder)


def bare(inputs: Inputs, n_passes: int = 1) -> None:
    """Annotate the texts with what the NER needs, and throw the docs away."""
    nlp = spacy.load(inputs.base_dir)
    nlp.select_pipes(enable=[*listened_to(nlp, "ner"), "ner"])
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
    """Choose rehearsal docs, as `specialist` does for the demo's annotations."""
    config = Config().from_disk(
        inputs.folder / "configs" / "update.cfg", interpolate=False
    )
    n_words, shards = rehearsal_words(config), doc_files(inputs.rehearsal)
    choose_all(shards, inputs.folder / "chosen", n_words, seed=0)


def run_mark(inputs: Inputs) -> None:
    """Mark all rehearsal docs, as `specialist` does with those that it chose."""
    folder, labels = inputs.folder, load(inputs.base_dir).pipe_labels["ner"]
    marked, specialist = folder / "marked", folder / "specialist"
    new = NewLabels(labels, {}, {})
    mark_all(inputs.rehearsal, marked, specialist, "ner", new)


@registry.readers("benchmarks.timed.v1")
@wraps(create_rehearsal_corpus)
def create_timed_corpus(**settings: Any) -> Callable:
    """Create the corpus of an update, and note how long training waits for it."""
    read = create_rehearsal_corpus(**settings)

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
    """Train some steps, and return the seconds that training waited for docs."""
    (inputs.folder / "update.jsonl").unlink(missing_ok=True)
    overrides = {
        "training.max_steps": N_STEPS,
        "training.eval_frequency": N_STEPS,
        "training.logger.progress_bar": None,
        "corpora.train.@readers": "benchmarks.timed.v1",
    }
    config = inputs.folder / "configs" / "update.cfg"
    output = inputs.folder / "trained"
    spacy_train(config, output, overrides=overrides)
    return sum(WAITS)


def run_evaluate(inputs: Inputs) -> None:
    """Score a pipeline, compared with itself."""
    pipelines = load(inputs.base_dir), load(inputs.base_dir)
    cases = annotate(pipelines, read_docs(inputs.rehearsal), "ner")
    score(cases, pipelines[0].pipe_labels["ner"])


def run_suggest(inputs: Inputs) -> None:
    """Look for texts in which two pipelines disagree, where there are none."""
    base_dir, folder = inputs
    other, annotations = folder / "specialist", folder / "annotations"
    try:
        suggest.main(base_dir, other, inputs.raw, annotations, folder / "suggest")
    except ValueError as error:
        if "agree" not in str(error):
            raise


class Step(NamedTuple):
    """A run to measure.

    Attributes:
        run: The run.
        other: The run to compare with: the least that it could take, or the same with
            less. Training is compared with training on fewer docs.
        on_texts: Whether the raw texts are read, so that their tokens count.
    """

    run: Callable[[Inputs], float | None]
    other: str = ""
    on_texts: bool = True


def rehearse_with(name: str, n_process: int, engine: str = "local") -> Callable:
    """Return a run of `rehearse` with some processes."""
    return partial(run_rehearse, name=name, n_process=n_process, engine=engine)


STEPS = {
    "a plain loop": Step(plain_loop, on_texts=False),
    "preprocess": Step(run_preprocess, "a plain loop", on_texts=False),
    "a bare pass": Step(bare),
    "two bare passes": Step(partial(bare, n_passes=2)),
    "rehearse": Step(rehearse_with("rehearse", 1), "a bare pass"),
    "rehearse, 2 processes": Step(rehearse_with("rehearse-2", 2), "rehearse"),
    "rehearse, Ray with 2": Step(
        rehearse_with("rehearse-ray", 2, "ray"), "rehearse, 2 processes"
    ),
    "choose": Step(run_choose),
    "specialist's marks": Step(run_mark, "a bare pass"),
    "train": Step(run_train, "train", on_texts=False),
    "evaluate": Step(run_evaluate, "two bare passes"),
    "suggest": Step(run_suggest, "two bare passes"),
}
# What the README shows.
SHOWN = [name for name, step in STEPS.items() if step.other or name == "choose"]
SIZES_SHOWN = (10_000, 1_000_000)


def newest(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Summarize the runs of the last day: the medians of what was measured."""
    last = max(line.get("date", "") for line in lines)
    lines = [line for line in lines if line.get("date", "") == last]
    waits = [li["waited"] / li["seconds"] for li in lines if li["waited"]]
    return {
        "date": last,
        "runs": len(lines),
        "seconds": median(line["seconds"] for line in lines),
        "mib": median(line["mib"] for line in lines),
        "waits": f"{median(waits):.1%}" if waits else "",
    }


def describe(
    n_docs: int, name: str, found: dict[tuple[int, str], dict[str, Any]], n_tokens: int
) -> dict[str, str]:
    """Describe the runs of a step, as a row of the table by column."""
    it, step, is_train = found[n_docs, name], STEPS[name], name == "train"
    other = found.get((FEW_DOCS if is_train else n_docs, step.other))
    # Another day may be another machine.
    is_fair = other and other["date"] == it["date"]
    seconds = it["seconds"]
    docs_rate, steps_rate = f"{n_docs / seconds:,.0f}", f"{N_STEPS / seconds:.0f}"
    return {
        "docs": f"{n_docs:,}",
        "step": name,
        "measured": it["date"] or "earlier",
        "runs": str(it["runs"]),
        "speed": f"{steps_rate} steps/s" if is_train else f"{docs_rate} docs/s",
        "tokens a second": f"{n_tokens / seconds:,.0f}" if step.on_texts else "",
        "memory": f"{it['mib']:,.0f} MiB",
        "compared with": f"{FEW_DOCS:,} docs" if is_train else step.other,
        "relative speed": f"{other['seconds'] / seconds:.2f}" if is_fair else "",
        "waits for docs": it["waits"],
    }


def write_tables() -> None:
    """Write the table of all steps, and a shorter one into the README."""
    runs, n_tokens = defaultdict(list), Counter()
    for line in srsly.read_jsonl(RESULTS):
        n_docs = line["docs"]
        runs[n_docs, line["step"]].append(line)
        n_tokens[n_docs] = max(n_tokens[n_docs], line["tokens"])
    found = {run: newest(lines) for run, lines in runs.items()}
    order = sorted(found, key=lambda run: (run[0], [*STEPS].index(run[1])))
    rows = {(n, name): describe(n, name, found, n_tokens[n]) for n, name in order}
    columns = [*next(iter(rows.values()))]
    md = MarkdownRenderer()
    cells = [[*row.values()] for row in rows.values()]
    md.add(md.table(cells, columns, aligns=[*"rllrrrrlrr"]))
    TABLE.write_text(md.text + "\n", encoding="utf-8")

    short = []
    for name in SHOWN:
        shown = [rows[n_docs, name] for n_docs in SIZES_SHOWN]
        parts = [(r["speed"], r["memory"], r["relative speed"]) for r in shown]
        figures = [", ".join(filter(None, part)) for part in parts]
        short.append([name, shown[0]["compared with"], *figures])
    md = MarkdownRenderer()
    header = ("step", "compared with", *(f"{n:,} docs" for n in SIZES_SHOWN))
    md.add(md.table(short, header))
    text = SECTION.sub(lambda _: f"{md.text}\n", README.read_text(encoding="utf-8"))
    README.write_text(text, encoding="utf-8")


def main(
    base_dir: Annotated[Path, typer.Argument(help="A pipeline, such as the demo's.")],
    work_dir: Annotated[Path, typer.Argument(help="Folder for what the runs read.")],
    sizes: Annotated[list[int], typer.Option("--docs", help="Number of raw texts.")],
    rounds: Annotated[int, typer.Option(help="Runs of each step.")] = 3,
    only: Annotated[
        list[str] | None, typer.Option("--step", help="Step to run; default: all.")
    ] = None,
) -> None:
    """Measure the steps, and write the tables."""
    for n_docs in sizes:
        inputs = Inputs(base_dir.resolve(), work_dir.resolve() / str(n_docs))
        # Not in this process: the memory that it took would count for each run.
        in_process(make_inputs, n_docs, inputs)
        # In turns: the machine is not the same from one minute to the next.
        for _, name in product(range(rounds), only or STEPS):
            seconds, mib, waited = in_process(STEPS[name].run, inputs)
            n_tokens = count_words(inputs.rehearsal) if inputs.rehearsal.exists() else 0
            line = {"docs": n_docs, "step": name, "seconds": round(seconds, 3)}
            line |= {"mib": round(mib), "tokens": n_tokens, "waited": waited}
            line |= {"date": date.today().isoformat()}
            with RESULTS.open("a", encoding="utf-8") as results:
                results.write(f"{srsly.json_dumps(line)}\n")
            print(line, flush=True)
    write_tables()


if __name__ == "__main__":
    typer.run(main)
