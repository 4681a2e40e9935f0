"""Write the demo's sentences: frames filled with names, the same bytes each time.

Input: one frame a line (`{PERSON} lives in {CITY}.`) in `<purpose>.<split>.txt` and
one name a line in `<SLOT>.<split>.txt`. Square brackets mark the entity where a line
holds more (`the [Red Cross]`); lower-case slots are plain words, never annotated.
Output: JSONL rows `{"text": …, "spans": [{"start", "end", "label"}]}` with character
offsets, end exclusive; rows of `raw/` have a text alone.

    python -m assets.demo assets/frames assets/names assets
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from wasabi import msg

from scripts.command import run
from scripts.files import written_whole

# The slots whose names have a label. PERSON itself is a first name and a surname.
SLOTS = {
    "PERSON": ["PERSON", "SURNAME"],
    "ORG": ["COMPANY", "BODY", "INSTITUTE", "HOSPITAL"],
    "GPE": ["CITY", "COUNTRY"],
    "DATE": ["WHEN", "SOON", "DAY", "YEAR", "FUTURE"],
    "MONEY": ["MONEY", "PRICE"],
    "DISEASE": ["INFECTION", "ILLNESS"],
}
LABELS = {slot: label for label, slots in SLOTS.items() for slot in slots}

# Each folder: the labels its gold knows, the rows of each split.
GOLD = {
    "base": (set(SLOTS) - {"DISEASE"}, {"train": 1600, "dev": 300, "test": 300}),
    "annotations": ({"DISEASE"}, {"train": 300, "dev": 100, "test": 150}),
}
# A tenth of the raw text speaks of diseases, a tenth of nobody in particular.
RAW = {"raw.news": 1600, "base.train": 960, "raw.health": 320, "raw.plain": 320}

Row = dict[str, Any]


def read_lines(path: Path) -> list[str]:
    """Read the lines of a file that are not empty."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]


def deal(lines: list[str], rng: random.Random) -> Iterator[str]:
    """Deal lines in random order for ever, each once before any comes again."""
    while True:
        deck = list(lines)
        rng.shuffle(deck)
        yield from reversed(deck)


def deal_names(
    names_dir: Path, splits: list[str], rng: random.Random
) -> dict[str, Iterator[str]]:
    """Deal the names of each slot, those of all `splits` together."""
    names: dict[str, list[str]] = {}
    for split in splits:
        for path in sorted(names_dir.glob(f"*.{split}.txt")):
            names.setdefault(path.name.split(".")[0], []).extend(read_lines(path))
    decks = {slot: deal(lines, rng) for slot, lines in names.items()}
    # A surname alone and one of a full name come from the same deck.
    full_names = zip(decks["FIRST"], decks["SURNAME"], strict=False)
    return decks | {"PERSON": map(" ".join, full_names)}


def fill(frame: str, names: dict[str, Iterator[str]], labels: set[str]) -> Row:
    """Replace each slot by a name and mark those whose label is in `labels`."""

    def name_for(slot: re.Match[str]) -> str:
        name, label = next(names[slot[1]]), LABELS.get(slot[1])
        if label not in labels:
            return re.sub(r"[\[\]]", "", name)
        return (name if "[" in name else f"[{name}]").replace("]", f"|{label}]")

    return read_marked(re.sub(r"\{(\w+)\}", name_for, frame))


def read_marked(line: str) -> Row:
    """Read a sentence whose entities are marked as `[Halloran|ORG]`."""
    text, spans = "", []
    for plain, entity, label in re.findall(r"([^\[]*)(?:\[(.+?)\|(\w+)\])?", line):
        start = len(text + plain)
        if entity:
            end = start + len(entity)
            spans.append({"start": start, "end": end, "label": label})
        text += plain + entity
    return {"text": text[0].upper() + text[1:], "spans": spans}


def take(rows: Iterator[Row], n_rows: int, seen: set[str]) -> list[Row]:
    """Take rows whose texts are not in `seen`, and add them to it."""
    taken: list[Row] = []
    while len(taken) < n_rows:
        row = next(rows)
        if row["text"] not in seen:
            seen.add(row["text"])
            taken.append(row)
    return taken


def make_demo(frames_dir: Path, names_dir: Path) -> Iterator[tuple[str, list[Row]]]:
    """Yield the name and the rows of every file of the demo."""
    seen: set[str] = set()

    def rows_of(frames: str, splits: list[str], labels: set[str], n: int) -> list[Row]:
        rng = random.Random(len(seen))
        names = deal_names(names_dir, splits, rng)
        deck = deal(read_lines(frames_dir / f"{frames}.txt"), rng)
        return take((fill(frame, names, labels) for frame in deck), n, seen)

    for folder, (labels, splits) in GOLD.items():
        for split, n in splits.items():
            yield f"{folder}/{split}", rows_of(f"{folder}.{split}", [split], labels, n)
    marked = read_lines(frames_dir / "corrections.txt")
    yield "annotations/corrections", [read_marked(line) for line in marked]
    raw: list[Row] = []
    for frames, n in RAW.items():
        rows = rows_of(frames, ["train", "raw"], set(), n)
        raw += [{"text": row["text"]} for row in rows]
    random.Random(len(raw)).shuffle(raw)
    yield "raw/raw", raw


def main(
    frames_dir: Annotated[Path, typer.Argument(help="Frames, one a line")],
    names_dir: Annotated[Path, typer.Argument(help="Names, one a line")],
    output_dir: Annotated[Path, typer.Argument(help="Gets base, annotations, raw")],
) -> None:
    """Write the demo's data from its frames and names."""
    for name, rows in make_demo(frames_dir, names_dir):
        path = output_dir / f"{name}.jsonl"
        with written_whole(path) as beside:
            srsly.write_jsonl(beside, rows)
        msg.good(f"{len(rows)} rows: {path}")


if __name__ == "__main__":
    run(main)
