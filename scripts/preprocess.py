"""Convert annotations to DocBin, and account for every row and span.

Input: files of any format in `scripts/annotations/formats`, known by their content.
Output: a folder with `train`, `dev`, `test` and, where given, `old_test`, each a folder
of `.spacy` files; the account as JSON; the rejected rows as JSON Lines, each with
file, line and reason: mended by hand, they can be given as input.

    python -m scripts.preprocess assets/annotations/train.jsonl corpus/annotations \
        --base training/base
"""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from spacy.language import Language
from wasabi import msg

from scripts.annotations.account import KINDS, Account, reasons
from scripts.annotations.align import Align, Repairs
from scripts.annotations.convert import Options, convert, look, watch
from scripts.annotations.formats import Format
from scripts.annotations.offsets import Offsets
from scripts.annotations.records import RejectedRow
from scripts.annotations.split import Shingles
from scripts.command import run
from scripts.files import write_shards, written_whole
from scripts.progress import track

# Rejected rows and reasons shown on the terminal; all of them are in the files.
N_SHOWN, N_REASONS = 5, 3
# In the order of conversion: train is compared with those held out.
SPLITS = ("dev", "test", "old_test", "train")


def convert_all(
    settings: dict[str, str | None],
    output_dir: Path,
    nlp: Language,
    options: Options,
    account: Account,
    old_account: Account,
) -> dict[str, Counter[str]]:
    """Convert every split, the held-out ones first: train is compared with them.

    Args:
        settings: What each split names; empty: split off `train`; None: not wanted.
        output_dir: Folder for a folder of `.spacy` files each.
        nlp: The pipeline whose tokenizer counts.
        options: How rows are understood.
        account: Counts every row and span, and keeps the rejected ones.
        old_account: The same for the gold of the old types.

    Returns:
        The number of entities with each label in each split.

    Raises:
        ValueError: If a setting names no file.
    """
    split_off = [name for name, value in settings.items() if value == ""]
    train, labels = look(settings["train"], options, split_off)
    given = {name: value for name, value in settings.items() if value}
    plans = {n: look(v, options)[0] for n, v in given.items() if n != "train"}
    plans |= {"train": train, **dict.fromkeys(split_off, train)}
    counts: dict[str, Counter[str]] = {}
    held_out = Shingles()
    for name in [name for name in SPLITS if settings[name] is not None]:
        own, own_labels, own_options = account, options.labels or labels, options
        if name == "old_test":
            # Gold: all of it was looked at, and all of it counts.
            own, own_labels = old_account, None
            own_options = options._replace(partial=False)
        fate = 1 + split_off.index(name) if name in split_off else 0
        docs = convert(plans[name], fate, nlp, own_options, own_labels, own)
        counts[name] = Counter()
        watched = watch(docs, name == "train", counts[name], held_out, own)
        n_rows = sum(plan.fates.count(fate) for plan in plans[name].values())
        watched = track(watched, f"Converting {name}", n_rows)
        own.docs[name] = write_shards(watched, output_dir / name, nlp)
        own.readings.update({f: plan.reading for f, plan in plans[name].items()})
    return counts


def check_rejected(
    rejected: list[RejectedRow], n_rows: int, max_share: float, path: Path
) -> None:
    """Refuse input of which too many rows were rejected.

    Raises:
        ValueError: If the share is larger; names the commonest reasons.
    """
    if len(rejected) > max_share * n_rows:
        most = reasons(rejected)[:N_REASONS]
        raise ValueError(
            f"{len(rejected)} of {n_rows} rows were rejected, a share of more than "
            f"{max_share:g} (--max-rejected): "
            + "; ".join(f"{reason} ({n})" for reason, n in most)
            + f". Mend them in {path} or see the flags of preprocess."
        )


def check_splits(
    counts: dict[str, Counter[str]], settings: dict[str, str | None]
) -> None:
    """Refuse a split without annotations: there is nothing to learn or score.

    Raises:
        ValueError: If a split has none of the labels of `train`.
    """
    labels = ", ".join(sorted(counts["train"])) or "any label"
    for name, count in counts.items():
        if not count:
            source = settings[name] or f"The {name} set split off {settings['train']}"
            raise ValueError(
                f"{source} has no annotation of {labels}: vars.{name} needs some; a "
                "dev or test set left empty is split off vars.train."
            )


