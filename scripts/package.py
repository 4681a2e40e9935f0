"""Build the package of the updated pipeline, if it passed the gates.

Input: the updated pipeline, the base and `training/metrics.json`. Output: an sdist and
a wheel in a folder of `packages`, with the scores in its meta data and a model card.
Exit code 1 if the update forgot or learned too little.

    python -m scripts.package training/update/model-best training/base \
        training/metrics.json packages --name ner_update --version 0.1.0
"""

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Annotated

import spacy
import srsly
import typer
from spacy.language import Language
from wasabi import msg

from scripts.command import NO_SPACE, run
from scripts.evaluation.card import describe, to_card
from scripts.evaluation.layout import read_notes
from scripts.evaluation.metrics import read_metrics
from scripts.evaluation.verdict import cure, headline, verdict
from scripts.files import remove, work_folder, written_whole


def build(nlp: Language, card: str, package_dir: Path) -> Path:
    """Build the sdist and the wheel with `spacy package`, and return the wheel.

    Raises:
        ValueError: If the build fails; then its output is printed.
        OSError: If the disk is full.
    """
    with written_whole(package_dir) as part, work_folder(package_dir) as folder:
        nlp.to_disk(folder / "pipeline")
        (folder / "pipeline" / "README.md").write_text(card, encoding="utf-8")
        command = [sys.executable, "-m", "spacy", "package", str(folder / "pipeline")]
        command += [str(folder), "--build", "sdist,wheel", "--name", nlp.meta["name"]]
        done = subprocess.run(command, stdout=PIPE, stderr=STDOUT)
        made, output = folder / package_dir.name, done.stdout.decode(errors="replace")
        if done.returncode or not any(made.glob("dist/*.whl")):
            for number in NO_SPACE:
                if os.strerror(number) in output:
                    raise OSError(number, os.strerror(number))
            print(output, file=sys.stderr)
            raise ValueError(f"{package_dir} cannot be built: see the output above.")
        made.rename(part)
    return next(package_dir.glob("dist/*.whl"))


def main(
    updated_dir: Annotated[Path, typer.Argument(help="The updated pipeline.")],
    base_dir: Annotated[Path, typer.Argument(help="The pipeline before the update.")],
    metrics_path: Annotated[Path, typer.Argument(help="JSON file of the scores.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for packages.")],
    name: Annotated[str, typer.Option(help="Package name without the language.")],
    version: Annotated[str, typer.Option(help="Package version.")],
    notes: Annotated[
        list[Path] | None,
        typer.Option("--note", help="JSON file of an earlier step, for the card."),
    ] = None,
) -> None:
    """Build the package of the updated pipeline, if it passed the gates."""
    base = srsly.read_json(base_dir / "meta.json")
    package_dir = output_dir / f"{base['lang']}_{name}-{version}"
    # An older wheel would be taken for that of this pipeline.
    remove(package_dir)
    metrics = read_metrics(metrics_path, updated_dir)
    if not metrics["passed"]:
        raise ValueError(
            f"{headline(metrics)} {' '.join(verdict(metrics))} The pipeline is in "
            f"{updated_dir}; nothing was packaged. {cure(metrics)}"
        )
    nlp = spacy.load(updated_dir)
    nlp.meta |= {"name": name, "version": version}
    nlp.meta.update(describe(base, metrics))
    card = to_card(nlp.meta, metrics, read_notes(notes or []))
    msg.good(f"Packaged: {build(nlp, card, package_dir)}")


if __name__ == "__main__":
    run(main)
