"""Charts as images inside a page."""

import io
import math
from base64 import b64encode
from typing import Any

# Name in the log, label, and a line that differs in shape as well as in colour.
CURVES = (
    ("old_f", "F on the old labels", "o-", "#0b5cad"),
    ("new_f", "F on the new labels", "s--", "#b3470b"),
)
Log = list[dict[str, Any]]


def to_uri(svg: bytes) -> str:
    """Return an SVG image as the address of an `img`, in which no script can run."""
    return f"data:image/svg+xml;base64,{b64encode(svg).decode()}"


def series(log: Log, group: str, name: str) -> list[float]:
    """Return the values of a score or loss, with NaN for None; empty if all are 0."""
    values = [line[group].get(name) for line in log]
    return [math.nan if v is None else v for v in values] if any(values) else []


def tell_training(log: Log) -> str:
    """Describe in words what `draw_training` draws."""
    parts = []
    for name, label, *_ in CURVES:
        if known := [v for v in series(log, "scores", name) if not math.isnan(v)]:
            parts.append(f"{label}, from {known[0]:.1f} to {known[-1]:.1f}")
    return f"Curves over {log[-1]['step']} steps: {'; '.join([*parts, 'the loss'])}."


def draw_training(log: Log) -> bytes:
    """Draw the scores and losses in the log of spaCy by training step, as SVG."""
    # Half a second that --help, or a wrong path, need not wait for.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.5), layout="tight")
    scores, losses = figure.subplots(1, 2)
    steps = [line["step"] for line in log]
    for name, label, style, color in CURVES:
        if values := series(log, "scores", name):
            scores.plot(steps, values, style, color=color, label=label)
    scores.set(xlabel="step", ylabel="F on dev", ylim=(0, 102))
    # A loss is summed up since the line before, so the first one has none yet.
    for name in sorted({name for line in log for name in line["losses"]}):
        if values := series(log[1:], "losses", name):
            losses.plot(steps[1:], values, "o-", label=name)
    losses.set(xlabel="step", ylabel="loss")
    losses.set_ylim(bottom=0)
    for axes in (scores, losses):
        if axes.lines:
            axes.legend()
    file = io.BytesIO()
    # The same log is the same picture, without the date and random names in it.
    with rc_context({"svg.hashsalt": "training"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
