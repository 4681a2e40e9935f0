"""Compare any two pipelines on any annotated file: the report without an update.

Input: two pipelines, installed or in folders, and annotations of any format that
`preprocess` reads. Output: a folder of `report.html`, `report.md`, `metrics.json` and
`changes.jsonl`.

    python -m scripts.extras.compare en_core_web_sm training/update/model-best \
        assets/annotations/test.jsonl training/compare
"""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from wasabi import msg

from scripts.annotations.account import Account
from scripts.annotations.convert import Options, convert_split, look
from scripts.command import run, track
from scripts.evaluation.metrics import METRICS_VERSION, print_test, run_tests
from scripts.evaluation.tally import Tally
from scripts.files import written_whole
from scripts.pipelines import load
from scripts.report.origin import versions
from scripts.report.write import write_report

# Rejected rows that the report names.
MAX_NAMED = 100


def main(
    base: Annotated[str, typer.Argument(help="One pipeline.")],
    updated: Annotated[str, typer.Argument(help="The other.")],
    annotated: Annotated[str, typer.Argument(help="Gold: file, folder or glob.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder of the report.")],
    n_process: Annotated[int, typer.Option(help="Processes; -1: all cores.")] = 1,
) -> None:
    """Compare two pipelines on annotations, and write the report."""
    both = first, _ = load(base), load(updated)
    account = Account()
    plans, labels = look(annotated, Options())
    converted = convert_split(plans, 0, first, Options(), labels, account)
    docs = track((doc for *_, doc in converted), f"Annotating {annotated}")
    tally = Tally(frozenset(labels), frozenset(first.pipe_labels.get("ner", [])))
    changes_path = output_dir / "changes.jsonl"
    with written_whole(changes_path) as part:
        changes = run_tests(lambda: both, {"test": docs}, {"test": tally}, n_process)
        srsly.write_jsonl(part, changes)
    counts = account.to_json()
    n_in, n_rejected = counts["rows"]["in"], counts["rows"]["rejected"]
    if n_in == n_rejected:
        reasons = ", ".join(counts["reasons"]) or "there is none"
        raise ValueError(f"No row of {annotated} can be compared on: {reasons}.")
    metrics = {"version": METRICS_VERSION, "test": tally.to_json()}
    with written_whole(output_dir / "metrics.json") as part:
        srsly.write_json(part, metrics)
    write_report(
        output_dir / "report.html",
        output_dir / "report.md",
        srsly.read_jsonl(changes_path),
        title=f"{base} and {updated}",
        metrics=metrics,
        verdict=[],
        images=[],
        made=[
            ("Versions", versions()),
            (
                "Pipelines",
                [("base", base), ("updated", updated), ("annotations", annotated)],
            ),
            ("Rows", [(kind, str(n)) for kind, n in counts["rows"].items()]),
            ("Rejected", [(str(row), "") for row in account.rejected[:MAX_NAMED]]),
        ],
        config="",
    )
    print_test("test", metrics["test"])
    msg.good(f"{n_rejected} of {n_in} rows rejected: {output_dir / 'report.html'}")


if __name__ == "__main__":
    run(main)
