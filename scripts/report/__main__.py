"""Write the report: what the update learned, what it forgot, and each changed passage.

Input: what `evaluate` wrote, what earlier steps counted, and how training went. Output:
one HTML file that needs nothing else.

    python -m scripts.report training/metrics.json training/changes.jsonl \
        training/names.jsonl training/report.html --log training/update.jsonl \
        --config training/configs/update.cfg --note corpus/preprocess.json \
        --experiment training/experiment.svg
"""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from wasabi import msg

from scripts.command import run
from scripts.evaluation.metrics import read_metrics
from scripts.report.charts import draw_training, tell_training, to_uri
from scripts.report.origin import made_of
from scripts.report.page import write_page

TRAINING = "F on dev and the loss, by training step."
OLD = "F on the old labels is measured on the base's own annotations of raw text."
EXPERIMENT = "Two plots: F on old labels against F on new ones, and a learning curve."
TABLE = "All runs of the experiment as a table: training/experiment.md."


def main(
    metrics_path: Annotated[Path, typer.Argument(help="JSON file of the scores.")],
    changes_path: Annotated[Path, typer.Argument(help="JSONL file of the changes.")],
    names_path: Annotated[Path, typer.Argument(help="JSONL file of changed names.")],
    html_path: Annotated[Path, typer.Argument(help="HTML file for the report.")],
    log: Annotated[Path, typer.Option(help="Log of the training.")],
    config: Annotated[Path, typer.Option(help="Config of the training.")],
    updated: Annotated[
        Path | None, typer.Option(help="Pipeline that the scores have to be of.")
    ] = None,
    experiment: Annotated[
        Path | None, typer.Option(help="Plot of an experiment; may be missing.")
    ] = None,
    notes: Annotated[
        list[Path] | None, typer.Option("--note", help="JSON file of an earlier step.")
    ] = None,
) -> None:
    """Write the report of an update as a page."""
    if updated:
        read_metrics(metrics_path, updated)
    lines = list(srsly.read_jsonl(log))
    images = []
    if lines:
        image = to_uri(draw_training(lines))
        text = tell_training(lines)
        caption = f"{TRAINING} {OLD}" if "old labels" in text else TRAINING
        images.append((image, "Training", text, caption))
    if experiment and experiment.exists():
        image = to_uri(experiment.read_bytes())
        images.append((image, "Ways to update", EXPERIMENT, TABLE))
    write_page(
        html_path,
        srsly.read_json(metrics_path),
        srsly.read_jsonl(changes_path),
        names=srsly.read_jsonl(names_path),
        images=images,
        made=made_of(config, notes or []),
        config=config.read_text(encoding="utf-8"),
    )
    msg.good(f"Report: {html_path}")


if __name__ == "__main__":
    run(main)
