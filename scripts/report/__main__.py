"""Write the report: did it learn, did it forget, and what exactly changed?

Input: what `evaluate` wrote, and what earlier steps noted of how the update was made.
Output: one HTML file that needs nothing else, and the same tables as Markdown.

    python -m scripts.report training/metrics.json training/changes.jsonl \
        training/report.html training/report.md --log training/log.jsonl \
        --config training/update.cfg --experiment training/experiment.svg
"""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from wasabi import msg

from scripts.command import run
from scripts.evaluation.metrics import verdict
from scripts.report.charts import draw_training, tell_training, to_uri
from scripts.report.origin import made_of
from scripts.report.write import write_report

TITLE = "What the update changed"
TRAINING = (
    "Old F, new F and the loss by training step, on dev. Old F is measured on the "
    "base's own annotations of raw text."
)
EXPERIMENT = "Two plots: old F kept against new F learned, and the learning curve."
TABLE = "All runs of the experiment, in figures: training/experiment.md."


def main(
    metrics_path: Annotated[Path, typer.Argument(help="What evaluate measured.")],
    changes_path: Annotated[Path, typer.Argument(help="What evaluate saw change.")],
    html_path: Annotated[Path, typer.Argument(help="The page to write.")],
    markdown_path: Annotated[Path, typer.Argument(help="The same tables.")],
    log: Annotated[Path, typer.Option(help="What training logged.")],
    config: Annotated[Path, typer.Option(help="The training config.")],
    experiment: Annotated[Path, typer.Option(help="Its plot, if there is one.")],
    notes: Annotated[
        list[Path] | None, typer.Option("--note", help="JSON of earlier steps.")
    ] = None,
) -> None:
    """Write the report of an update, as HTML and as Markdown."""
    metrics = srsly.read_json(metrics_path)
    lines = list(srsly.read_jsonl(log))
    images = []
    if lines:
        image = to_uri(draw_training(lines))
        images.append((image, "Training", tell_training(lines), TRAINING))
    if experiment.exists():
        image = to_uri(experiment.read_bytes())
        images.append((image, "Ways of updating", EXPERIMENT, TABLE))
    write_report(
        html_path,
        markdown_path,
        srsly.read_jsonl(changes_path),
        title=TITLE,
        metrics=metrics,
        verdict=verdict(metrics),
        images=images,
        made=made_of(config, notes or []),
        config=config.read_text(encoding="utf-8"),
    )
    msg.good(f"Report: {html_path}, {markdown_path}")


if __name__ == "__main__":
    run(main)
