"""Rows to files a part at a time, each by the worker that is free.

What comes of a part does not depend on the other parts of its split: any number of
workers gives the same bytes.
"""

import json
from collections.abc import Collection, Iterator
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch

from scripts.annotations.account import Account
from scripts.annotations.convert import (
    First,
    Options,
    PlannedRow,
    convert,
    read_split,
)
from scripts.annotations.split import Shingles
from scripts.annotations.survey import Plan
from scripts.docs import PART_SIZE, write_docs
from scripts.pipelines import memory_zone
from scripts.scale.workers import Workers


class Job(NamedTuple):
    """What is to be done with the rows of a split.

    Attributes:
        split: Its name.
        base: The pipeline whose tokenizer counts.
        options: How rows are understood.
        labels: The labels that count; None: all.
        held_out: File of the texts that train is compared with.
    """

    split: str
    base: str
    options: Options
    labels: Collection[str] | None
    held_out: Path


class Part(NamedTuple):
    """What came of some rows of a split.

    Attributes:
        split: Its name.
        account: What became of the rows.
        texts: The texts, each with its place, if train is to be compared with them.
    """

    split: str
    account: Account
    texts: list[tuple[str, str]]


def count_parts(plans: dict[str, Plan], fate: int) -> int:
    """Count the parts that a split will have, about."""
    n_rows = sum(plan.fates.count(fate) for plan in plans.values())
    # A part that is not full, and that of rows whose text comes again.
    return n_rows // PART_SIZE + 2


def submit_all(
    plans: dict[str, Plan], fate: int, job: Job, folder: Path, workers: Workers
) -> Iterator[Future]:
    """Submit the rows of a split as tasks, each of which gives a part.

    Args:
        plans: The plan of each file.
        fate: The number of the split in it.
        job: What is to be done with the rows.
        folder: The folder of `.spacy` files.
        workers: What converts.

    Yields:
        The tasks; the last is of all rows whose text comes again.
    """
    n_files = 0
    for some in minibatch(read_split(plans, fate, False, job.options), PART_SIZE):
        path = folder / f"{n_files:05}.spacy"
        yield workers.submit(convert_part, some, job, path)
        n_files += 1
    yield workers.submit(convert_repeated, plans, fate, job, folder, n_files)


def convert_repeated(
    plans: dict[str, Plan], fate: int, job: Job, folder: Path, n_files: int
) -> Part:
    """Convert the rows whose text comes again: in order, for the first of them counts.

    Args:
        plans: The plan of each file.
        fate: The number of the split in it.
        job: What is to be done with the rows.
        folder: The folder of `.spacy` files.
        n_files: The number of files that are there.

    Returns:
        What came of them.
    """
    whole, first = Part(job.split, Account(), []), {}
    rows = read_split(plans, fate, True, job.options)
    for number, some in enumerate(minibatch(rows, PART_SIZE), start=n_files):
        part = convert_part(some, job, folder / f"{number:05}.spacy", first)
        whole.account.add(part.account)
        whole.texts.extend(part.texts)
    return whole


def convert_part(
    rows: list[PlannedRow], job: Job, path: Path, first: First | None = None
) -> Part:
    """Convert rows, and write them as one `.spacy` file.

    Args:
        rows: The rows.
        job: What is to be done with them.
        path: The file.
        first: What was said of texts that may come again; None: no text does.

    Returns:
        What came of them.
    """
    nlp, account, texts = load(job.base), Account(), []
    held_out = read_held_out(job.held_out) if job.split == "train" else None

    def watched() -> Iterator[Doc]:
        found = convert(rows, nlp, job.options, job.labels, account, first)
        for row, text, doc in found:
            account.labels.update([ent.label_ for ent in doc.ents])
            if held_out is None:
                texts.append((text, f"{row.file}:{row.line}"))
            elif near := held_out.near(text):
                account.note_near(f"{row.file}:{row.line}", near)
            yield doc

    with memory_zone(nlp):
        write_docs(watched(), path)
    return Part(job.split, account, texts)


@lru_cache(maxsize=1)
def load(base: str) -> Language:
    """Load the pipeline whose tokenizer counts; once a process."""
    return spacy.load(base)


@lru_cache(maxsize=1)
def read_held_out(path: Path) -> Shingles:
    """Read the texts of the held-out sets; once a process."""
    held_out = Shingles()
    with path.open(encoding="utf-8") as lines:
        for text, place in map(json.loads, lines):
            held_out.add(text, place)
    return held_out
