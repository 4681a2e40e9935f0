"""Score the base and the updated pipeline, and find what changed.

Input: both pipelines, the new test as a person annotated it, the old test, the tests of
earlier rounds, and what earlier steps counted. Output: `training/metrics.json` with the
gates that `package` goes by, a row of JSON for each changed passage and for each name
that is found more or less often, and the scores as Markdown.

    python -m scripts.evaluate training/base training/update/model-best \
        corpus/update corpus/preprocess.json corpus/rehearse.json \
        training/metrics.json training/changes.jsonl training/names.jsonl \
        training/report.md
"""

from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from wasabi import msg
from weasel.util.hashing import get_checksum

from scripts.command import run
from scripts.components import kind_of, labels_of
from scripts.docs import AGAIN, read_docs
from scripts.evaluation.cases import add_sure, annotate
from scripts.evaluation.changes import find_changes, list_corrections, list_must_pass
from scripts.evaluation.gates import ENOUGH, GATES, MustPass, pass_gates
from scripts.evaluation.layout import print_tests, write_markdown
from scripts.evaluation.metrics import surface, to_metrics
from scripts.evaluation.names import find_absent, list_names
from scripts.evaluation.scores import score
from scripts.files import remove, written_whole
from scripts.scale.pipelines import is_unrelated, load, use_gpu
from scripts.vars import read_gates, read_watch


