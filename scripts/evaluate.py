"""Score the base and the updated pipeline side by side, and find what changed.

Input: both pipelines, the new test as a person annotated it and the old test,
`.spacy` files, and what was counted of them. Output: `training/metrics.json`, with the
verdict that `package` goes by, a row of JSON for each changed passage, and a table.

    python -m scripts.evaluate training/base training/update/model-best \
        corpus/update corpus/preprocess.json corpus/rehearse.json \
        training/metrics.json training/changes.jsonl
"""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from spacy.language import Language
from spacy.util import get_model_meta
from wasabi import msg
from weasel.util.hashing import get_checksum

from scripts.command import run, track
from scripts.docs import count_docs, read_docs
from scripts.evaluation.metrics import (
    new_tallies,
    pass_gates,
    print_test,
    run_tests,
    to_metrics,
    verdict,
)
from scripts.files import written_whole
from scripts.pipelines import load, use_gpu


def labels_in(path: Path) -> set[str]:
    """Give the labels of the entities in docs."""
    return {ent.label_ for doc in read_docs(path) for ent in doc.ents}


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline before.")],
    updated_dir: Annotated[Path, typer.Argument(help="The pipeline after.")],
    corpus_dir: Annotated[Path, typer.Argument(help="What rehearse wrote.")],
    account_path: Annotated[Path, typer.Argument(help="What preprocess counted.")],
    rehearse_path: Annotated[Path, typer.Argument(help="What rehearse counted.")],
    metrics_path: Annotated[Path, typer.Argument(help="JSON file of scores.")],
    changes_path: Annotated[Path, typer.Argument(help="JSON Lines of changes.")],
    min_retention: Annotated[float, typer.Option(help="Least old F ÷ base F.")] = 0.0,
    min_new_f: Annotated[float, typer.Option(help="Least F on the new test.")] = 0.0,
    n_process: Annotated[int, typer.Option(help="Processes; -1: all cores.")] = 1,
    gpu_id: Annotated[int, typer.Option(help="GPU to run on alone; -1: CPU.")] = -1,
) -> None:
    """Score the base and the updated pipeline, and find what changed."""
    n_process = use_gpu(gpu_id, n_process)
    paths = {n: corpus_dir / n for n in ("test", "old_test")}
    is_gold = srsly.read_json(rehearse_path)["old_test_is_gold"]
    labels = srsly.read_json(account_path)["labels"]
    known = get_model_meta(base_dir)["labels"]
    # Of what gold lacks, as what an earlier update taught, nobody looked for any.
    unseen = {*known["ner"]} - labels_in(paths["old_test"]) if is_gold else set()
    tallies = new_tallies(known, labels, {*known["ner"]} - unseen)
    tests = {
        name: track(read_docs(path), f"Annotating {path}", count_docs(path))
        for name, path in zip(tallies, paths.values(), strict=True)
    }

    def load_both() -> tuple[Language, Language]:
        return load(base_dir), load(updated_dir)

    with written_whole(changes_path) as part:
        srsly.write_jsonl(part, run_tests(load_both, tests, tallies, n_process))
    metrics = to_metrics(tallies)
    metrics |= pass_gates(metrics, min_retention, min_new_f)
    metrics |= {"old_test_is_gold": is_gold, "pipeline": get_checksum(updated_dir)}
    with written_whole(metrics_path) as part:
        srsly.write_json(part, metrics)
    for name in tests:
        print_test(f"{name} test", metrics[name])
    if unseen:
        names = ", ".join(sorted(unseen))
        msg.warn(f"Not in the old test: {names}. Whether it is kept is not measured.")
    if not is_gold:
        msg.info("The old test is the base's own annotations of text nobody saw.")
    msg.text(
        "Of the old entities that the base found, {kept} are kept, {moved} have a new "
        "label, {forgotten} are forgotten.".format(**metrics["fates"])
    )
    say = msg.good if metrics["passed"] else msg.warn
    for sentence in verdict(metrics):
        say(sentence)
    msg.text(f"Written: {metrics_path}, {changes_path}")


if __name__ == "__main__":
    run(main)
