"""Pseudo-rehearsal: the base annotates what the update must not forget.

The base annotates raw text, and completes the new annotations. Input: the folder that
`preprocess` wrote, and raw text: JSON Lines with `text`, `.txt` with a paragraph a
line, or Parquet. Output: the rehearsal docs, with a manifest; folders of `.spacy`
files: `train` and `dev`, completed (`dev` with some rehearsal docs), `earlier`, what is
trained on of all earlier rounds, completed, `old_test`, and `test`, `corrections`,
`must_pass` and the tests of earlier rounds as the person made them; and the completed
annotations as rows, so that the base's errors in them can be corrected and fed back in.

If it is stopped and started again, it continues with the first shard that is missing.

    python -m scripts.rehearse training/base corpus/annotations assets/raw \
        corpus/preprocess.json corpus/update corpus/rehearsal
"""

from collections import Counter
from collections.abc import Collection, Iterable
from math import ceil
from pathlib import Path
from random import Random
from typing import Annotated, Any

import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import msg

from scripts.command import run, track
from scripts.components import kind_of, labels_of
from scripts.docs import EARLIER, REHEARSAL, read_docs, write_files
from scripts.files import remove, written_whole
from scripts.scale.pipelines import load_component, use_gpu
from scripts.scale.raw import count_texts, read_texts
from scripts.scale.shards import MANIFEST, SHARD_SIZE, annotate_all, checksum
from scripts.scale.sort import Sorter
from scripts.scale.start import Engine, start
from scripts.scale.storage import as_path

SPLITS = ("train", "dev", "test", "old_test", "corrections", "must_pass")
# The least share of the annotations of a label that overlap a label of the base, if it
# was carved out of that.
CARVED = 0.05
# Labels of the base that are named, of those that annotations overlap.
N_SHOWN = 5


def complete_all(
    docs: Iterable[Doc], nlp: Language, component: str, labels: Collection[str]
) -> tuple[list[dict[str, Any]], int, Counter[tuple[str, str]]]:
    """Complete annotated docs, in place, with what the base predicts.

    Returns:
        The docs as rows that can be corrected and fed back in; the number of
        annotations that the base added; how many annotations overlap which label that
        the base predicts.
    """
    kind = kind_of(nlp, component)
    rows, n_added, covered = [], 0, Counter()
    for doc in docs:
        predicted = nlp(doc.text)
        covered += kind.covered(doc, predicted)
        added = kind.complete(doc, predicted, labels)
        rows.append(kind.to_row(doc, added, added - kind.facts(predicted)))
        n_added += len(added)
    return rows, n_added, covered


def complete_earlier(
    paths: dict[str, Path],
    rounds: dict[str, list[str]],
    nlp: Language,
    component: str,
) -> list[Doc]:
    """Complete what is trained on of earlier rounds: each has labels of its own.

    Their paths are taken out of `paths`; `rounds` are the labels of each by its name.
    """
    every = []
    for number, labels in enumerate(rounds.values(), start=1):
        if path := paths.pop(f"earlier_{number}_train", None):
            docs = list(read_docs(path))
            complete_all(docs, nlp, component, labels)
            every += docs
    # A pass of training may read a part of them: of every round.
    Random(0).shuffle(every)
    return every