def report(account: Account) -> None:
    """Print what became of every row and span, and what was done to them."""
    counts = account.to_json()
    table = [(name, *counts[name].values()) for name in ("rows", "spans")]
    msg.table(table, header=("", *KINDS), divider=True, aligns=[*"lrrrrr"])
    for name in ("formats", "repairs", "ignored", "reasons"):
        if counts[name]:
            print(
                f"{name}:", ", ".join(f"{n} {kind}" for kind, n in counts[name].items())
            )
    for file, how in counts["offsets"].items():
        print(f"{file}: offsets count {how}")
    if account.near:
        place, near = account.first_near[0]
        print(f"{account.near} train rows nearly stand elsewhere: {place} in {near}, …")


def main(
    train: Annotated[str, typer.Argument(help="Annotations: file, folder or glob.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder of .spacy files.")],
    base: Annotated[str, typer.Option(help="Pipeline whose tokenizer counts.")],
    dev: Annotated[str | None, typer.Option(help="Empty: split off train.")] = None,
    test: Annotated[str | None, typer.Option(help="Empty: split off train.")] = None,
    old_test: Annotated[str, typer.Option(help="Gold of the old types.")] = "",
    account_path: Annotated[Path, typer.Option("--account")] = Path("account.json"),
    rejected_path: Annotated[Path, typer.Option("--rejected")] = Path("rejected.jsonl"),
    format_name: Annotated[
        Format | None, typer.Option("--format", help="Not given: by content.")
    ] = None,
    offsets: Annotated[
        Offsets | None, typer.Option(help="What offsets count; not given: by votes.")
    ] = None,
    inclusive: Annotated[
        bool | None, typer.Option(help="Whether ends are; not given: by votes.")
    ] = None,
    align: Annotated[
        Align, typer.Option(help="What ends in a token is refused, cut or widened.")
    ] = "strict",
    trim: Annotated[bool, typer.Option(help="Cut space and punctuation.")] = True,
    merge: Annotated[bool, typer.Option(help="Take what comes twice once.")] = True,
    longest: Annotated[
        bool, typer.Option(help="Of overlaps the longest wins.")
    ] = False,
    annotated_labels: Annotated[
        str, typer.Option(help="Labels looked for, by comma; empty: those that occur.")
    ] = "",
    partial: Annotated[bool, typer.Option(help="Absence means nothing.")] = False,
    max_rejected: Annotated[float, typer.Option(help="Most, as a share.")] = 0.05,
    strict: Annotated[bool, typer.Option(help="Exit 1 on a rejected row.")] = False,
) -> None:
    """Convert annotations to DocBin, and account for every row and span."""
    nlp = spacy.load(base)
    options = Options(
        format_name or "",
        offsets,
        inclusive,
        Repairs(align, trim, merge, longest),
        partial,
        tuple(annotated_labels.replace(",", " ").split()),
    )
    settings = {"train": train, "dev": dev, "test": test, "old_test": old_test or None}
    account, old_account = Account(), Account()
    with written_whole(output_dir) as beside:
        labels = convert_all(settings, beside, nlp, options, account, old_account)
        rejected = [*account.rejected, *old_account.rejected]
        with written_whole(rejected_path) as part:
            # Not srsly, which can't write the half of a UTF-16 pair.
            lines = [json.dumps(row.to_json()) for row in rejected]
            part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        with written_whole(account_path) as part:
            names = options.labels or sorted(labels["train"])
            known = nlp.pipe_labels.get("ner", [])
            new = [name for name in names if name not in known]
            counts = {**account.to_json(), "old_test": old_account.to_json()}
            srsly.write_json(part, {**counts, "labels": names, "new_labels": new})
        for row in rejected[:N_SHOWN]:
            print("Rejected", row)
        n_rows = account.rows["in"] + old_account.rows["in"]
        check_rejected(rejected, n_rows, 0.0 if strict else max_rejected, rejected_path)
        check_splits(labels, settings)
    report(account)
    sizes = ", ".join(f"{n} {name}" for name, n in account.docs.items())
    msg.good(f"{sizes} docs with {', '.join(names)}: {output_dir}")


if __name__ == "__main__":
    run(main)
