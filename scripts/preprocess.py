"""Convert offset annotations to DocBin, and account for every row and span.

Input: JSON Lines or JSON, see `scripts/annotations/formats.py`. Output: a folder
with `train.spacy`, `dev.spacy`, `test.spacy` and, where given, `old_test.spacy`;
the account as JSON; the rejected rows as JSON Lines, each with file, line, reason.

    python -m scripts.preprocess assets/annotations/train.jsonl corpus/annotations \
        --base training/base
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import msg

from scripts.annotations.account import KINDS, Account
from scripts.annotations.align import make_doc
from scripts.annotations.formats import parse_row, read_rows
from scripts.annotations.records import RejectedRowError
from scripts.annotations.split import split_off
from scripts.command import run
from scripts.files import find_files, write_docs, written_whole

# Share of the training rows that becomes a dev or test set where none is given:
# enough to choose and to judge by, without costing the few examples there are.
SPLIT_SHARE = 0.1
# Rejected rows shown on the terminal; all of them are in the file.
N_SHOWN = 5


def convert(pattern: str, nlp: Language, account: Account) -> Iterator[Doc]:
    """Convert the rows that a setting names to docs.

    Args:
        pattern: A file, folder or glob.
        nlp: The pipeline whose tokenizer counts.
        account: Counts every row and span, and keeps the rejected ones.

    Yields:
        The docs, with the person's spans as entities.
    """
    for path in find_files(pattern):
        for row in read_rows(path):
            try:
                record = parse_row(row)
                if record.ignored:
                    account.add("ignored", len(record.spans))
                    continue
                doc, n_repaired = make_doc(record, nlp)
            except RejectedRowError as error:
                account.add("rejected", error.n_spans)
                account.rejected.append(error)
            else:
                kind = "repaired" if n_repaired else "kept"
                account.add(kind, len(record.spans), n_repaired)
                yield doc


def read_splits(
    settings: dict[str, str | None], nlp: Language, account: Account
) -> dict[str, list[Doc]]:
    """Read each split, or split it off the training docs where it is empty.

    Args:
        settings: What `train`, `dev` and `test` name; empty: split off `train`;
            None: not wanted.
        nlp: The pipeline whose tokenizer counts.
        account: Counts every row and span, and keeps the rejected ones.

    Returns:
        The docs of each split, with no label that `train` doesn't annotate.

    Raises:
        ValueError: If a setting names no file.
    """
    docs = {
        name: list(convert(setting, nlp, account))
        for name, setting in settings.items()
        if setting
    }
    for name in settings:
        if settings[name] == "":
            docs["train"], docs[name] = split_off(docs["train"], SPLIT_SHARE)
    labels = annotated_labels(docs["train"])
    for split in docs.values():
        n_dropped = sum(drop_others(doc, labels) for doc in split)
        account.spans.update({"ignored": n_dropped, "kept": -n_dropped})
    return docs


def check_splits(
    docs: dict[str, list[Doc]], settings: dict[str, str | None], account: Account
) -> None:
    """Refuse a split without annotations: there is nothing to learn or score.

    Args:
        docs: The docs of each split.
        settings: What each split names.
        account: The rejected rows, the first of which is named.

    Raises:
        ValueError: If a split has none of the labels of `train`.
    """
    labels = ", ".join(annotated_labels(docs["train"])) or "any label"
    for name, split in docs.items():
        if not annotated_labels(split):
            source = settings[name] or f"The {name} set split off {settings['train']}"
            raise ValueError(
                f"{source} has no annotation of {labels}: vars.{name} needs some; a "
                "dev or test set left empty is split off vars.train."
                + "".join(f" Rejected {error}" for error in account.rejected[:1])
            )


def annotated_labels(docs: list[Doc]) -> list[str]:
    """List the labels that occur in the docs: those that the person looked for."""
    return sorted({ent.label_ for doc in docs for ent in doc.ents})


def drop_others(doc: Doc, labels: list[str]) -> int:
    """Drop entities whose label the training set never annotates; count them."""
    others = [ent for ent in doc.ents if ent.label_ not in labels]
    doc.set_ents([ent for ent in doc.ents if ent.label_ in labels])
    return len(others)


def main(
    train: Annotated[str, typer.Argument(help="Annotations: file, folder or glob.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder of .spacy files.")],
    base: Annotated[str, typer.Option(help="Pipeline whose tokenizer counts.")],
    dev: Annotated[str | None, typer.Option(help="Empty: split off train.")] = None,
    test: Annotated[str | None, typer.Option(help="Empty: split off train.")] = None,
    old_test: Annotated[str, typer.Option(help="Gold of the old types.")] = "",
    account_path: Annotated[Path, typer.Option("--account")] = Path("account.json"),
    rejected_path: Annotated[Path, typer.Option("--rejected")] = Path("rejected.jsonl"),
    strict: Annotated[bool, typer.Option(help="Exit 1 on a rejected row.")] = False,
) -> None:
    """Convert offset annotations to DocBin, and account for every row and span."""
    nlp = spacy.load(base)
    account, old_account = Account(), Account()
    settings = {"train": train, "dev": dev, "test": test}
    docs = read_splits(settings, nlp, account)
    old_docs = list(convert(old_test, nlp, old_account)) if old_test else []
    rejected = [*account.rejected, *old_account.rejected]
    with written_whole(rejected_path) as beside:
        # Not srsly, which can't write the half of a UTF-16 pair.
        lines = [json.dumps(error.to_json()) for error in rejected]
        beside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    for error in rejected[:N_SHOWN]:
        print("Rejected", error)
    if strict and rejected:
        raise ValueError(f"{len(rejected)} rows were rejected: see {rejected_path}.")
    check_splits(docs, settings, account)
    if old_docs:
        docs["old_test"] = old_docs
    with written_whole(output_dir) as beside:
        for name, split in docs.items():
            write_docs(split, beside / f"{name}.spacy")
    labels = annotated_labels(docs["train"])
    with written_whole(account_path) as beside:
        counts = {**account.to_json(), "old_test": old_account.to_json()}
        srsly.write_json(beside, {**counts, "labels": labels})
    table = [(name, *kinds.values()) for name, kinds in account.to_json().items()]
    msg.table(table, header=("", *KINDS), divider=True, aligns=[*"lrrrrr"])
    sizes = ", ".join(f"{len(split)} {name}" for name, split in docs.items())
    msg.good(f"{sizes} docs with {', '.join(labels)}: {output_dir}")


if __name__ == "__main__":
    run(main)
