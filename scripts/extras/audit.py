"""Find the annotated rows that are most likely wrong or incomplete.

Input: the base, what `preprocess` wrote, and `configs/update.cfg`. Output: the most
doubtful rows first, with the annotations as they are, as files to correct in Prodigy,
doccano and Label Studio; `doubts.jsonl`, with what is doubted in each row; and a table
of how many there are of each kind, `doubts.md`.

The texts are in four folds: a specialist for each learns from the others. `doubts.py`
says what becomes of what they find.

    python -m scripts.extras.audit training/base corpus/annotations \
        corpus/preprocess.json configs/update.cfg training/audit
"""

from collections import Counter
from collections.abc import Collection
from contextlib import redirect_stdout
from dataclasses import dataclass
from heapq import nsmallest
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from spacy.tokens import Doc
from spacy.vocab import Vocab
from wasabi import MarkdownRenderer, msg

from scripts.command import run, track
from scripts.components import kind_of
from scripts.components.kind import Fact, Kind, NewLabels
from scripts.configure import ALONE, configs_of, labels_in, write_start
from scripts.docs import count_words, read_docs, write_docs
from scripts.extras.doubts import KINDS, Doubt, Text, find_doubts
from scripts.extras.tasks import spans_of, write_tasks
from scripts.files import work_folder, written_whole
from scripts.rehearse import find_carved
from scripts.scale.pipelines import (
    leave_out_others,
    load,
    open_pipeline,
    train_pipeline,
    use_gpu,
)
from scripts.scale.raw import text_key

SETS = ("train", "dev", "test")
# Each specialist learns from three quarters of the texts, and is asked about the rest.
N_FOLDS = 4
# Fewer texts with annotations teach a specialist nothing.
MIN_TEXTS = 10


@dataclass(frozen=True)
class Inputs:
    """What all specialists have in common.

    Attributes:
        base_dir: The base.
        settings_path: The settings of an update.
        account: The account of preprocess.
        component: Name of the pipe that was annotated for.
        folder: Folder to train in.
        seed: Seed of training.
        gpu_id: GPU to train on; -1: CPU.
    """

    base_dir: Path
    settings_path: Path
    account: dict[str, Any]
    component: str
    folder: Path
    seed: int = 0
    gpu_id: int = -1


def read_annotated(folder: Path, copies: Collection[str], vocab: Vocab) -> list[Doc]:
    """Read the docs of all sets, as a person annotated them; copies are left out."""
    names = [name for name in SETS if name not in copies and (folder / name).exists()]
    return [doc for name in names for doc in read_docs(folder / name, vocab)]


def folds_of(docs: list[Doc]) -> list[int]:
    """Return the number of each doc's fold; docs of the same text are in one fold."""
    keys = [text_key(doc.text) for doc in docs]
    # The order of hashes is as good as random, and the same on every run.
    folds = {key: i % N_FOLDS for i, key in enumerate(sorted({*keys}))}
    return [folds[key] for key in keys]


def ask_all(docs: list[Doc], inputs: Inputs) -> list[Text]:
    """Ask the base, and a specialist for each fold, what they find in annotated docs.

    Raises:
        ValueError: If there are too few docs with annotations to learn from.
    """
    found, completed, new = ask_base(docs, inputs)
    likely: list[dict[Fact, float]] = [{} for _ in docs]
    folds, folder = folds_of(docs), inputs.folder
    for fold in track(range(N_FOLDS), "Training specialists", N_FOLDS, "folds"):
        pairs = [*zip(completed, folds, strict=True)]
        write_docs((d for d, i in pairs if i != fold), folder / "train.spacy")
        write_docs((d for d, i in pairs if i == fold), folder / "dev.spacy")
        numbers = [number for number, i in enumerate(folds) if i == fold]
        scores = ask_specialist([docs[number].text for number in numbers], new, inputs)
        for number, some in zip(numbers, scores, strict=True):
            likely[number] = some
    return [Text(*each) for each in zip(docs, likely, found, strict=True)]


def ask_base(
    docs: list[Doc], inputs: Inputs
) -> tuple[list[set[Fact]], list[Doc], NewLabels]:
    """Ask the base what it finds in annotated docs.

    Returns:
        What it finds in each doc, copies of the docs that are completed by that, as
        specialists learn from them, and the labels that the base does not know.
    """
    account, base = inputs.account, load(inputs.base_dir)
    kind = kind_of(base, inputs.component)
    if (n := len({doc.text for doc in docs if kind.facts(doc)})) < MIN_TEXTS:
        raise ValueError(
            f"{n} texts have annotations, and an audit needs {MIN_TEXTS} or more: with "
            "so few, read all of them again yourself."
        )
    leave_out_others(base, inputs.component)
    found, completed, covered = [], [doc.copy() for doc in docs], Counter()
    texts = [doc.text for doc in docs]
    for doc, predicted in zip(completed, base.pipe(texts), strict=True):
        found.append(kind.facts(predicted))
        covered += kind.covered(doc, predicted)
        kind.complete(doc, predicted, account["labels"])
    carved = find_carved(covered)[-1]
    new = NewLabels(account["new_labels"], carved, account.get("pos", {}))
    return found, completed, new


