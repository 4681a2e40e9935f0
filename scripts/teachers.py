"""The second teacher's marks in rehearsal docs: where a specialist sees a new type."""

from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span

from scripts.files import (
    doc_files,
    memory_zone,
    read_docs,
    write_docs,
    written_whole,
)
from scripts.listeners import set_batch_size
from scripts.progress import track


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


def mark_file(
    path: Path, output_path: Path, specialist: Language, labels: set[str]
) -> int:
    """Mark the rehearsal docs of one file, and give the number of those with a mark."""
    docs = list(read_docs(path, specialist.vocab))
    mark(docs, specialist, labels)
    write_docs(docs, output_path)
    return sum(any(ent.label_ in labels for ent in doc.ents) for doc in docs)


def mark_all(
    rehearsal_dir: Path, output_dir: Path, specialist: Language, labels: set[str]
) -> int:
    """Mark all rehearsal docs in a folder.

    Args:
        rehearsal_dir: Folder of `.spacy` files, as the base annotated them.
        output_dir: Folder for the same files with marks.
        specialist: A pipeline that learned from the annotations alone.
        labels: The labels that are new to the base.

    Returns:
        The number of docs with a mark.
    """
    n_marked = 0
    set_batch_size(specialist)
    files = doc_files(rehearsal_dir)
    with written_whole(output_dir) as beside, specialist.select_pipes(enable="ner"):
        beside.mkdir()
        for path in track(files, "Marking", len(files), "files"):
            # The words of a file are freed with it.
            with memory_zone(specialist):
                n_marked += mark_file(path, beside / path.name, specialist, labels)
    return n_marked