def find_carved(
    covered: Counter[tuple[str, str]],
) -> tuple[Counter[str], Counter[str], dict[str, list[str]]]:
    """Find out which labels of the base each annotated label was carved out of.

    Returns:
        How many annotations have each label; how many of all annotations overlap each
        label of the base; and for each label those that a share of them overlap.
    """
    marks, calls = Counter(), Counter()
    for (label, other), n in covered.items():
        (calls if other else marks)[other or label] += n
    carved = {label: [] for label in sorted(marks)}
    for (label, other), n in sorted(covered.items(), key=lambda x: (-x[1], x[0])):
        if other and n >= CARVED * marks[label]:
            carved[label].append(other)
    return marks, calls, carved


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to update.")],
    annotations_dir: Annotated[Path, typer.Argument(help="What preprocess wrote.")],
    raw: Annotated[str, typer.Argument(help="Raw text: file, folder or glob.")],
    preprocess_path: Annotated[Path, typer.Argument(help="The account of preprocess.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the completed docs.")],
    rehearsal: Annotated[str, typer.Argument(help="Folder for the rehearsal docs.")],
    account_path: Annotated[
        Path, typer.Option("--account", help="JSON file for the counts.")
    ] = Path("account.json"),
    completed_path: Annotated[
        Path, typer.Option("--completed", help="File for the completed docs as rows.")
    ] = Path("completed.jsonl"),
    component: Annotated[str, typer.Option(help="Pipe to update.")] = "ner",
    n_process: Annotated[
        int, typer.Option(help="Number of processes; -1: one for each core.")
    ] = 1,
    engine: Annotated[
        Engine, typer.Option(help="Annotate here, or on the cluster at RAY_ADDRESS.")
    ] = "local",
    gpu_id: Annotated[int, typer.Option(help="GPU to annotate on; -1: CPU.")] = -1,
) -> None:
    """Annotate raw text with the base, and complete the new annotations."""
    n_process, base_dir = use_gpu(gpu_id, n_process), base_dir.resolve()
    folder = as_path(rehearsal).resolve()
    if folder == Path.cwd():
        raise ValueError(
            f"vars.rehearsal is '{rehearsal}', the project itself: set it to a folder "
            "of its own, such as corpus/rehearsal."
        )
    account = srsly.read_json(preprocess_path)
    of_earlier = account.get("earlier", {})
    names = [*SPLITS, *of_earlier.get("docs", ())]
    paths = {n: annotations_dir / n for n in names if (annotations_dir / n).exists()}
    if missing := {"train", "dev"} - paths.keys():
        names = ", ".join(sorted(missing))
        raise ValueError(f"{annotations_dir} has no {names}: run preprocess first.")
    # Loaded before processes start, so that they do not load it again.
    sorter = Sorter(paths, load_component(base_dir, component).lang)
    n_shards = ceil(count_texts(raw) / SHARD_SIZE)
    with start(engine, n_process) as workers:
        parts = sorter.parts(read_texts(raw))
        shards = annotate_all(parts, base_dir, component, folder, workers)
        lines = list(track(shards, f"Annotating {raw}", n_shards, "shards"))
    sorter.check(raw)

    nlp = load_component(base_dir, component)
    kind = kind_of(nlp, component)
    rounds = of_earlier.get("rounds", {})
    earlier = complete_earlier(paths, rounds, nlp, component)
    docs = {name: list(read_docs(path)) for name, path in paths.items()}
    how = (nlp, component, account["labels"])
    rows, n_added, pairs = complete_all(docs["train"], *how)
    dev_rows, n_added_to_dev, _ = complete_all(docs["dev"], *how)
    # Corrections may have no dev set of their own.
    if "dev" not in account["copies"]:
        rows, n_added = rows + dev_rows, n_added + n_added_to_dev
    marks, calls, carved = find_carved(pairs)
    for name, texts in sorter.held_out.items():
        docs.setdefault(name, []).extend(nlp.pipe(texts))
    for doc in docs["dev"][-sorter.counts["dev"] :]:
        doc.cats[REHEARSAL] = 1.0
    # Written last: later steps take all of one run, or nothing.
    remove(account_path)
    with written_whole(output_dir) as part:
        for name, some in {**docs, EARLIER: earlier}.items():
            write_files(some, part / name)
    with written_whole(completed_path) as part:
        srsly.write_jsonl(part, rows)
    repaired = sum(any(s["source"] == "repair" for s in r["spans"]) for r in rows)
    facts = Counter(fact[-1] for doc in earlier for fact in kind.facts(doc))
    for line in lines:
        facts.update(line["facts"])
    account = {
        "completed": n_added,
        "repaired": repaired,
        "annotations": marks.total(),
        "base_calls_them": dict(calls.most_common()),
        "carved": carved,
        # For later steps, which do not depend on what the tests hold.
        "new_labels": account["new_labels"],
        "pos": account.get("pos", {}),
        "rehearsal": sorter.counts[REHEARSAL],
        "earlier": len(earlier),
        # How often each label of the base occurs in what is rehearsed.
        "facts": {label: facts[label] for label in labels_of(nlp, component)},
        "manifest": checksum(folder / MANIFEST),
        "repeated": sorter.counts["repeated"],
        "foreign": sorter.counts["foreign"],
        "old_dev": sorter.counts["dev"],
        "old_test": len(docs["old_test"]),
        "old_test_is_gold": "old_test" in paths,
    }
    with written_whole(account_path) as part:
        srsly.write_json(part, account)
    msg.good(
        f"{rehearsal}: {account['rehearsal']} rehearsal docs; {account['repeated']} "
        f"texts are known or repeated, {account['foreign']} in another language"
    )
    if calls:
        some = ", ".join(f"{n} {label}" for label, n in calls.most_common(N_SHOWN))
        rest = " …" if len(calls) > N_SHOWN else ""
        print(f"Of {marks.total()} annotations the base calls {some}{rest}.")
    if repaired:
        print(f"In {repaired} docs the base's tree was repaired to hold annotations.")
    msg.good(
        f"{output_dir}: the base added {n_added} annotations, see {completed_path}"
    )


if __name__ == "__main__":
    run(main)
