"""A gold doc, and what two pipelines find in it."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from spacy.attrs import ORTH
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from scripts.pipelines import in_lives, leave_out_others, memory_zone

# The two pipelines, as all results name them.
WHO = ("base", "updated")
# Gives base and updated pipeline, loaded anew where they can be.
Load = Callable[[], tuple[Language, Language]]
# Docs that are held: of 5,000 memory grew by a tenth in 100,000 docs, of 2,000 by half
# as much; with fewer, processes would start too often.
N_HELD = 2000
# Start and end in tokens of the gold doc, end exclusive, and label.
Entity = tuple[int, int, str]


class Case(NamedTuple):
    """A gold doc, and the entities that each pipeline finds in its text.

    Attributes:
        doc: The gold doc; tokens at which nobody looked are missing values.
        gold: Its entities.
        found: What `base` and `updated` find, by name.
    """

    doc: Doc
    gold: set[Entity]
    found: dict[str, set[Entity]]

    def looked_at(self, who: str, labels: frozenset[str]) -> set[Entity]:
        """Give what a pipeline finds of the labels where a person looked."""
        unseen = {token.i for token in self.doc if token.ent_iob == 0}
        return {
            (start, end, label)
            for start, end, label in self.found[who]
            if label in labels and unseen.isdisjoint(range(start, end))
        }


def read_cases(load: Load, docs: Iterable[Doc], n_process: int = 1) -> Iterator[Case]:
    """Let both pipelines annotate the texts of gold docs.

    Args:
        load: Gives the pipelines before and after the update; asked now and then.
        docs: The gold docs; some are held.
        n_process: Processes; -1, or 0, for all cores.

    Yields:
        A case for each doc.
    """
    for part in in_lives(docs):
        yield from annotate(*load(), part, n_process or -1)


def annotate(
    base: Language, updated: Language, docs: Iterator[Doc], n_process: int
) -> Iterator[Case]:
    """Let both pipelines annotate the texts of as many docs as they live for."""
    pipelines = (base, updated)
    for nlp in pipelines:
        leave_out_others(nlp)
    is_over = False
    while not is_over:
        # The words of a part are freed with it, so it is read within.
        with memory_zone(base), memory_zone(updated):
            gold = list(islice(docs, N_HELD))
            is_over = len(gold) < N_HELD
            texts = [doc.text for doc in gold]
            # One after the other: together they would have twice the processes.
            both = [
                list(map(entities_of, nlp.pipe(texts, n_process=n_process), gold))
                for nlp in pipelines
            ]
            for doc, *found in zip(gold, *both, strict=True):
                marked = {(ent.start, ent.end, ent.label_) for ent in doc.ents}
                yield Case(doc, marked, dict(zip(WHO, found, strict=True)))


def entities_of(predicted: Doc, gold: Doc) -> set[Entity]:
    """List the predicted entities in tokens of gold, as spaCy's Scorer aligns them."""
    spans: Iterable[Span] = predicted.ents
    if spans and not np.array_equal(predicted.to_array(ORTH), gold.to_array(ORTH)):
        for ent in spans:
            # Another pipeline's vocab may hold labels that this one lacks.
            gold.vocab.strings.add(ent.label_)
        spans = Example(predicted, gold).get_aligned_spans_x2y(spans)
    return {(span.start, span.end, span.label_) for span in spans}


def overlap(one: Entity, other: Entity) -> int:
    """Count the tokens that two entities share."""
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))
