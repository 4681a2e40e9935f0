"""The results of an experiment: averages over seeds, the best, a table and a plot."""

import math
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

import srsly

from scripts.extras.runs import ARMS, NOT_COMPLETED, Run
from scripts.files import written_whole

Result = dict[str, Any]
SCORES = ("new_f", "old_f", "seconds")


def over_seeds(paths: dict[Run, Path]) -> list[Result]:
    """Average the results of runs over their seeds, in the order of the arms.

    Each line has `arm`, `ratio`, `size`, the number of `seeds`, and the averages of
    `new_f`, `old_f` and `seconds`.
    """
    groups = defaultdict(list)
    for run, path in paths.items():
        groups[run.arm, run.ratio, run.size].append(srsly.read_json(path))
    averages = [
        {
            "arm": arm,
            "ratio": ratio,
            "size": size,
            "seeds": len(results),
            **{name: mean(result[name] for result in results) for name in SCORES},
        }
        for (arm, ratio, size), results in groups.items()
    ]
    arms = list(ARMS)
    return sorted(
        averages,
        key=lambda m: (arms.index(m["arm"]), m["ratio"], m["size"] or math.inf),
    )


def best_of(averages: list[Result], min_retention: float) -> Result | None:
    """Return the best way that rehearses, with all annotations, if any.

    The specialist does not, and it is always there. The best keeps at least
    `min_retention` of what the way that keeps most keeps: on a small dev set a high new
    F may be chance, and the gate stops what forgets.
    """
    others = (*NOT_COMPLETED, "completed")
    ways = [m for m in averages if m["arm"] not in others and not m["size"]]
    least = min_retention * max((m["old_f"] for m in ways), default=0.0)
    keep = [m for m in ways if m["old_f"] >= least]
    return max(keep, key=lambda m: m["new_f"] + m["old_f"], default=None)


def front_of(averages: list[Result]) -> list[Result]:
    """Return those that no other beats in both scores: the Pareto front, by old F."""

    def beats(other: Result, m: Result) -> bool:
        pairs = [(other[score], m[score]) for score in ("new_f", "old_f")]
        return all(o >= s for o, s in pairs) and any(o > s for o, s in pairs)

    front = [m for m in averages if not any(beats(other, m) for other in averages)]
    return sorted(front, key=lambda m: m["old_f"])


def draw(averages: list[Result], labels: list[str], n_docs: int, path: Path) -> None:
    """Draw what each arm kept and learned, and its learning curve, as SVG.

    The first plot names the ratios, and the learning curve is that of the lowest.
    """
    # It takes half a second to import, which --help need not wait for.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="tight")
    plane, curve = figure.subplots(1, 2)
    # The plot may be read long after its data is gone.
    title = f"{', '.join(labels)} in {n_docs} annotated docs"
    figure.suptitle(title, parse_math=False)
    full = [m for m in averages if not m["size"]]
    front = [(100 * m["old_f"], 100 * m["new_f"]) for m in front_of(full)]
    plane.step(*zip(*front, strict=True), "--", color="grey", label="Pareto front")
    for arm in dict.fromkeys(m["arm"] for m in averages):
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
        sizes = [m for m in averages if m["arm"] == arm and m["ratio"] == ratio]
        by_size = sorted((m["size"] or n_docs, 100 * m["new_f"]) for m in sizes)
        curve.plot(*zip(*by_size, strict=True), "o-", label=arm)
    plane.set(xlabel="kept: old F", ylabel="learned: new F", title="All annotations")
    curve.set(xlabel="annotated docs", ylabel="learned: new F", title="Learning curve")
    plane.legend()
    curve.legend()
    with written_whole(path) as part:
        figure.savefig(part, format="svg")


def to_table(averages: list[Result]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Convert the results to the header and the rows of a table, F in points."""
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
        for m in averages
    ]
    return [*header, "seconds"], rows
