"""Compare any two pipelines on any annotated file: the report without an update.

Input: two pipelines, installed or in folders, and annotations of any format that
`preprocess` reads. Output: a folder of `report.html`, `report.md`, `metrics.json` and
`changes.jsonl`.

    python -m scripts.compare en_core_web_sm training/update/model-best \
        assets/annotations/test.jsonl training/compare
"""

from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from wasabi import msg

from scripts.annotations.account import Account
from scripts.annotations.convert import Options, convert, look
from scripts.command import run
from scripts.evaluation.metrics import METRICS_VERSION, print_test, run_tests
from scripts.evaluation.tally import Tally
from scripts.files import written_whole
from scripts.progress import track
from scripts.reporting.origin import versions
from scripts.reporting.report import write_report


def main(
    base: Annotated[str, typer.Argument(help="One pipeline.")],
    updated: Annotated[str, typer.Argument(help="The other.")],
    annotated: Annotated[str, typer.Argument(help="Gold: file, folder or glob.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder of the report.")],
    n_process: Annotated[int, typer.Option(help="Processes; -1: all cores.")] = 1,
) -> None:
    """Compare two pipelines on annotations, and write the report."""
    first, second = spacy.load(base), spacy.load(updated)
    account = Account()
    plans, labels = look(annotated, Options())
    converted = convert(plans, 0, first, Options(), labels, account)
    docs = track((doc for *_, doc in converted), f"Annotating {annotated}")
    tally = Tally(frozenset(labels), frozenset(first.pipe_labels.get("ner", [])))
    with written_whole(output_dir) as folder:
        folder.mkdir()
        rows = run_tests(first, second, {"test": docs}, {"test": tally}, n_process)
        srsly.write_jsonl(folder / "changes.jsonl", rows)
        if not account.rows["in"]:
            raise ValueError(f"{annotated} has no row: nothing to compare on.")
        metrics = {"version": METRICS_VERSION, "test": tally.to_json()}
        srsly.write_json(folder / "metrics.json", metrics)
        rejected = account.to_json()["rows"]["rejected"]
        write_report(
            folder / "report.html",
            folder / "report.md",
            srsly.read_jsonl(folder / "changes.jsonl"),
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
                ("Rows", [(k, str(n)) for k, n in account.to_json()["rows"].items()]),
            ],
            config="",
        )
    print_test("test", metrics["test"])
    msg.good(f"{rejected} rows rejected; report: {output_dir / 'report.html'}")


if __name__ == "__main__":
    run(main)
