"""Print the verdict on the update, and how to try it. The last step.

Input: what `evaluate` and `install_check` wrote, the folder of packages, and the report
if there is one. Exit code 1 if the update forgot or learned too little.

    python -m scripts.verdict training/metrics.json training/changes.jsonl \
        training/install-check.json training/report.html packages
"""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from wasabi import msg

from scripts.command import run
from scripts.evaluation.verdict import choose_example, cure, headline, verdict


def main(
    metrics_path: Annotated[Path, typer.Argument(help="JSON file of the scores.")],
    changes_path: Annotated[Path, typer.Argument(help="JSONL file of the changes.")],
    check_path: Annotated[Path, typer.Argument(help="What install_check found.")],
    report_path: Annotated[Path, typer.Argument(help="The report; may be missing.")],
    packages_dir: Annotated[Path, typer.Argument(help="Folder of packages.")],
) -> None:
    """Print the verdict on the update, and how to try it."""
    metrics = srsly.read_json(metrics_path)
    if not metrics["passed"]:
        sentences = [headline(metrics), *verdict(metrics), cure(metrics)]
        raise ValueError(" ".join(sentences))
    checked = srsly.read_json(check_path)
    wheel, speed = checked["wheel"], checked["speed"]
    is_proven = metrics["verdict"] == "passed"
    (msg.good if is_proven else msg.warn)(headline(metrics))
    for sentence in verdict(metrics):
        msg.good(sentence)
    if not is_proven:
        msg.info(cure(metrics))
    msg.info(
        f"Speed: about {speed['ratio']:.2f} of the base's ({speed['updated']:,} words "
        f"per second, the base {speed['base']:,})."
    )
    if report_path.exists():
        msg.info(f"Report: {report_path}")
    # Not wasabi, which would wrap lines that are to be copied.
    show = checked["show"].format(text=choose_example(srsly.read_jsonl(changes_path)))
    path = next(packages_dir.glob(f"*/dist/{wheel}"), wheel)
    print(f"\npip install {path}\n")
    print(f'import spacy\nnlp = spacy.load("{wheel.split("-")[0]}")\nprint({show})')


if __name__ == "__main__":
    run(main)
