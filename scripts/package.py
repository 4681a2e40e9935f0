"""Build the package of the updated pipeline, if it passed the gates.

Input: the updated pipeline, the base, its scores and the account of `rehearse`. Output:
an sdist and a wheel in a folder of `packages`, with the scores in its meta data and a
model card. Exit code 1 if the update forgot or learned too little.

    python -m scripts.package training/update/model-best training/base \
        training/metrics.json corpus/rehearse.json packages --name ner_update \
        --version 0.1.0
"""

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Annotated

import srsly
import typer
from spacy.language import Language
from wasabi import msg

from scripts.command import NO_SPACE, run
from scripts.components.frozen import check_frozen
from scripts.components.kind import read_new_labels
from scripts.evaluation.card import describe, to_card
from scripts.evaluation.layout import read_notes
from scripts.evaluation.metrics import read_metrics
from scripts.evaluation.render import to_line
from scripts.evaluation.verdict import cure, headline, verdict
from scripts.files import remove, work_folder, written_whole
from scripts.scale.pipelines import CODE, open_pipeline


def build(nlp: Language, card: str, code: Path, package_dir: Path) -> Path:
    """Build the sdist and the wheel with `spacy package`, and return the wheel.

    `code` is a Python file that the pipeline needs, if it exists.

    Raises:
        ValueError: If the build fails; then its output is printed.
        OSError: If the disk is full.
    """
    with written_whole(package_dir) as part, work_folder(package_dir) as folder:
        nlp.to_disk(folder / "pipeline")
        (folder / "pipeline" / "README.md").write_text(card, encoding="utf-8")
        command = [sys.executable, "-m", "spacy", "package", str(folder / "pipeline")]
        command += [str(folder), "--build", "sdist,wheel", "--name", nlp.meta["name"]]
        command += ["--code", str(code)] if code.exists() else []
        how = {"stdout": PIPE, "stderr": STDOUT, "encoding": "utf-8"}
        done = subprocess.run(command, **how, errors="replace")
        made = folder / package_dir.name
        if done.returncode or not any(made.glob("dist/*.whl")):
            for number in NO_SPACE:
                if os.strerror(number) in done.stdout:
                    raise OSError(number, os.strerror(number))
            print(done.stdout, file=sys.stderr)
            raise ValueError(f"{package_dir} cannot be built: see the output above.")
        made.rename(part)
    return next(package_dir.glob("dist/*.whl"))


def main(
    updated_dir: Annotated[Path, typer.Argument(help="The updated pipeline.")],
    base_dir: Annotated[Path, typer.Argument(help="The pipeline before the update.")],
    metrics_path: Annotated[Path, typer.Argument(help="JSON file of the scores.")],
    rehearse_path: Annotated[Path, typer.Argument(help="The account of rehearse.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for packages.")],
    name: Annotated[str, typer.Option(help="Package name without the language.")],
    version: Annotated[str, typer.Option(help="Package version.")],
    component: Annotated[str, typer.Option(help="Pipe that was updated.")] = "ner",
    annotations: Annotated[
        Path | None, typer.Option(help="What preprocess counted.")
    ] = None,
    notes: Annotated[
        list[Path] | None,
        typer.Option("--note", help="JSON file of an earlier step, for the card."),
    ] = None,
) -> None:
    """Build the package of the updated pipeline, if it passed the gates."""
    base = srsly.read_json(base_dir / "meta.json")
    folder = f"{base['lang']}_{name}-{version}"
    package_dir = output_dir / folder
    if package_dir.name != folder:
        raise ValueError(
            f"The package would be in {folder}, another folder: correct vars.name and "
            "vars.version."
        )
    # An older wheel would be taken for that of this pipeline.
    remove(package_dir)
    metrics = read_metrics(metrics_path, updated_dir)
    if not metrics["passed"]:
        raise ValueError(
            f"{headline(metrics)} {' '.join(verdict(metrics))} The pipeline is in "
            f"{updated_dir}; nothing was packaged. {cure(metrics)}"
        )
    new = read_new_labels(srsly.read_json(rehearse_path))
    nlp = open_pipeline(updated_dir)
    check_frozen(open_pipeline(base_dir), nlp, component, new)
    nlp.meta |= {"name": name, "version": version}
    account = srsly.read_json(annotations) if annotations else {}
    nlp.meta.update(describe(base, metrics, f"{name} {version}", account))
    # A line end in a value would end the meta data of the wheel, and its requirements.
    texts = {k: to_line(v) for k, v in nlp.meta.items() if isinstance(v, str)}
    nlp.meta.update(texts)
    card = to_card(nlp.meta, metrics, read_notes(notes or []))
    msg.good(f"Packaged: {build(nlp, card, updated_dir / CODE, package_dir)}")


if __name__ == "__main__":
    run(main)
