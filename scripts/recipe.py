"""The recipe of an update: the base's own config, and the settings over it."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from thinc.api import Config

from scripts.annotations.records import INCORRECT
from scripts.pipelines import feeders_of_ner

RATIO, TWO_TEACHERS = "corpora.train.ratio", "corpora.train.two_teachers"
# Sections whose settings win for some annotations.
OWN = ("corrections", "new_types")


def section_for(settings: Config, new_labels: Collection[str], n_words: int) -> str:
    """Name the section whose settings win for annotations; empty: none.

    Corrections are few, and of types that the base knows. A new type has settings of
    its own with two teachers.

    Args:
        settings: What an update sets; a section that was removed wins nowhere.
        new_labels: The labels that were annotated and that the base does not know.
        n_words: Words in the annotated docs.
    """
    if new_labels:
        wins = settings["corpora"]["train"]["two_teachers"] and "new_types" in settings
        return "new_types" if wins else ""
    max_words = settings.get("corrections", {}).get("max_words", 0)
    return "corrections" if n_words <= max_words else ""


def read_settings(
    path: Path,
    new_labels: Collection[str],
    n_words: int,
    overrides: dict[str, Any] | None = None,
) -> Config:
    """Read what an update sets; new types, and corrections, have settings of their own.

    Args:
        path: The settings, `configs/update.cfg`.
        new_labels: The labels that were annotated and that the base does not know.
        n_words: Words in the annotated docs.
        overrides: Other settings, by name; they win.

    Returns:
        The settings of this update.
    """
    settings = Config().from_disk(path, interpolate=False)
    # Not set in the text, which would double each `$` of a label.
    overrides = {"corpora.train.new_labels": [*new_labels], **(overrides or {})}
    train = settings["corpora"]["train"]
    two_teachers = overrides.pop(TWO_TEACHERS, train["two_teachers"])
    # A specialist for types that the base knows there is none.
    train["two_teachers"] = two_teachers and bool(new_labels)
    section = section_for(settings, new_labels, n_words)
    own = {name: settings.pop(name, {}) for name in OWN}
    own["corrections"].pop("max_words", None)
    settings = settings.merge(own.get(section, {}))
    return Config().from_str(settings.to_str(), overrides=overrides)


def make_config(
    nlp: Language,
    base_dir: str,
    settings: Config,
    labels: list[str],
    n_words: int,
    specialist_dir: str = "",
) -> Config:
    """Make the training config of an update.

    Args:
        nlp: The base pipeline.
        base_dir: The path it was loaded from.
        settings: What an update sets, over the base's config.
        labels: The labels that were annotated.
        n_words: Words in the annotated docs.
        specialist_dir: The path of the specialist. With two teachers its NER is
            updated, else the base's.

    Returns:
        The config, for `spacy train`.
    """
    config = nlp.config.copy()

    # The NER gets its own copy of a shared tok2vec: updated in place, it would
    # change what the frozen components see.
    feeders = feeders_of_ner(nlp)
    orphans = [name for name, listeners in feeders.items() if listeners == ["ner"]]
    pipeline = [name for name in config["nlp"]["pipeline"] if name not in orphans]
    config["nlp"]["pipeline"] = pipeline
    config["nlp"]["disabled"] = [n for n in config["nlp"]["disabled"] if n in pipeline]
    config["components"] = {name: {"source": base_dir} for name in pipeline}
    if specialist_dir and settings["corpora"]["train"]["two_teachers"]:
        config["components"]["ner"] = {"source": specialist_dir}
    elif feeders:
        config["components"]["ner"]["replace_listeners"] = ["model.tok2vec"]

    # Settings of the base's own training say nothing of an update.
    defaults = spacy.blank(nlp.lang).config
    for section in ("corpora", "training", "initialize"):
        config[section] = defaults[section]
    config["training"]["frozen_components"] = [n for n in pipeline if n != "ner"]

    # A score counts, unless it is set to nothing: those of frozen components, and F
    # over old and new together.
    config["training"]["score_weights"] = {
        score: None if weight is None else 0.0
        for name in pipeline
        for score, weight in nlp.get_pipe_meta(name).default_score_weights.items()
    }

    # Lookups and vectors come with the vocab.
    config["initialize"]["before_init"] = {
        "@callbacks": "spacy.copy_from_base_model.v1",
        "tokenizer": base_dir,
        "vocab": base_dir,
    }
    config["initialize"]["after_init"] = {
        "@callbacks": "ner_update.prepare_ner.v1",
        "labels": labels,
        "incorrect_spans_key": INCORRECT,
    }
    config = Config(config).merge(settings)

    max_steps, frequency, batch_words = budget(n_words, settings)
    config["training"]["max_steps"] = max_steps
    config["training"]["eval_frequency"] = frequency
    rate = config["training"]["optimizer"]["learn_rate"]
    # A constant rate, or another schedule, has no such end.
    if isinstance(rate, dict) and rate["@schedules"] == "warmup_linear.v1":
        rate["total_steps"] = max_steps
    config["training"]["batcher"]["size"] = batch_words
    config.pop("update")
    return config


def budget(n_words: int, settings: Config) -> tuple[int, int, int]:
    """Say how long to train.

    Args:
        n_words: Words in the annotated docs.
        settings: What an update sets.

    Returns:
        The number of steps, those between two looks at dev, and the words in a batch.
    """
    update = settings["update"]
    ratio = settings["corpora"]["train"]["ratio"]
    total = round(update["passes"] * n_words * (1 + ratio))
    max_steps = max(update["min_steps"], total // update["max_batch_words"])
    # The last step is looked at: it is the one that is kept.
    frequency = max(1, max_steps // update["n_looks"])
    max_steps -= max_steps % frequency
    return max_steps, frequency, max(update["min_batch_words"], total // max_steps)


def rehearsal_words(n_words: int, settings: Config) -> int:
    """Say how many words of rehearsal docs training reads, where docs fit a batch.

    Args:
        n_words: Words in the annotated docs.
        settings: What an update sets.
    """
    max_steps, _, batch_words = budget(n_words, settings)
    ratio = settings["corpora"]["train"]["ratio"]
    return round(max_steps * batch_words * ratio / (1 + ratio))
