"""Pipelines as the steps run them: with what the NER needs, and flat in memory."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import spacy
from spacy.language import Language
from thinc.api import NumpyOps, get_current_ops, use_ops

T = TypeVar("T")
# Docs.
BATCH_SIZE = 64
# Docs after which a pipeline is loaded anew: words that were freed leave holes in its
# tables, which double now and then.
N_WORN = 50_000
# Words that a pipeline may remember: some megabytes.
MAX_VOCAB = 10_000
# Factories of components that set no entities.
NO_ENTS = {
    "attribute_ruler",
    "lemmatizer",
    "morphologizer",
    "parser",
    "senter",
    "sentencizer",
    "tagger",
    "textcat",
    "textcat_multilabel",
    "trainable_lemmatizer",
}


def feeders_of_ner(nlp: Language) -> dict[str, list[str]]:
    """List the components that the NER listens to, with all that listen to each.

    Args:
        nlp: A pipeline with a component `ner`.

    Returns:
        Names of listening components by component; empty if the NER owns its tok2vec.
    """
    feeders = {
        name: getattr(pipe, "listening_components", []) for name, pipe in nlp.pipeline
    }
    return {name: names for name, names in feeders.items() if "ner" in names}


def load(path: str | Path) -> Language:
    """Load a pipeline to annotate with: on a CPU faster than as spaCy sets it.

    Batches of 64 docs stay in a CPU's cache: on newswire they take three quarters of
    the time of spaCy's 1,000, and a fifth of the memory; a GPU is better off with many.
    And numpy multiplies: spaCy's BLIS falls back on generic code for a CPU it doesn't
    know, which took three times as long.
    """
    if not isinstance(get_current_ops(), NumpyOps):
        return spacy.load(path)
    with use_ops("cpu", use_blis=False):
        nlp = spacy.load(path)
    nlp.batch_size = min(nlp.batch_size, BATCH_SIZE)
    return nlp


@lru_cache(maxsize=1)
def load_ner(base_dir: Path) -> Language:
    """Load a pipeline with what its NER needs and nothing else; once a process."""
    nlp = load(base_dir)
    nlp.select_pipes(enable=[*feeders_of_ner(nlp), "ner"])
    return nlp


def leave_out_others(nlp: Language) -> None:
    """Leave out the components that have no part in entities.

    Only where all of them are known: a rule of another may ask for their tags.
    """
    needed = {*feeders_of_ner(nlp), "ner"}
    others = [name for name in nlp.pipe_names if name not in needed]
    if all(nlp.get_pipe_meta(name).factory in NO_ENTS for name in others):
        nlp.select_pipes(disable=others)


def use_gpu(gpu_id: int, n_process: int, engine: str = "local") -> int:
    """Let all that follows run on a GPU, where one is asked for.

    Args:
        gpu_id: Number of the GPU; -1: CPU.
        n_process: Processes that a CPU would be given.
        engine: What runs it, if not this process.

    Returns:
        Processes to run in: on a GPU one.

    Raises:
        ValueError: If there is no such GPU, or many processes would share it.
    """
    if gpu_id < 0:
        return n_process
    if engine != "local":
        raise ValueError(
            "On a cluster runs train on CPUs: set vars.gpu_id to -1, or vars.engine to "
            "local."
        )
    try:
        spacy.require_gpu(gpu_id)
    except ValueError as error:
        raise ValueError(
            f"{error}: set vars.gpu_id to -1, or install spacy[cuda12x], say."
        ) from error
    return 1


def memory_zone(nlp: Language) -> AbstractContextManager:
    """Begin a memory zone, unless the pipeline knows few words yet: then they stay.

    In a zone the tokenizer remembers no word. What it knows from before takes a tenth
    off the time of a pipeline, and four fifths off its own.
    """
    return nlp.memory_zone() if len(nlp.vocab) > MAX_VOCAB else nullcontext()


def in_lives(items: Iterable[T]) -> Iterator[Iterator[T]]:
    """Part a stream in streams of as many docs as a pipeline lives for.

    Each is to be taken whole before the next, by what loads pipelines and lets go of
    them at its end.
    """
    items = iter(items)
    for item in items:
        # A pipeline refers to itself: what was let go of is not free before.
        gc.collect()
        yield chain([item], islice(items, N_WORN - 1))