def list_rounds(
    account: dict[str, Any], corpus_dir: Path
) -> dict[str, tuple[Path, list[str]]]:
    """List the tests of earlier rounds by name: the folder, and the labels that count.

    `account` is that of `preprocess`.
    """
    tests, earlier = {}, account.get("earlier", {})
    for number, (name, labels) in enumerate(earlier.get("rounds", {}).items(), 1):
        folder = f"earlier_{number}_test"
        if earlier["docs"].get(folder):
            tests[f"earlier round {name}"] = (corpus_dir / folder, labels)
    return tests


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline before the update.")],
    updated_dir: Annotated[Path, typer.Argument(help="The pipeline after it.")],
    corpus_dir: Annotated[Path, typer.Argument(help="Folder of test and old_test.")],
    account_path: Annotated[Path, typer.Argument(help="What preprocess counted.")],
    rehearse_path: Annotated[Path, typer.Argument(help="What rehearse counted.")],
    metrics_path: Annotated[Path, typer.Argument(help="JSON file for the scores.")],
    changes_path: Annotated[Path, typer.Argument(help="JSONL file for the changes.")],
    names_path: Annotated[Path, typer.Argument(help="JSONL file for changed names.")],
    report_path: Annotated[Path, typer.Argument(help="Markdown file for the scores.")],
    component: Annotated[str, typer.Option(help="Pipe that was updated.")] = "ner",
    min_retention: Annotated[
        float, typer.Option(help="Gate: least F on the old labels after ÷ before.")
    ] = GATES["min_retention"],
    min_new_f: Annotated[
        float, typer.Option(help="Gate: least F on the new test, from 0 to 1.")
    ] = GATES["min_new_f"],
    max_changed: Annotated[
        float,
        typer.Option(
            help="Gate without gold of the old labels: largest share changed, from 0 "
            "to 1, of what the base is sure of."
        ),
    ] = GATES["max_changed"],
    must_pass_gate: Annotated[
        MustPass,
        typer.Option(
            help="Gate: which must-pass sentences have to pass: kept, those that the "
            "base passes; or all."
        ),
    ] = "kept",
    gates: Annotated[
        str, typer.Option(help="Gates of labels, such as 'ORG 0.97, DRUG f 0.6'.")
    ] = "",
    watch: Annotated[
        str, typer.Option(help="Text file of names to list first, one a line.")
    ] = "",
    n_process: Annotated[
        int, typer.Option(help="Number of processes; -1: all cores.")
    ] = 1,
    gpu_id: Annotated[int, typer.Option(help="GPU to annotate on; -1: CPU.")] = -1,
) -> None:
    """Score the base and the updated pipeline, and find what changed."""
    # Written last, so that no step takes older scores, or some files of two runs.
    remove(metrics_path)
    watched, label_gates = read_watch(watch), read_gates(gates)
    n_process = use_gpu(gpu_id, n_process)
    pipelines = load(base_dir), load(updated_dir)
    base, kind = pipelines[0], kind_of(pipelines[0], component)
    base_labels = {*labels_of(base, component)}
    paths = {"new": corpus_dir / "test", "old": corpus_dir / "old_test"}
    account, rehearsed = map(srsly.read_json, (account_path, rehearse_path))
    rounds = list_rounds(account, corpus_dir)
    paths |= {name: path for name, (path, _) in rounds.items()}
    tests = {name: [*read_docs(path)] for name, path in paths.items()}
    if empty := [path for name, path in paths.items() if not tests[name]]:
        raise ValueError(f"{empty[0]} has no docs: {AGAIN}")

    # Gold from before an earlier update lacks what that update taught: nobody annotated
    # it there, so it does not count.
    is_gold = rehearsed["old_test_is_gold"]
    in_gold = {fact[-1] for doc in tests["old"] for fact in kind.facts(doc)}
    unseen = base_labels - in_gold if is_gold else set()
    unseen = {label for label in unseen if not kind.is_internal(label)}
    labels = {"new": account["labels"], "old": base_labels - unseen}
    labels |= {name: some for name, (_, some) in rounds.items()}
    # Others may find them too, such as an entity ruler; what the component is to learn
    # is new all the same.
    others = (n for n in base.pipe_names if not is_unrelated(base, n, kind))
    theirs = {label for n in others for label in base.pipe_labels.get(n, ())}
    known = base_labels | (theirs - {*account["labels"]})

    cases = {
        name: annotate(pipelines, docs, component, n_process)
        for name, docs in tests.items()
    }
    cases["old"] = add_sure(cases["old"], base, component)
    train = read_docs(corpus_dir / "train")
    seen = {surface(kind, doc, fact) for doc in train for fact in kind.facts(doc)}
    earlier = [{"name": name, **score(cases[name], labels[name])} for name in rounds]
    # What a round's own test can judge is not judged by what the base finds.
    in_rounds = [
        (label, each["gold"])
        for each in earlier
        for label, both in each["labels"].items()
        if both["gold"]
    ]
    tested = {label for label, n_gold in in_rounds if n_gold >= ENOUGH}
    how = (labels, known, rehearsed["carved"], is_gold, seen, tested)
    metrics = {**to_metrics(cases, *how), "earlier": earlier}
    unseen -= {label for label, _ in in_rounds}
    metrics["untested"] += sorted(unseen - {*account["labels"]})
    metrics["test_is_train"] = "test" in account["copies"]
    if (corpus_dir / "corrections").exists():
        docs = [*read_docs(corpus_dir / "corrections")]
        corrected = annotate(pipelines, docs, component, n_process)
        metrics["corrections"] = list_corrections(corrected, labels["new"])
    if (corpus_dir / "must_pass").exists():
        docs = [*read_docs(corpus_dir / "must_pass")]
        checked = annotate(pipelines, docs, component, n_process)
        metrics["must_pass"] = list_must_pass(checked)
    limits = (min_retention, min_new_f, max_changed, must_pass_gate, label_gates)
    metrics |= pass_gates(metrics, *limits)
    metrics["pipeline"] = get_checksum(updated_dir)
    changes = [
        {"test": name, **row}
        for name in tests
        for row in find_changes(cases[name], labels[name], known)
    ]
    with written_whole(changes_path) as part:
        srsly.write_jsonl(part, changes)
    with written_whole(names_path) as part:
        srsly.write_jsonl(part, list_names(cases["old"], watched, is_gold))
    write_markdown(report_path, metrics, changes)
    with written_whole(metrics_path) as part:
        srsly.write_json(part, metrics)

    print_tests(metrics)
    if absent := find_absent(cases["old"], watched):
        names = ", ".join(absent)
        msg.warn(f"Names in vars.watch that occur in no text of the old test: {names}")
    if unseen:
        names = ", ".join(sorted(unseen))
        msg.warn(f"Not in the old test: {names}. Whether it is kept is not measured.")
    n_new, n_old = (metrics[name]["docs"] for name in ("new", "old"))
    msg.good(
        f"Scored {n_new} docs of the new and {n_old} of the old test: {metrics_path}"
    )


if __name__ == "__main__":
    run(main)
