"""The functions that training configs name, for `spacy train --code`.

spaCy imports this file; a packaged pipeline loads and runs without it.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Corpus, Example
from spacy.util import registry
from thinc.api import Model

from scripts.annotations.pieces import split_doc
from scripts.components import kind_of
from scripts.components.kind import from_config
from scripts.docs import (
    AGAIN,
    EARLIER,
    REHEARSAL,
    count_words,
    doc_files,
    read_bin,
)
from scripts.scale.pipelines import load_code

# The largest share of earlier rounds in what is rehearsed.
MAX_EARLIER = 0.5

Item = TypeVar("Item", Doc, Example)

# `spacy debug data` loads the base, and imports this file alone.
load_code("training/base")


@registry.readers("update.RehearsalCorpus.v1")
def create_rehearsal_corpus(
    annotations: Path,
    rehearsal: Path,
    ratio: float,
    component: str,
    specialist: bool,
    agree: float,
    found_before: list[str],
    seed: int,
) -> Callable[[Language], Iterator[Example]]:
    """Create a corpus that mixes annotations with fresh rehearsal docs in each pass.

    What is repeated is memorised, and the same few rehearsal docs would remind the
    model of themselves alone. With `max_epochs = -1` spaCy calls the reader again for
    each pass, and it continues in the rehearsal docs where the last pass stopped.
    Pseudo-rehearsal: Robins (1995), "Catastrophic Forgetting, Rehearsal and
    Pseudorehearsal"; https://explosion.ai/blog/pseudo-rehearsal-catastrophic-forgetting

    Args:
        annotations: A `.spacy` file or folder; memory holds one file.
        rehearsal: A `.spacy` file or folder, read in a circle; memory holds one file.
            A folder `earlier` in it has what was annotated in earlier rounds: each pass
            reads it once, up to half of what is rehearsed.
        ratio: Ratio of rehearsal words to annotated words.
        component: Name of the pipe to train.
        specialist: Whether a specialist marked new labels in the rehearsal docs.
        agree: How frequent a label has to be in the rehearsal docs, as a share of how
            frequent it is in the annotations, for marks of it to be learned.
        found_before: The labels of a pipe that runs before it.
        seed: Seed of the order of files and docs in each pass.
    """
    # A config has strings.
    annotations, rehearsal = Path(annotations), Path(rehearsal)
    earlier = rehearsal / EARLIER
    found_before = from_config(found_before)
    rng = random.Random(seed)
    circles: dict[Path, Iterator[Example]] = {}

    def select(nlp: Language, examples: list[Example]) -> list[Example]:
        kind, labels = kind_of(nlp, component), nlp.pipe_labels[component]
        for example in examples:
            kind.select(example.reference, labels, found_before)
        return examples

    # With one file, and so with a few thousand annotations, each doc is read once.
    @lru_cache(maxsize=1)
    def read_file(path: Path, nlp: Language) -> list[Example]:
        pieces = read_pieces(path, nlp, component)
        return select(nlp, list(Corpus(path).make_examples(nlp, pieces)))

    def read_folder(folder: Path, nlp: Language) -> Iterator[Example]:
        pieces = read_pieces(folder, nlp, component)
        return Corpus(folder).make_examples(nlp, pieces)

    def take(folder: Path, n_words: float, nlp: Language) -> list[Example]:
        if folder not in circles:
            circles[folder] = in_circle(lambda: read_folder(folder, nlp), folder)
        return list(take_words(circles[folder], n_words))

    @lru_cache(maxsize=1)
    def count_earlier() -> int:
        return count_words(earlier) if earlier.exists() else 0

    def rehearse(n_words: float, n_files: int, nlp: Language) -> list[Example]:
        n_earlier = min(count_earlier() / n_files, MAX_EARLIER * n_words)
        fresh = take(rehearsal, n_words - n_earlier, nlp)
        return fresh + take(earlier, n_earlier, nlp)

    def read(nlp: Language) -> Iterator[Example]:
        files = doc_files(annotations)
        rng.shuffle(files)
        for file in files:
            annotated = read_file(file, nlp)
            n_words = ratio * sum(map(len, annotated))
            fresh = rehearse(n_words, len(files), nlp)
            if specialist:
                labels = frequent_labels(nlp, component, annotated, fresh, agree)
                fresh = keep_agreed(nlp, component, fresh, labels)
            examples = [*annotated, *select(nlp, fresh)]
            rng.shuffle(examples)
            yield from examples

    return lambda nlp: check_any(read(nlp), annotations)


def read_pieces(path: Path, nlp: Language, component: str) -> Iterator[Doc]:
    """Read the docs of a file or a folder, the long ones split."""
    split_points = kind_of(nlp, component).split_points
    for file in doc_files(path):
        for doc in read_bin(file).get_docs(nlp.vocab):
            yield from split_doc(doc, split_points)


def in_circle(read: Callable[[], Iterator[Item]], path: Path) -> Iterator[Item]:
    """Read the docs or examples of a path again and again."""
    while True:
        yield from check_any(read(), path)


def check_any(items: Iterator[Item], path: Path) -> Iterator[Item]:
    """Pass on what a path holds; if that is nothing, spaCy would wait for ever."""
    item = None
    for item in items:
        yield item
    if item is None:
        raise ValueError(f"{path} has no docs with words: {AGAIN}")


def frequent_labels(
    nlp: Language,
    component: str,
    annotated: list[Example],
    rehearsed: list[Example],
    share: float,
) -> set[str]:
    """Find the labels that a specialist marks often in rehearsal docs.

    They are those with at least that share of their frequency in the annotations.
    Where a type is rare, most of a specialist's marks are mistakes.
    """
    kind = kind_of(nlp, component)
    found, marked = (
        Counter(fact[-1] for example in some for fact in facts(example.reference))
        for some, facts in ((annotated, kind.facts), (rehearsed, kind.marked_facts))
    )
    ratio = share * sum(map(len, rehearsed)) / max(1, sum(map(len, annotated)))
    return {label for label, n in marked.items() if n >= ratio * found[label]}


def keep_agreed(
    nlp: Language, component: str, examples: list[Example], labels: set[str]
) -> list[Example]:
    """Keep the specialist's marks, of some labels, that the pipe in training predicts.

    The base does not know the new label: that it finds none proves nothing. The
    specialist finds it everywhere: it never learned what else there is. So a mark
    counts where the pipe in training agrees; elsewhere its tokens become missing
    values. In the first pass all marks count if training begins as the specialist, and
    none if a second component begins to learn. Two views that must agree: Blum &
    Mitchell (1998), "Combining Labeled and Unlabeled Data with Co-Training".

    Returns:
        The examples that can still be learned from.
    """
    kind = kind_of(nlp, component)
    marked = [eg for eg in examples if kind.is_marked(eg.reference)]
    bare = [bare_copy(example.reference) for example in marked]
    predicted = nlp.pipe(bare) if labels else bare
    dropped = {
        id(example)
        for example, prediction in zip(marked, predicted, strict=True)
        if not kind.keep_agreed(example.reference, prediction, labels)
    }
    return [example for example in examples if id(example) not in dropped]


def bare_copy(doc: Doc) -> Doc:
    """Copy a doc without annotations: an NER would keep entities that are set."""
    return Doc(doc.vocab, [t.text for t in doc], [t.whitespace_ for t in doc])


def take_words(items: Iterator[Item], n_words: float) -> Iterator[Item]:
    """Take docs or examples until they have that many words, and no more."""
    while n_words > 0:
        item = next(items)
        n_words -= len(item)
        yield item


@registry.callbacks("update.rehearse_scores.v1")
def create_rehearse_scores(
    rehearsal: Path, component: str, n_words: int, weight: float
) -> Callable[[Language, dict[str, Any]], None]:
    """Create the callback that reminds a pipe of its own scores before each step.

    A rehearsal doc says what the base finds, and not how sure it was of that: what it
    found, or missed, by a hair changes first. So the pipe also learns to find
    everything in fresh docs as likely as when training began. Hinton, Vinyals & Dean
    (2015), "Distilling the Knowledge in a Neural Network"; against forgetting: Li &
    Hoiem (2016), "Learning without Forgetting". spaCy's `nlp.rehearse` compares raw
    scores instead, and with these a pipe learned fewer corrections and changed more.

    Args:
        rehearsal: A `.spacy` file or folder, read in a circle.
        component: Name of the pipe to train.
        n_words: Words of the docs that are scored before each step.
        weight: Weight of each token in them, where one in a batch has 1; 0: the
            callback does nothing.
    """
    folder = Path(rehearsal)

    def read_bare(nlp: Language) -> Iterator[Doc]:
        return map(bare_copy, filter(len, read_pieces(folder, nlp, component)))

    @lru_cache(maxsize=1)
    def start(nlp: Language) -> tuple[Model, Iterator[Doc]]:
        docs = in_circle(lambda: read_bare(nlp), folder)
        return deepcopy(nlp.get_pipe(component).model), docs

    def rehearse_scores(nlp: Language, step: dict[str, Any]) -> None:
        if weight > 0:
            before, docs = start(nlp)
            some = [*nlp.pipe(take_words(docs, n_words), disable=[component])]
            kind = kind_of(nlp, component)
            kind.rehearse(nlp.get_pipe(component), before, some, weight)

    return rehearse_scores


@registry.callbacks("update.prepare_component.v1")
def create_prepare_component(
    component: str, labels: list[str]
) -> Callable[[Language], Language]:
    """Create the callback that adds labels to a sourced component before training."""
    labels = from_config(labels)

    def prepare_component(nlp: Language) -> Language:
        kind = kind_of(nlp, component)
        kind.prepare(nlp, component, labels)

        def score(examples: Iterable[Example], **cfg: Any) -> dict[str, Any]:
            own = nlp.pipe_labels[component]
            return score_halves(examples, kind.score, labels, own)

        nlp.get_pipe(component).scorer = score
        return nlp

    return prepare_component


def score_halves(
    examples: Iterable[Example],
    score: Callable[..., float | None],
    labels: list[str],
    own: list[str],
) -> dict[str, float | None]:
    """Score the annotations and the rehearsal docs of a dev set separately.

    One score over both would be that of the larger half. So `new_f` is that of the
    annotated labels in the annotations, and `old_f` that of the pipe's own labels in
    the rehearsal docs, from 0 to 1.
    """
    halves: dict[bool, list[Example]] = {False: [], True: []}
    for example in examples:
        halves[REHEARSAL in example.reference.cats].append(example)
    if not any(halves.values()):
        raise ValueError("The dev set has no docs: run rehearse again, with --force.")
    return {"new_f": score(halves[False], labels), "old_f": score(halves[True], own)}
