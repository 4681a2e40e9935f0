"""The meta data and the model card of an updated pipeline."""

from pathlib import Path
from typing import Any

from scripts.evaluation.layout import Notes, lay_out
from scripts.evaluation.metrics import Metrics
from scripts.evaluation.render import render
from scripts.evaluation.verdict import headline, list_labels, verdict

CARD = Path(__file__).parent / "model_card.md"


def describe(
    base: dict[str, Any],
    metrics: Metrics,
    package: str = "",
    account: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what changes in the meta data of the base.

    Args:
        base: The meta data of the base.
        metrics: What `evaluate` measured.
        package: Name and version of the package.
        account: What `preprocess` counted.
    """
    name = f"{base['lang']}_{base['name']} {base['version']}"
    source = {key: base.get(key, "") for key in ("url", "license", "author")}
    new = list_labels(metrics["new_labels"] or metrics["new"]["labels"])
    retention, prefix = metrics["retention"], metrics["facts"]["prefix"]
    share, old = metrics["changed"]["sure"]["share"], ""
    if retention is not None:
        old = f" Old labels keep {100 * retention:.1f} % of the base's F-score."
    elif share is not None:
        old = (
            f" Of what the base is sure of in unseen text {100 * share:.1f} % changed."
        )
    account = account or {}
    # A base that was updated before has the rounds before. `preprocess` asks them how
    # annotations were split.
    this = {
        "package": package,
        "labels": account.get("labels", [*metrics["new"]["labels"]]),
        "f": None if metrics.get("test_is_train") else metrics["new_f"]["updated"],
        "data": account.get("files", {}),
        "split_off": account.get("split_off", []),
    }
    return {
        "rounds": [*base.get("rounds", ()), this],
        "description": f"{name}, updated with {new} by pseudo-rehearsal.{old}",
        # A null in the base's meta data would stop `spacy huggingface-hub push`.
        "license": base.get("license") or "",
        "sources": [*(base.get("sources") or []), {"name": name, **source}],
        "performance": {
            "retention": retention,
            "changed": metrics["changed"],
            "retention_interval": metrics["retention_interval"],
            f"{prefix}_f_old": metrics["old"]["updated"]["f"],
            f"{prefix}_f_old_base": metrics["old"]["base"]["f"],
            f"{prefix}_f_new": metrics["new_f"]["updated"],
            f"{prefix}_f_new_base": metrics["new_f"]["base"],
            f"{prefix}_per_type": {
                k: v["updated"] for k, v in metrics["labels"].items()
            },
        },
    }


def to_card(meta: dict[str, Any], metrics: Metrics, data: Notes) -> str:
    """Write the model card of a pipeline that `describe` has described, as Markdown.

    Not spaCy's own README of a package, which escapes no label. What a card should
    tell: Mitchell et al. (2019), "Model Cards for Model Reporting".
    """
    return render(
        CARD,
        meta=meta,
        metrics=metrics,
        learned=list(metrics["new"]["labels"]),
        headline=headline(metrics),
        verdict=verdict(metrics),
        tests=lay_out(metrics),
        data=data,
    )
