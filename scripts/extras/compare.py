"""Compare any two pipelines on any annotations: the report without an update.

Input: two pipelines, installed or in folders, and annotations of any format that
`preprocess` reads. Output: a folder with `report.html`, `report.md`, `metrics.json` and
`changes.jsonl`.

    python -m scripts.extras.compare en_core_web_sm training/update/model-best \
        assets/annotations/test.jsonl training/compare
"""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from wasabi import msg

from scripts.annotations.account import in_line
from scripts.annotations.align import Options
from scripts.annotations.convert import convert_file
from scripts.command import run
from scripts.components import labels_of
from scripts.evaluation.cases import annotate
from scripts.evaluation.changes import find_changes
from scripts.evaluation.layout import print_tests, write_markdown
from scripts.evaluation.metrics import METRICS_VERSION
from scripts.evaluation.scores import score
from scripts.files import written_whole
from scripts.report.origin import versions
from scripts.report.page import write_page
from scripts.scale.pipelines import load

# Rejected rows that the report names.
MAX_NAMED = 100


def main(
    base: Annotated[str, typer.Argument(help="One pipeline: installed, or a path.")],
    updated: Annotated[str, typer.Argument(help="The other pipeline.")],
    annotations: Annotated[str, typer.Argument(help="Gold: file, folder or glob.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the report.")],
    component: Annotated[str, typer.Option(help="Pipe to compare.")] = "ner",
    n_process: Annotated[
        int, typer.Option(help="Number of processes; -1: all cores.")
    ] = 1,
) -> None:
    """Compare two pipelines on annotations, and write the report."""
    both = first, _ = load(base), load(updated)
    options = Options(component=component)
    gold, account, labels = convert_file(annotations, first, options)
    cases = annotate(both, gold, component, n_process)
    counts = account.to_json()
    n_in, n_rejected = counts["rows"]["in"], counts["rows"]["rejected"]
    if n_in == n_rejected:
        reasons = ", ".join(counts["reasons"]) or "there is none"
        raise ValueError(f"No row of {annotations} can be compared on: {reasons}.")
    metrics = {"version": METRICS_VERSION, "test": score(cases, labels)}
    with written_whole(output_dir / "metrics.json") as part:
        srsly.write_json(part, metrics)
    known = labels_of(first, component)
    rows = find_changes(cases, labels, known)
    title, changes = f"{base} and {updated}", [{"test": "test", **row} for row in rows]
    with written_whole(output_dir / "changes.jsonl") as part:
        srsly.write_jsonl(part, changes)
    write_markdown(output_dir / "report.md", metrics, changes, title)
    names = ("base", "updated", "annotations")
    made = [
        ("Versions", versions()),
        ("Pipelines", [*zip(names, (base, updated, annotations), strict=True)]),
        ("Rows", [(kind, str(n)) for kind, n in counts["rows"].items()]),
        ("Rejected", [(in_line(row), "") for row in account.rejected[:MAX_NAMED]]),
    ]
    page = output_dir / "report.html"
    write_page(page, metrics, changes, title, images=[], made=made, config="")
    print_tests(metrics)
    if not metrics["test"]["gold"]:
        msg.warn(f"{annotations} has no annotation for {component}: nothing is scored.")
    msg.good(f"{n_rejected} of {n_in} rows rejected: {page}")


if __name__ == "__main__":
    run(main)
