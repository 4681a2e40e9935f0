"""Convert annotations to DocBin, and account for every row and span.

Input: files of any format in `scripts/annotations/formats`, recognized by content.
Output: a folder with `train`, `dev`, `test`, `old_test`, `must_pass`, and
`earlier_1_train` and `earlier_1_test` for the first of earlier rounds, each a folder of
`.spacy` files; the account as JSON; the rejected rows as JSON Lines, each with its
file, line and reason: corrected by hand, they can be an input.

    python -m scripts.preprocess assets/annotations/train.jsonl corpus/annotations \
        --dev "" --test "" --base training/base --account corpus/preprocess.json
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import srsly
import typer
from spacy.parts_of_speech import IDS
from wasabi import msg

from scripts.annotations.account import check_rejected, check_sets, show, warn
from scripts.annotations.align import Align, Options, check_label
from scripts.annotations.convert import convert_all
from scripts.annotations.formats import Format
from scripts.annotations.offsets import Offsets
from scripts.command import run
from scripts.components import kind_of, labels_of
from scripts.components.kind import Kind
from scripts.files import remove, written_whole
from scripts.scale.pipelines import open_pipeline
from scripts.scale.storage import checksum_of, find_rounds


def parse_pos(text: str, new: Collection[str]) -> dict[str, str]:
    """Parse the parts of speech of new tags: `CODE=NOUN,X=VERB`."""
    parts = [part.partition("=") for part in text.replace(",", " ").split()]
    for label, _, name in parts:
        if label not in new or not name or name not in IDS:
            raise ValueError(
                f"--pos {label}={name}: {label} has to be a new tag, and {name or '?'} "
                "a universal part of speech such as NOUN."
            )
    return {label: name for label, _, name in parts}


def parse_map(pairs: Collection[str], kind: Kind) -> tuple[tuple[str, str], ...]:
    """Parse the labels to rename or drop: `OLD=NEW`, `OLD=`."""
    parts = [pair.partition("=") for pair in pairs]
    for pair, (old, is_pair, new) in zip(pairs, parts, strict=True):
        if not old or not is_pair:
            raise ValueError(f"--map {pair}: write OLD=NEW, or OLD= to drop OLD.")
        if new:
            check_label(new, kind)
    if parts and kind.FACTORY == "morphologizer":
        raise ValueError(
            "--map cannot rename features, whose labels hold = themselves."
        )
    return tuple((old, new) for old, _, new in parts)


def main(
    train: Annotated[str, typer.Argument(help="Annotations: a file, folder or glob.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the .spacy files.")],
    base: Annotated[
        str, typer.Option(help="Pipeline to update; its tokenizer is used.")
    ],
    component: Annotated[str, typer.Option(help="Name of the pipe to update.")] = "ner",
    dev: Annotated[
        str | None,
        typer.Option(help="Annotations to watch training on; empty: a part of TRAIN."),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(
            help="Annotations to score the update on; empty: a part of TRAIN."
        ),
    ] = None,
    old_test: Annotated[
        str, typer.Option(help="Gold annotations of the types that the base knows.")
    ] = "",
    must_pass: Annotated[
        str,
        typer.Option(help="Sentences whose spans have to be found after each update."),
    ] = "",
    earlier: Annotated[
        str,
        typer.Option(
            help="Annotations of earlier rounds, to train on and to score on again: a "
            "file or folder is one round, and so is each match of a glob."
        ),
    ] = "",
    earlier_test: Annotated[
        str,
        typer.Option(help="Tests of earlier rounds; empty: split off, as they were."),
    ] = "",
    account_path: Annotated[
        Path, typer.Option("--account", help="JSON file for the counts.")
    ] = Path("account.json"),
    rejected_path: Annotated[
        Path, typer.Option("--rejected", help="JSON Lines file for rejected rows.")
    ] = Path("rejected.jsonl"),
    format_name: Annotated[
        Format | None,
        typer.Option("--format", help="Format of the files; default: detected."),
    ] = None,
    offsets: Annotated[
        Offsets | None,
        typer.Option(help="What offsets count; default: detected for each file."),
    ] = None,
    inclusive: Annotated[
        bool | None,
        typer.Option(help="Whether spans include their end; default: detected."),
    ] = None,
    align: Annotated[
        Align, typer.Option(help="How to handle a span that ends inside a token.")
    ] = "strict",
    trim: Annotated[
        bool, typer.Option(help="Cut white space and punctuation off spans.")
    ] = True,
    merge: Annotated[
        bool, typer.Option(help="Merge duplicates: the same span or text twice.")
    ] = True,
    longest: Annotated[
        bool, typer.Option(help="Keep the longest of spans that overlap.")
    ] = False,
    annotated_labels: Annotated[
        str,
        typer.Option(
            help="Labels that were annotated, with commas; empty: all that occur."
        ),
    ] = "",
    label_map: Annotated[
        list[str],
        typer.Option(
            "--map", help="Rename or merge a label: OLD=NEW; drop it: OLD=. Repeatable."
        ),
    ] = [],  # noqa: B006
    partial: Annotated[
        bool | None,
        typer.Option(
            "--partial/--complete",
            help="Whether unmarked text was not annotated; default: complete for "
            "entities, partial for tags and relations.",
        ),
    ] = None,
    upos: Annotated[
        bool, typer.Option(help="Use universal parts of speech as a tagger's tags.")
    ] = False,
    pos: Annotated[
        str,
        typer.Option(
            help="Parts of speech of new tags, such as CODE=NOUN, with commas; "
            "default: that of the tag they are carved out of."
        ),
    ] = "",
    max_rejected: Annotated[
        float, typer.Option(help="Largest share of rows that may be rejected.")
    ] = 0.05,
    # With a fast tokenizer 2 take 4 times as long as 1: docs are sent back from them.
    n_process: Annotated[
        int, typer.Option(help="Processes, if the tokenizer is slow; -1: all cores.")
    ] = 1,
    strict: Annotated[
        bool, typer.Option(help="Stop with an error if any row is rejected.")
    ] = False,
) -> None:
    """Convert annotations to DocBin, and account for every row and span."""
    nlp = open_pipeline(base)
    kind = kind_of(nlp, component)
    # A morphological label may hold commas itself, and an entity type spaces.
    separator = None if "=" in annotated_labels else ","
    names = [name.strip() for name in annotated_labels.split(separator)]
    labels = tuple(kind.to_label(name) for name in names if name)
    how = (format_name or "", offsets, inclusive, align, trim, merge, longest, partial)
    options = Options(*how, labels, component, upos, parse_map(label_map, kind))
    settings = {"train": train, "dev": dev, "test": test}
    settings |= {"old_test": old_test or None, "must_pass": must_pass or None}
    settings |= {"earlier": earlier or None, "earlier_test": earlier_test or None}
    with written_whole(output_dir) as part_dir:
        part_dir.mkdir()
        account, apart = convert_all(settings, part_dir, nlp, options, n_process)
        # Written last: later steps take all of one run, or nothing.
        remove(output_dir)
        with written_whole(rejected_path) as part:
            # Not srsly, which can't write half of a UTF-16 pair.
            every = (account, *apart.values())
            rows = [json.dumps(row) for each in every for row in each.rejected]
            part.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        names = labels or sorted(account.labels["train"])
        known = labels_of(nlp, component)
        new = [name for name in names if name not in known]
        with written_whole(account_path) as part:
            counts = {name: each.to_json() for name, each in apart.items()}
            counts = {**account.to_json(), **counts}
            found = {"labels": names, "new_labels": new, "pos": parse_pos(pos, new)}
            paths = filter(Path.exists, map(Path, find_rounds(train)))
            found["files"] = {str(path): checksum_of(path) for path in paths}
            srsly.write_json(part, {**counts, **found})
        show(account, "", rejected_path)
        for name, each in apart.items():
            if each.docs:
                show(each, f"{name}: ", rejected_path)
        for each in every:
            check_rejected(each, 0.0 if strict else max_rejected, rejected_path)
        check_sets(account, apart, settings)
    if account.corrections:
        print("These are corrections: all are trained on, and listed in the report.")
    warn(new, known, new if test is None else account.labels["test"])
    counts = [pair for each in every for pair in each.docs.items()]
    docs = ", ".join(f"{n} {name}" for name, n in counts)
    msg.good(f"{docs} docs with {', '.join(names)}: {output_dir}")


if __name__ == "__main__":
    run(main)
