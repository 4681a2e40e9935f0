"""Which trials there are: what `vars` says of them, parsed and multiplied."""

import math
from collections.abc import Callable
from itertools import product
from typing import Any

from scripts.extras.trials.trial import ARMS, Trial
from scripts.recipe import RATIO


def plan(
    arms: list[str], ratios: list[float], sizes: list[int], seeds: list[int]
) -> list[Trial]:
    """List the trials: all arms with all ratios, sizes and seeds.

    Args:
        arms: Names in `ARMS`; naive is always tried, for it is the specialist.
        ratios: Rehearsal words to each annotated word, for arms that rehearse.
        sizes: Annotated docs; 0: all.
        seeds: Seeds.

    Returns:
        The trials, those without rehearsal once.

    Raises:
        ValueError: If there is no such arm, a number is none to count with, or no
            trial has all annotations.
    """
    if unknown := {*arms} - {*ARMS}:
        raise ValueError(f"No arm {', '.join(unknown)}: choose of {', '.join(ARMS)}.")
    if not all(0 <= number < math.inf for number in (*ratios, *sizes)):
        raise ValueError("vars.ratios and vars.sizes: write numbers from 0 on.")
    if 0 not in sizes:
        raise ValueError("vars.sizes lacks 'all': the best way is that with them all.")
    every = product(dict.fromkeys(["naive", *arms]), ratios, sizes, seeds)
    trials = (
        Trial(arm, ARMS[arm].get(RATIO, ratio), size, seed)
        for arm, ratio, size, seed in every
    )
    return list(dict.fromkeys(trials))


def parse(text: str, kind: Callable[[str], Any] = str) -> list[Any]:
    """Parse a list of values with commas between them."""
    try:
        return [kind(part.strip()) for part in text.split(",")]
    except ValueError as error:
        raise ValueError(f"'{text}': write numbers with commas between.") from error


def parse_size(text: str) -> int:
    """Parse a number of annotated docs; `all` is 0."""
    return 0 if text == "all" else int(text)