def ask_specialist(
    texts: list[str], new: NewLabels, inputs: Inputs
) -> list[dict[Fact, float]]:
    """Train a specialist on the docs in the folder; return what it finds likely.

    It is trained as that of an update is, by `configure` and `specialist`.
    """
    base_dir, component, folder = inputs.base_dir, inputs.component, inputs.folder
    nlp, train = open_pipeline(base_dir), folder / "train.spacy"
    overrides = {"paths.train": str(train), "paths.dev": str(folder / "dev.spacy")}
    overrides |= {"paths.rehearsal": str(folder), "system.seed": inputs.seed, **ALONE}
    # Nobody looks at its curves.
    overrides |= {"update.n_evaluations": 1, "training.logger.progress_bar": None}
    starts = {"specialist": "", "start": str(folder / "start")}
    how = (inputs.settings_path, inputs.account, count_words(train), component)
    configs = configs_of(nlp, str(base_dir), *how, "one", overrides, starts)
    write_start(nlp, component, configs, new, starts["start"])
    scores: list[dict[Fact, float]] = [{} for _ in texts]
    # The labels of a second component are learned by that.
    for pipe, config in configs.items():
        path, labels = folder / f"{pipe}.cfg", {*labels_in(config)}
        config.to_disk(path)
        with redirect_stdout(StringIO()):
            train_pipeline(path, folder / pipe, inputs.gpu_id)
        # Not model-best: on a small dev set that can be the untrained pipeline.
        specialist = load(folder / pipe / "model-last")
        with specialist.select_pipes(disable=pipe):
            bare = list(specialist.pipe(texts))
        found = kind_of(specialist, pipe).scored_facts(specialist, pipe, bare)
        for all_of, some in zip(scores, found, strict=True):
            all_of |= {fact: p for fact, p in some.items() if fact[-1] in labels}
    return scores


def to_row(doc: Doc, doubts: list[Doubt], kind: Kind) -> dict[str, Any]:
    """Convert what is doubtful in a doc to a row of `doubts.jsonl`."""

    def to_span(fact: Fact | None) -> dict[str, Any] | None:
        span = kind.to_span(doc, fact) if fact else None
        return span and {**span, "text": kind.text_of(doc, fact)}

    return {
        "text": doc.text,
        "doubts": [
            {
                "kind": doubt.kind,
                "score": round(doubt.score, 2),
                "annotated": to_span(doubt.annotated),
                "suggested": to_span(doubt.suggested),
            }
            for doubt in doubts
        ],
    }


def note_of(doc: Doc, doubt: Doubt, kind: Kind) -> str:
    """Write what is doubtful for a person who corrects the row."""
    facts = [fact for fact in (doubt.annotated, doubt.suggested) if fact]
    texts = [f"{kind.text_of(doc, fact)} ({kind.show(doc, fact)})" for fact in facts]
    return f"{doubt.kind}: {' → '.join(texts)}"


def write_rows(
    rows: list[tuple[Doc, list[Doubt]]], table: str, kind: Kind, output_dir: Path
) -> None:
    """Write rows to correct, what is doubtful in each, and the table, to one folder."""
    tasks = [(doc.text, spans_of(doc, kind.facts(doc), kind)) for doc, _ in rows]
    metas = [{"doubt": note_of(doc, doubts[0], kind)} for doc, doubts in rows]
    with written_whole(output_dir) as part:
        write_tasks(tasks, part, metas)
        lines = (to_row(doc, doubts, kind) for doc, doubts in rows)
        srsly.write_jsonl(part / "doubts.jsonl", lines)
        (part / "doubts.md").write_text(table, encoding="utf-8")


def table_of(
    pairs: list[tuple[Doc, list[Doubt]]], rows: list[tuple[Doc, list[Doubt]]]
) -> str:
    """Count the doubts of each kind: in all rows, and those that come first in some."""
    counts = Counter(doubt.kind for _, doubts in pairs for doubt in doubts)
    first = Counter(doubts[0].kind for _, doubts in rows)
    md = MarkdownRenderer()
    cells = [(name, str(counts[name]), str(first[name])) for name in KINDS]
    header = ("doubt", "in all rows", f"the first in the {len(rows)} rows written")
    md.add(md.table(cells, header))
    return md.text + "\n"


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to update.")],
    annotations_dir: Annotated[Path, typer.Argument(help="What preprocess wrote.")],
    account_path: Annotated[Path, typer.Argument(help="The account of preprocess.")],
    settings_path: Annotated[Path, typer.Argument(help="The settings of the update.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the files to import.")],
    component: Annotated[str, typer.Option(help="Pipe to update.")] = "ner",
    limit: Annotated[int, typer.Option(help="Largest number of rows.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Seed of training.")] = 0,
    gpu_id: Annotated[int, typer.Option(help="GPU to train on; -1: CPU.")] = -1,
) -> None:
    """Write the annotated rows that are most likely wrong or incomplete, first."""
    use_gpu(gpu_id, 1)
    base_dir, account = base_dir.resolve(), srsly.read_json(account_path)
    nlp = open_pipeline(base_dir)
    docs = read_annotated(annotations_dir, account["copies"], nlp.vocab)
    with work_folder(output_dir) as folder:
        how = (settings_path, account, component, folder, seed, gpu_id)
        texts = ask_all(docs, Inputs(base_dir, *how))
    kind = kind_of(nlp, component)
    found = zip(docs, find_doubts(texts, kind, account["labels"]), strict=True)
    pairs = [(doc, doubts) for doc, doubts in found if doubts]
    # The same rows are in the same order on every run.
    rows = nsmallest(limit, pairs, key=lambda pair: (-pair[1][0].score, pair[0].text))
    table = table_of(pairs, rows)
    write_rows(rows, table, kind, output_dir)
    print(table)
    msg.good(
        f"{output_dir}: of {len(docs)} rows {len(pairs)} are in doubt, {len(rows)} of "
        "them to correct, the most doubtful first"
    )


if __name__ == "__main__":
    run(main)
