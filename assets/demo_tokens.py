"""Write the demo of a tagger and a parser: frames filled with words.

Input: one frame a line in `tokens.txt`, `tokens.tags.txt` and `tokens.relations.txt`,
each token as `form/tag/relation/head`, the head counted from 1 and 0 for a root; and
one word a line in `<SLOT>.tokens.txt`. Output: `base.conllu`, `base_dev.conllu` and
`old_test.conllu`, gold of a base that takes product codes for nouns; `tags.jsonl`, in
which a person marked product codes with a new tag, CODE; `relations.jsonl`, in which
what was bought has a new relation, item; a test of each; and `raw.jsonl`.

    python -m assets.demo_tokens assets/frames assets/names assets/tokens
"""

import random
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from wasabi import msg

from assets.demo import deal, read_lines
from scripts.command import run
from scripts.files import written_whole

CODE, ITEM = "CODE", "item"
# Gold of the base, and its number of sentences.
GOLD = {"base": 900, "base_dev": 100, "old_test": 200}
# What a person marks: the label, and the number of sentences.
MARKED = {"tags": (CODE, 240), "tags_test": (CODE, 200)}
MARKED |= {"relations": (ITEM, 240), "relations_test": (ITEM, 200)}
N_RAW = 1200
# A form, its tag, its relation and its head, from 1; and if it is a product code.
Token = tuple[str, str, str, int, bool]


def deal_words(names_dir: Path, is_test: bool) -> dict[str, Iterator[str]]:
    """Deal the words of each slot; a test has product codes of its own."""
    decks, rng = {}, random.Random(is_test)
    for path in sorted(names_dir.glob("*.tokens.txt")):
        slot, words = path.name.split(".")[0], read_lines(path)
        if slot == CODE:
            cut = 2 * len(words) // 3
            words = words[cut:] if is_test else words[:cut]
        decks[slot] = deal(words, rng)
    return decks


def fill(frame: str, words: dict[str, Iterator[str]]) -> list[Token]:
    """Fill a frame with words."""
    tokens = []
    for number, part in enumerate(frame.split()):
        form, tag, relation, head = part.rsplit("/", 3)
        slot = re.fullmatch(r"\{(\w+)\}", form)
        form = next(words[slot[1]]) if slot else form
        form = form if number or form.isupper() else form.capitalize()
        is_code = bool(slot) and slot[1] == CODE
        tokens.append((form, tag, relation, int(head), is_code))
    return tokens


def sentences(
    frames_dir: Path, names: Iterable[str], words: dict[str, Iterator[str]]
) -> Iterator[list[Token]]:
    """Yield sentences of frames, none twice."""
    lines = [line for name in names for line in read_lines(frames_dir / name)]
    seen = set()
    for frame in deal(lines, random.Random(len(lines))):
        tokens = fill(frame, words)
        if (text := text_of(tokens)) not in seen:
            seen.add(text)
            yield tokens


def text_of(tokens: list[Token]) -> str:
    """Write the text of a sentence: its last token follows without a space."""
    words = [form for form, *_ in tokens]
    return " ".join(words[:-1]) + words[-1]


def is_old(tokens: list[Token]) -> bool:
    """Check whether a sentence has no product code, and nothing that was bought."""
    buys = set(read_lines(Path(__file__).with_name("names") / "BUY.tokens.txt"))
    return not any(is_code or form in buys for form, *_, is_code in tokens)


def to_conllu(tokens: list[Token]) -> str:
    """Write a sentence in CoNLL-U."""
    lines = [f"# text = {text_of(tokens)}"]
    for number, (form, tag, relation, head, _) in enumerate(tokens, start=1):
        no_space = "SpaceAfter=No" if number == len(tokens) - 1 else "_"
        relation = "obj" if relation == ITEM else relation
        fields = (number, form, "_", "_", tag, "_", head, relation, "_", no_space)
        lines.append("\t".join(map(str, fields)))
    return "\n".join(lines) + "\n\n"


def to_row(tokens: list[Token], label: str) -> dict[str, Any]:
    """Write a sentence in which a person marked one label, as Prodigy does."""
    places, start = [], 0
    for number, (form, *_) in enumerate(tokens):
        start -= number == len(tokens) - 1
        places.append({"id": number, "text": form, "start": start})
        places[-1]["end"] = start + len(form)
        start += len(form) + 1
    row = {"text": text_of(tokens), "tokens": places}
    if label == CODE:
        codes = [place for place, token in zip(places, tokens, strict=True) if token[4]]
        row["spans"] = [
            {"start": place["start"], "end": place["end"], "label": CODE}
            for place in codes
        ]
    else:
        row["relations"] = [
            {"child": number, "head": head - 1, "label": ITEM}
            for number, (*_, relation, head, _) in enumerate(tokens)
            if relation == ITEM
        ]
    return {**row, "answer": "accept"}


def main(
    frames_dir: Annotated[Path, typer.Argument(help="Frames, one a line")],
    names_dir: Annotated[Path, typer.Argument(help="Words, one a line")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the files")],
) -> None:
    """Write the demo of a tagger and a parser from its frames and words."""
    words = {is_test: deal_words(names_dir, is_test) for is_test in (False, True)}
    plain = sentences(frames_dir, ["tokens.txt"], words[False])
    # Gold of the old labels has nothing that a new label is right for.
    old = filter(is_old, sentences(frames_dir, ["tokens.txt"], words[True]))
    for name, n_rows in GOLD.items():
        some = old if name == "old_test" else plain
        rows = "".join(map(to_conllu, islice(some, n_rows)))
        with written_whole(output_dir / f"{name}.conllu") as part:
            part.write_text(rows, encoding="utf-8")
    for name, (label, n_rows) in MARKED.items():
        some = [f"tokens.{name.removesuffix('_test')}.txt"]
        new = sentences(frames_dir, some, words[name.endswith("_test")])
        # Half of the texts have nothing to mark: what is no CODE and no item.
        both = chain.from_iterable(zip(new, old, strict=False))
        rows = [to_row(tokens, label) for tokens in islice(both, n_rows)]
        with written_whole(output_dir / f"{name}.jsonl") as part:
            srsly.write_jsonl(part, rows)
    names = [f"tokens{kind}.txt" for kind in ("", ".tags", ".relations")]
    mixed = islice(sentences(frames_dir, names, words[False]), N_RAW)
    with written_whole(output_dir / "raw.jsonl") as part:
        srsly.write_jsonl(part, [{"text": text_of(tokens)} for tokens in mixed])
    msg.good(f"Gold, annotations and raw text: {output_dir}")


if __name__ == "__main__":
    run(main)
