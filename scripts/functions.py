"""Functions that training configs name: for `spacy train --code`.

Imports spaCy and nothing of ours. A packaged pipeline loads and runs without it.
"""

import random
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import chain, cycle
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Corpus, Example
from spacy.training.corpus import walk_corpus
from spacy.util import registry

# Category of a rehearsal doc among others.
REHEARSAL = "rehearsal"
# Words of a doc that training reads at once. A longer one would be a batch, and a step,
# by itself, and the others be read as often as there are steps.
MAX_WORDS = 1500


@registry.readers("ner_update.Rehearsal.v1")
def create_rehearsal_reader(
    annotations: Path,
    rehearsal: Path,
    ratio: float,
    two_teachers: bool,
    new_labels: list[str],
    seed: int,
) -> Callable[[Language], Iterator[Example]]:
    """Mix the annotations with fresh rehearsal docs on each pass.

    What is repeated is memorised, and the same few rehearsal docs would remind the
    model of themselves alone. With `max_epochs = -1` spaCy calls the reader again
    for each pass, and it goes on in the rehearsal docs where the last one stopped.
    Pseudo-rehearsal: Robins (1995), "Catastrophic Forgetting, Rehearsal and
    Pseudorehearsal"; https://explosion.ai/blog/pseudo-rehearsal-catastrophic-forgetting

    Args:
        annotations: A `.spacy` file or folder, read whole on each pass; the docs of a
            file are shuffled together with their share of rehearsal, and memory holds
            no more.
        rehearsal: A `.spacy` file or folder, read on and on; memory holds two files.
        ratio: Rehearsal words to each annotated word.
        two_teachers: Whether a specialist has a say in the rehearsal docs.
        new_labels: The labels that the specialist alone knows.
        seed: Seed of the order of files and docs in each pass.

    Returns:
        The corpus reader.
    """
    rng = random.Random(seed)
    endless: Iterator[Example] | None = None

    # Of one file, and so of a few thousand annotations, each is read once.
    @lru_cache(maxsize=1)
    def read_file(path: Path, nlp: Language) -> list[Example]:
        docs = DocBin().from_disk(path).get_docs(nlp.vocab)
        pieces = chain.from_iterable(map(cut, docs))
        return list(Corpus(path).make_examples(nlp, pieces))

    # The disk is never waited for: the next file is read in a thread.
    def read_on(nlp: Language) -> Iterator[Example]:
        files = cycle(walk_corpus(rehearsal, ".spacy"))
        with ThreadPoolExecutor(1) as thread:
            ahead = thread.submit(DocBin().from_disk, next(files))
            while True:
                docs = ahead.result().get_docs(nlp.vocab)
                ahead = thread.submit(DocBin().from_disk, next(files))
                yield from Corpus(rehearsal).make_examples(nlp, docs)

    def read(nlp: Language) -> Iterator[Example]:
        nonlocal endless
        endless = endless or read_on(nlp)
        files = walk_corpus(annotations, ".spacy")
        rng.shuffle(files)
        for file in files:
            annotated = read_file(file, nlp)
            rehearsed = list(take_words(endless, ratio * sum(map(len, annotated))))
            if two_teachers:
                hear_specialist(nlp, rehearsed, new_labels)
            examples = [*annotated, *rehearsed]
            rng.shuffle(examples)
            yield from examples

    return read


def hear_specialist(
    nlp: Language, rehearsed: list[Example], new_labels: Collection[str]
) -> None:
    """Let the specialist for the new types have its say in rehearsal docs.

    The base knows nothing of a new type: that it sees none is no evidence. The
    specialist sees it everywhere: it never learned what else there is. So it is
    believed where the pipeline in training sees the same entity; where it is alone,
    the tokens are missing values, and teach neither. In the first pass all is agreed,
    if training begins as the specialist. Two views that must agree: Blum & Mitchell
    (1998), "Combining Labeled and Unlabeled Data with Co-Training".

    Args:
        nlp: The pipeline in training, as it is now; its NER owns its tok2vec.
        rehearsed: Examples with the base's entities and, where that sees nothing, the
            specialist's. Changed in place.
        new_labels: The labels of the specialist's entities; the base knows none.
    """
    gold = (example.reference for example in rehearsed)
    marked = [d for d in gold if any(ent.label_ in new_labels for ent in d.ents)]
    # Docs of their own: entities that are set before an update bind the parser.
    docs = [
        Doc(d.vocab, [t.text for t in d], [t.whitespace_ for t in d]) for d in marked
    ]
    seen_by_pupil = nlp.get_pipe("ner").pipe(docs)
    for doc, pupil in zip(marked, seen_by_pupil, strict=True):
        seen = {(ent.start, ent.end, ent.label) for ent in pupil.ents}
        agreed, alone = [], []
        for ent in doc.ents:
            is_new = ent.label_ in new_labels
            is_alone = is_new and (ent.start, ent.end, ent.label) not in seen
            (alone if is_alone else agreed).append(ent)
        doc.set_ents(agreed, missing=alone)


