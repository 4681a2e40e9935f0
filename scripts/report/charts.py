"""Charts as images that stand inside a page."""

import io
import math
from base64 import b64encode
from typing import Any


def to_uri(svg: bytes) -> str:
    """Give an SVG image as the address of an `img`: no script in it can run."""
    return f"data:image/svg+xml;base64,{b64encode(svg).decode()}"


# Told apart without colours, too.
CURVES = [
    ("old_f", "old F: kept", "o-", "#0b5cad"),
    ("new_f", "new F: learned", "s--", "#b3470b"),
]


def to_number(score: float | None) -> float:
    """Give a score; one that could not be measured is no number, and is not drawn."""
    return math.nan if score is None else score


def tell_training(log: list[dict[str, Any]]) -> str:
    """Tell in words what `draw_training` draws."""
    first, last = log[0]["scores"], log[-1]["scores"]
    parts = [
        f"{label}, from {to_number(first.get(name)):.1f} to "
        f"{to_number(last.get(name)):.1f}"
        for name, label, *_ in CURVES
    ]
    return f"Curves over {log[-1]['step']} steps: {'; '.join(parts)}; and the loss."


def draw_training(log: list[dict[str, Any]]) -> bytes:
    """Draw how old F, new F and the loss went, as SVG.

    Args:
        log: The lines of spaCy's logger; scores in points.
    """
    # Half a second that a step's --help, or a wrong path, need not wait for.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.5), layout="tight")
    scores, losses = figure.subplots(1, 2)
    steps = [line["step"] for line in log]
    for name, label, style, color in CURVES:
        values = [to_number(line["scores"].get(name)) for line in log]
        scores.plot(steps, values, style, color=color, label=label)
    scores.set(xlabel="step", ylabel="F on dev", ylim=(0, 102))
    scores.legend()
    # At the first look nothing was added up yet.
    some = log[1:]
    loss = [line["losses"].get("ner", 0.0) for line in some]
    losses.plot([line["step"] for line in some], loss, "o-", color="grey")
    losses.set(xlabel="step", ylabel="loss since the last look")
    losses.set_ylim(bottom=0)
    file = io.BytesIO()
    figure.savefig(file, format="svg")
    return file.getvalue()
