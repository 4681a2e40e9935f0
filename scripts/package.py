"""Describe the updated pipeline for its package, if it passed.

Input: the updated pipeline, the base and `training/metrics.json`. Output: a folder
with the same pipeline, its meta data and its model card, for `spacy package`. Exit
code 1 if the updated pipeline keeps or learns less than it must.

    python -m scripts.package training/update/model-best training/base \
        training/metrics.json training/package --name ner_update --version 0.1.0
"""

from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import Language
from wasabi import msg
from weasel.util.hashing import get_checksum

from scripts.command import run
from scripts.evaluation.metrics import verdict
from scripts.files import written_whole
from scripts.report.layout import lay_out
from scripts.report.origin import Lines, read_notes
from scripts.report.page import render


def describe(base: dict[str, Any], metrics: dict[str, Any]) -> dict[str, Any]:
    """Describe an updated pipeline.

    Args:
        base: The base's meta data.
        metrics: What `evaluate` measured.

    Returns:
        What changes in the meta data.
    """
    name = f"{base['lang']}_{base['name']}"
    new = ", ".join(metrics["new"]["labels"])
    source = {
        "name": f"{name} {base['version']}",
        "url": base.get("url", ""),
        "license": base.get("license", ""),
        "author": base.get("author", ""),
    }
    return {
        "description": f"{name} {base['version']}, its NER updated with {new} by "
        "pseudo-rehearsal. "
        f"Old types keep {100 * metrics['retention']:.1f} % of the base's F-score.",
        "license": base.get("license", ""),
        "sources": [*(base.get("sources") or []), source],
        "performance": {
            "retention": metrics["retention"],
            "retention_interval": metrics["retention_interval"],
            "ents_f_old": metrics["old"]["updated"]["f"],
            "ents_f_old_base": metrics["old"]["base"]["f"],
            "ents_f_new": metrics["new"]["updated"]["f"],
            "ents_f_new_base": metrics["new"]["base"]["f"],
            "ents_per_type": {k: v["updated"] for k, v in metrics["labels"].items()},
        },
    }


def to_card(
    nlp: Language, metrics: dict[str, Any], data: list[tuple[str, Lines]]
) -> str:
    """Write the model card of an updated pipeline, as Markdown.

    What a card should tell: Mitchell et al. (2019), "Model Cards for Model Reporting".

    Args:
        nlp: The pipeline, its meta data told by `describe`.
        metrics: What `evaluate` measured.
        data: What it was made of, in tables.
    """
    return render(
        "model_card.md",
        name=f"{nlp.lang}_{nlp.meta['name']} {nlp.meta['version']}",
        description=f"{nlp.meta['description']} {nlp.meta.get('notes', '')}".strip(),
        base=nlp.meta["sources"][-1]["name"],
        learned=list(metrics["new"]["labels"]),
        license=nlp.meta["license"],
        components=nlp.pipe_names,
        verdict=verdict(metrics),
        tests=lay_out(metrics),
        scheme=nlp.pipe_labels,
        metrics=metrics,
        data=data,
    )


def main(
    updated_dir: Annotated[Path, typer.Argument(help="The updated pipeline.")],
    base_dir: Annotated[Path, typer.Argument(help="The pipeline before.")],
    metrics_path: Annotated[Path, typer.Argument(help="What evaluate measured.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for spacy package.")],
    name: Annotated[str, typer.Option(help="Name, less the language.")],
    version: Annotated[str, typer.Option(help="Version.")],
    notes: Annotated[
        list[Path] | None, typer.Option("--note", help="JSON of earlier steps.")
    ] = None,
) -> None:
    """Describe the updated pipeline for its package, if it passed."""
    metrics = srsly.read_json(metrics_path)
    if not metrics["passed"]:
        raise ValueError(f"{' '.join(verdict(metrics))} Not packaged: {metrics_path}")
    if metrics["pipeline"] != get_checksum(updated_dir):
        raise ValueError(f"{metrics_path} is of another pipeline: run evaluate again.")
    nlp = spacy.load(updated_dir)
    nlp.meta |= {"name": name, "version": version}
    nlp.meta.update(describe(srsly.read_json(base_dir / "meta.json"), metrics))
    with written_whole(output_dir) as beside:
        nlp.to_disk(beside)
        card = to_card(nlp, metrics, read_notes(notes or []))
        (beside / "README.md").write_text(card, encoding="utf-8")
    msg.good(f"Described in {output_dir}: meta.json, README.md")


if __name__ == "__main__":
    run(main)
