"""The second teacher's marks in rehearsal docs: where a specialist sees a new type."""

import gc
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span

from scripts.command import track
from scripts.docs import doc_files, read_docs, write_docs
from scripts.files import written_whole
from scripts.pipelines import N_WORN, load, memory_zone


def mark(docs: list[Doc], specialist: Language, labels: set[str]) -> None:
    """Mark where a specialist sees a new type and the base sees nothing.

    Where both see something the base is right: a specialist takes every name for
    its own type.

    Args:
        docs: Rehearsal docs with the base's entities; those with the new labels are
            set beside them.
        specialist: A pipeline that learned from the annotations alone.
        labels: The labels that are new to the base.
    """
    views = specialist.pipe(doc.text for doc in docs)
    for doc, view in zip(docs, views, strict=True):
        free = {token.i for token in doc if not token.ent_type}
        seen = [
            Span(doc, ent.start, ent.end, label=ent.label_)
            for ent in view.ents
            if ent.label_ in labels and free.issuperset(range(ent.start, ent.end))
        ]
        doc.set_ents(seen, default="unmodified")


def mark_files(
    paths: Iterable[Path], folder: Path, specialist: Language, labels: set[str]
) -> int:
    """Mark the rehearsal docs of files, as many as a pipeline lives for.

    Returns:
        The number of docs with a mark.
    """
    n_docs = n_marked = 0
    specialist.select_pipes(enable="ner")
    for path in paths:
        # The words of a file are freed with it.
        with memory_zone(specialist):
            docs = list(read_docs(path, specialist.vocab))
            mark(docs, specialist, labels)
            write_docs(docs, folder / path.name)
            n_marked += sum(any(e.label_ in labels for e in d.ents) for d in docs)
            n_docs += len(docs)
        if n_docs >= N_WORN:
            break
    return n_marked


def mark_all(
    rehearsal_dir: Path, output_dir: Path, specialist_dir: Path, labels: set[str]
) -> int:
    """Mark all rehearsal docs in a folder.

    Args:
        rehearsal_dir: Folder of `.spacy` files, as the base annotated them.
        output_dir: Folder for the same files with marks.
        specialist_dir: A pipeline that learned from the annotations alone.
        labels: The labels that are new to the base.

    Returns:
        The number of docs with a mark.
    """
    n_marked = 0
    files = doc_files(rehearsal_dir)
    with written_whole(output_dir) as beside:
        beside.mkdir()
        tracked = track(files, "Marking", len(files), "files")
        for path in tracked:
            # A pipeline refers to itself: the last one is not free before.
            gc.collect()
            paths = chain([path], tracked)
            n_marked += mark_files(paths, beside, load(specialist_dir), labels)
    return n_marked
