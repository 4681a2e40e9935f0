"""Convert annotations to DocBin, and account for every row and span.

Input: files of any format in `scripts/annotations/formats`, known by their content.
Output: a folder with `train`, `dev`, `test` and, where given, `old_test`, each a folder
of `.spacy` files; the account as JSON; the rejected rows as JSON Lines, each with
file, line and reason: mended by hand, they can be given as input.

    python -m scripts.preprocess assets/annotations/train.jsonl corpus/annotations \
        --base training/base
"""

import json
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import srsly
import typer
from wasabi import msg

from scripts.annotations.account import KINDS, Account, reasons
from scripts.annotations.align import Align, Repairs
from scripts.annotations.convert import Options, look
from scripts.annotations.formats import Format
from scripts.annotations.offsets import Offsets
from scripts.annotations.parts import Job, count_parts, load, submit_all
from scripts.annotations.records import RejectedRow
from scripts.command import run, track
from scripts.files import written_whole
from scripts.scale.start import start
from scripts.scale.workers import Workers, in_order

# Rejected rows and reasons shown on the terminal; all of them are in the files.
N_SHOWN, N_REASONS = 5, 3
# In the order of conversion: train is compared with those held out.
SPLITS = ("dev", "test", "old_test", "train")


def convert_all(
    settings: dict[str, str | None],
    output_dir: Path,
    base: str,
    options: Options,
    workers: Workers,
) -> dict[str, Account]:
    """Convert every split, the held-out ones first: train is compared with them.

    Args:
        settings: What each split names; empty: split off `train`; None: not wanted.
        output_dir: Folder for a folder of `.spacy` files each.
        base: The pipeline whose tokenizer counts.
        options: How rows are understood.
        workers: What converts; any number of them gives the same bytes.

    Returns:
        The account of each split.

    Raises:
        ValueError: If a setting names no file.
    """
    names = [name for name in SPLITS if settings[name] is not None]
    split_off = [name for name, value in settings.items() if value == ""]
    fates = {name: fate for fate, name in enumerate(split_off, start=1)}
    train, labels = look(settings["train"], options, split_off)
    given = [name for name in names if name not in fates and name != "train"]
    # Gold: all of it was looked at, all of it counts, and its format may be another.
    gold = options._replace(partial=False, format_name="")
    plans = {
        name: look(settings[name], gold if name == "old_test" else options)[0]
        for name in given
    }
    plans |= {"train": train, **dict.fromkeys(split_off, train)}
    accounts = {name: Account() for name in names}
    output_dir.mkdir()
    with TemporaryDirectory(dir=output_dir) as folder:
        held_out = Path(folder) / "held-out.jsonl"

        def submit(name: str) -> Iterator[Future]:
            job = Job(name, base, options, options.labels or labels, held_out)
            if name == "old_test":
                job = job._replace(options=gold, labels=None)
            fate, path = fates.get(name, 0), output_dir / name
            return submit_all(plans[name], fate, job, path, workers)

        # Train waits for those that it is compared with.
        for some in filter(None, (names[:-1], names[-1:])):
            parts = in_order(chain.from_iterable(map(submit, some)), workers.n_jobs)
            doing = f"Converting {', '.join(some)}"
            n_parts = sum(count_parts(plans[n], fates.get(n, 0)) for n in some)
            with held_out.open("a", encoding="utf-8") as lines:
                for part in track(parts, doing, n_parts, "files"):
                    accounts[part.split].add(part.account)
                    lines.writelines(f"{json.dumps(text)}\n" for text in part.texts)
    for name, account in accounts.items():
        account.docs[name] = account.rows["kept"] + account.rows["repaired"]
        account.readings = {f: plan.reading for f, plan in plans[name].items()}
    return accounts


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
            + f". All are in {path}: mend your own files, or see preprocess --help."
        )


def check_splits(accounts: dict[str, Account], settings: dict[str, str | None]) -> None:
    """Refuse a split without annotations: there is nothing to learn or score.

    Raises:
        ValueError: If a split has none of the labels of `train`.
    """
    labels = ", ".join(sorted(accounts["train"].labels)) or "any label"
    if "old_test" in accounts and not accounts["old_test"].labels:
        raise ValueError(
            f"{settings['old_test']} has no annotation: vars.old_test needs gold "
            "of the old types."
        )
    for name, account in accounts.items():
        if not account.labels:
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
    n_process: Annotated[int, typer.Option(help="Processes; -1: all cores.")] = -1,
    strict: Annotated[bool, typer.Option(help="Exit 1 on a rejected row.")] = False,
) -> None:
    """Convert annotations to DocBin, and account for every row and span."""
    # Loaded anew, and before processes start, which then need not load it.
    load.cache_clear()
    nlp = load(base)
    options = Options(
        format_name or "",
        offsets,
        inclusive,
        Repairs(align, trim, merge, longest),
        partial,
        tuple(annotated_labels.replace(",", " ").split()),
    )
    settings = {"train": train, "dev": dev, "test": test, "old_test": old_test or None}
    with written_whole(output_dir) as beside:
        with start("local", n_process) as workers:
            accounts = convert_all(settings, beside, base, options, workers)
        account, old_account = Account(), accounts.get("old_test", Account())
        for name, split in accounts.items():
            if name != "old_test":
                account.add(split)
        rejected = [*account.rejected, *old_account.rejected]
        with written_whole(rejected_path) as part:
            # Not srsly, which can't write the half of a UTF-16 pair.
            lines = [json.dumps(row.to_json()) for row in rejected]
            part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        with written_whole(account_path) as part:
            names = options.labels or sorted(accounts["train"].labels)
            known = nlp.pipe_labels.get("ner", [])
            new = [name for name in names if name not in known]
            counts = {**account.to_json(), "old_test": old_account.to_json()}
            srsly.write_json(part, {**counts, "labels": names, "new_labels": new})
        for row in rejected[:N_SHOWN]:
            print("Rejected", row)
        for each in (account, old_account):
            share, n_rows = 0.0 if strict else max_rejected, each.rows["in"]
            check_rejected(each.rejected, n_rows, share, rejected_path)
        check_splits(accounts, settings)
    report(account)
    seen = accounts.get("test", account).labels
    if unseen := [name for name in new if not seen[name]]:
        msg.warn(f"New, and not in test: {', '.join(unseen)}. It will not be measured.")
    alike = {name.casefold(): name for name in known}
    for name in new:
        if other := alike.get(name.casefold()):
            msg.warn(f"{name} is new: if you mean the base's {other}, write it so.")
    docs = account.docs | old_account.docs
    sizes = ", ".join(f"{n} {name}" for name, n in docs.items())
    msg.good(f"{sizes} docs with {', '.join(names)}: {output_dir}")


if __name__ == "__main__":
    run(main)