def cut(doc: Doc, max_words: int = MAX_WORDS) -> Iterator[Doc]:
    """Cut a long doc where no span is: behind a sentence, if one ends in the last half.

    Args:
        doc: The doc; entities, missing values and span groups stay as they are.
        max_words: Words of a piece, at most, where no span is longer.
    """
    if len(doc) <= max_words:
        yield doc
        return
    spans = [*doc.ents, *chain.from_iterable(doc.spans.values())]
    inside = {i for span in spans for i in range(span.start + 1, span.end)}
    start = 0
    while len(doc) - start > max_words:
        last = start + max_words
        ends = [i for i in range(last - max_words // 2, last + 1) if i not in inside]
        behind = [i for i in ends if doc[i - 1].text.strip() in {"", *".!?。！？"}]
        later = (i for i in range(last, len(doc) + 1) if i not in inside)
        end = behind[-1] if behind else ends[-1] if ends else next(later)
        yield piece_of(doc, start, end)
        start = end
    if start < len(doc):
        yield piece_of(doc, start, len(doc))


def piece_of(doc: Doc, start: int, end: int) -> Doc:
    """Give a piece of a doc, with its spans, as a doc; start and end in tokens."""
    piece = doc[start:end].as_doc()
    for name, group in doc.spans.items():
        piece.spans[name] = [
            Span(piece, span.start - start, span.end - start, label=span.label_)
            for span in group
            if start <= span.start and span.end <= end
        ]
    return piece


def take_words(examples: Iterator[Example], n_words: float) -> Iterator[Example]:
    """Take examples, and no more, until they have as many words."""
    while n_words > 0:
        example = next(examples)
        n_words -= len(example)
        yield example


def score_halves(examples: Iterable[Example], labels: list[str]) -> dict[str, Any]:
    """Score the new annotations and the rehearsal docs each by themselves.

    One F over both would be that of the larger half.

    Args:
        examples: Examples of the dev set; a rehearsal doc says so.
        labels: The labels that a person annotated.

    Returns:
        spaCy's `ents_p`, `ents_r`, `ents_f` and `ents_per_type` over all examples;
        `new_f`, for the labels in the new annotations; `old_f`, for all labels in
        the rehearsal docs. From 0 to 1.
    """
    halves: dict[bool, list[Example]] = {False: [], True: []}
    for example in examples:
        halves[REHEARSAL in example.reference.cats].append(example)

    looked_at = looked_at_in(halves[False], labels)
    new = Scorer.score_spans(halves[False], "ents", getter=looked_at)
    old = Scorer.score_spans(halves[True], "ents")
    both = get_ner_prf([*halves[False], *halves[True]])
    return {**both, "new_f": new.get("ents_f"), "old_f": old.get("ents_f")}


def looked_at_in(
    examples: Iterable[Example], labels: Collection[str]
) -> Callable[[Doc, str], list[Span]]:
    """Make the getter with which spaCy's Scorer scores what a person looked at.

    Args:
        examples: The examples to be scored; tokens of gold may be missing values.
        labels: The labels that a person annotated.

    Returns:
        The getter: entities with one of the labels, less predictions where nobody
        looked.
    """
    unseen = {
        id(example.predicted): {t.i for t in example.reference if t.ent_iob == 0}
        for example in examples
        if not example.reference.has_annotation("ENT_IOB", require_complete=True)
    }

    def looked_at(doc: Doc, attr: str) -> list[Span]:
        tokens = unseen.get(id(doc), set())
        return [
            ent
            for ent in doc.ents
            if ent.label_ in labels and tokens.isdisjoint(range(ent.start, ent.end))
        ]

    return looked_at


@registry.callbacks("ner_update.prepare_ner.v1")
def create_prepare_ner(
    labels: list[str], incorrect_spans_key: str
) -> Callable[[Language], Language]:
    """Prepare a sourced NER for the update, after initialisation.

    Args:
        labels: The labels to add; one that the NER knows changes nothing.
        incorrect_spans_key: Span group of what a person said is no such entity.

    Returns:
        The callback for `[initialize.after_init]`.
    """

    def prepare_ner(nlp: Language) -> Language:
        ner = nlp.get_pipe("ner")
        for label in labels:
            ner.add_label(label)
        # The settings of a sourced NER are those it was saved with.
        ner.cfg["incorrect_spans_key"] = incorrect_spans_key
        ner.moves.cfg["neg_key"] = incorrect_spans_key
        ner.scorer = lambda examples, **cfg: score_halves(examples, labels)
        return nlp

    return prepare_ner
