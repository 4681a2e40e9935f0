"""Write French sentences about wine: a new type for `fr_core_news_sm`, made here.

VIN is the name of a wine or of a grape (`un [Pomerol] 2005`), without its year; the
base calls part of them LOC or MISC. A place with a wine's name (`habite à Pomerol`) is
no VIN. The frames and names in `benchmarks/french` were written for this project, and
what they say of places and firms is made up. Their form is that of `assets/demo.py`;
`{CEPAGE}` is a feminine VIN, `{PAYS}` is feminine, and *de*, *du*, *le* and others are
elided before a name that begins with a vowel.
Output: `train.jsonl` and `dev.jsonl` with `text` and `spans`, `raw.jsonl` and
`unseen.jsonl` (frames without wine that `raw.jsonl` lacks) with `text` alone.

    python -m benchmarks.french ../shared/data
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import srsly
import typer
from wasabi import msg

from assets.demo import Row, deal, read_lines, read_marked, take
from scripts.command import run
from scripts.files import written_whole

DATA = Path(__file__).with_suffix("")
# Each file: its frames, the splits of its names, its number of rows.
FILES = {
    "train": ("annotations.train", ("train", "common"), 400),
    "dev": ("annotations.test", ("test", "common"), 300),
    "raw": ("raw", ("train", "raw", "common"), 3000),
    "unseen": ("unseen", ("test", "common"), 1000),
}
ANNOTATED = ("train", "dev")
VIN_SLOTS = ("VIN", "CEPAGE")
ELIDED = {
    "de ": "d'",
    "le ": "l'",
    "la ": "l'",
    "que ": "qu'",
    "du ": "de l'",
    "au ": "à l'",
    "ce ": "cet ",
}
SLOT = re.compile(rf"(\b(?:{'|'.join(ELIDED)}))?\{{(\w+)\}}", re.IGNORECASE)
# No name has an h that forbids the elision.
VOWEL = re.compile(r"[aàâeéèêhiîoôœu]", re.IGNORECASE)


def deal_names(splits: tuple[str, ...], rng: random.Random) -> dict[str, Iterator[str]]:
    """Deal the names of each slot, those of all `splits` together."""
    names: dict[str, list[str]] = {}
    for split in splits:
        for path in sorted((DATA / "names").glob(f"*.{split}.txt")):
            names.setdefault(path.name.split(".")[0], []).extend(read_lines(path))
    return {slot: deal(lines, rng) for slot, lines in names.items()}


def fill(frame: str, names: dict[str, Iterator[str]]) -> Row:
    """Replace each slot by a name, no name twice, and mark the wines."""
    used: set[str] = set()

    def name_for(match: re.Match[str]) -> str:
        word, slot = match[1] or "", match[2]
        name = next(name for name in names[slot] if name.lower() not in used)
        used.add(name.lower())
        if VOWEL.match(name):
            word = ELIDED.get(word.lower(), word)
        return word + (f"[{name}|VIN]" if slot in VIN_SLOTS else name)

    return read_marked(SLOT.sub(name_for, frame))


def make_rows() -> Iterator[tuple[str, list[Row]]]:
    """Yield the name and the rows of every file."""
    seen: set[str] = set()
    for name, (frames, splits, n_rows) in FILES.items():
        rng = random.Random(len(seen))
        names = deal_names(splits, rng)
        deck = deal(read_lines(DATA / "frames" / f"{frames}.txt"), rng)
        rows = take((fill(frame, names) for frame in deck), n_rows, seen)
        if name not in ANNOTATED:
            rows = [{"text": row["text"]} for row in rows]
        yield name, rows


def main(
    output_dir: Annotated[Path, typer.Argument(help="Folder that gets `french`")],
) -> None:
    """Write the French data from its frames and names."""
    for name, rows in make_rows():
        path = output_dir / "french" / f"{name}.jsonl"
        with written_whole(path) as part:
            srsly.write_jsonl(part, rows)
        msg.good(f"{len(rows)} rows: {path}")


if __name__ == "__main__":
    run(main)
