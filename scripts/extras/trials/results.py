"""What trials gave: means over seeds, the best, a table and a plot."""

import math
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

from scripts.extras.trials.trial import ARMS, NOT_COMPLETED
from scripts.files import written_whole

Result = dict[str, Any]


def over_seeds(results: list[Result]) -> list[Result]:
    """Take the mean over the seeds of each arm, ratio and size."""
    groups = defaultdict(list)
    for line in results:
        groups[line["arm"], line["ratio"], line["size"]].append(line)
    means = [
        {
            "arm": arm,
            "ratio": ratio,
            "size": size,
            "seeds": len(lines),
            **{
                score: mean(line[score] for line in lines)
                for score in ("new_f", "old_f", "seconds")
            },
        }
        for (arm, ratio, size), lines in groups.items()
    ]
    arms = list(ARMS)
    return sorted(
        means,
        key=lambda m: (arms.index(m["arm"]), m["ratio"], m["size"] or math.inf),
    )


def best_of(means: list[Result], min_retention: float) -> Result | None:
    """Give the best way with all annotations that `update` can go, if there is one.

    Args:
        means: The means over seeds.
        min_retention: Least old F ÷ that of the way that keeps the most: on a small
            dev set a high new F is one by chance, and the gate stops what forgets.
    """
    ways = [m for m in means if m["arm"] not in NOT_COMPLETED and not m["size"]]
    least = min_retention * max((m["old_f"] for m in ways), default=0.0)
    keep = [m for m in ways if m["old_f"] >= least]
    return max(keep, key=lambda m: m["new_f"] + m["old_f"], default=None)


def front_of(means: list[Result]) -> list[Result]:
    """Give those that none beats in both scores: the Pareto front, by old F."""

    def beats(other: Result, m: Result) -> bool:
        pairs = [(other[score], m[score]) for score in ("new_f", "old_f")]
        return all(o >= s for o, s in pairs) and any(o > s for o, s in pairs)

    front = [m for m in means if not any(beats(other, m) for other in means)]
    return sorted(front, key=lambda m: m["old_f"])


def draw(means: list[Result], labels: list[str], n_docs: int, path: Path) -> None:
    """Draw what each arm kept and learned, and its learning curve, as SVG.

    Args:
        means: The means over seeds; ratios stand beside the points of the first plot,
            and the curve is that of the lowest.
        labels: The labels that were annotated.
        n_docs: Annotated docs in all.
        path: The file.
    """
    # Half a second that a step's --help, or a wrong path, need not wait for.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="tight")
    plane, curve = figure.subplots(1, 2)
    # The plot outlives its data.
    title = f"{', '.join(labels)} in {n_docs} annotated docs"
    figure.suptitle(title, parse_math=False)
    full = [m for m in means if not m["size"]]
    front = [(100 * m["old_f"], 100 * m["new_f"]) for m in front_of(full)]
    plane.step(*zip(*front, strict=True), "--", color="grey", label="Pareto front")
    for arm in dict.fromkeys(m["arm"] for m in means):
        points = [m for m in full if m["arm"] == arm]
        ratio = points[0]["ratio"]
        for m in points:
            place = (100 * m["old_f"], 100 * m["new_f"])
            plane.annotate(f" {m['ratio']:g}", place)
        plane.plot(
            [100 * m["old_f"] for m in points],
            [100 * m["new_f"] for m in points],
            "o",
            label=arm,
        )
        sizes = [m for m in means if m["arm"] == arm and m["ratio"] == ratio]
        by_size = sorted((m["size"] or n_docs, 100 * m["new_f"]) for m in sizes)
        curve.plot(*zip(*by_size, strict=True), "o-", label=arm)
    plane.set(xlabel="kept: old F", ylabel="learned: new F", title="All annotations")
    curve.set(xlabel="annotated docs", ylabel="learned: new F", title="Learning curve")
    plane.legend()
    curve.legend()
    with written_whole(path) as beside:
        figure.savefig(beside, format="svg")


def to_table(means: list[Result]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Lay out the results as a table: its header and its rows, F in points."""
    header = [
        "arm",
        "ratio",
        "annotated docs",
        "seeds",
        "learned: new F",
        "kept: old F",
    ]
    rows = [
        (
            m["arm"],
            f"{m['ratio']:g}",
            str(m["size"] or "all"),
            str(m["seeds"]),
            f"{100 * m['new_f']:.1f}",
            f"{100 * m['old_f']:.1f}",
            f"{m['seconds']:.0f}",
        )
        for m in means
    ]
    return [*header, "seconds"], rows
