"""One way of updating, with all that sets it apart from the others."""

from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import spacy
import srsly
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import Doc

import scripts.functions  # noqa: F401  registers the reader
from scripts.docs import read_docs, write_docs
from scripts.files import written_whole
from scripts.recipe import (
    RATIO,
    TWO_TEACHERS,
    make_config,
    read_settings,
    rehearsal_words,
)
from scripts.scale.sample import choose_all
from scripts.teachers import mark_all

# A trial is scored at its end.
ONE_LOOK = {"update.n_looks": 1}
NO_REHEARSAL = {RATIO: 0.0, TWO_TEACHERS: False}
# What each way sets apart from `configs/update.cfg`.
ARMS: dict[str, dict[str, Any]] = {
    # The annotations alone: the specialist, what the new type can reach.
    "naive": NO_REHEARSAL,
    # Completed by the base, and no rehearsal.
    "completed": NO_REHEARSAL,
    # One fixed mix with what the base annotated, and no completion.
    "static": {TWO_TEACHERS: False},
    # Completed by the base, and fresh rehearsal.
    "rehearsed": {TWO_TEACHERS: False},
    # Begun as the specialist, which has a say in the rehearsal docs.
    "two teachers": {TWO_TEACHERS: True},
}
# Arms that read the annotations as the person made them.
NOT_COMPLETED = ("naive", "static")


@dataclass(frozen=True)
class Trial:
    """One way of updating, with all that sets it apart.

    Attributes:
        arm: A name in `ARMS`.
        ratio: Rehearsal words to each annotated word; None: as the settings say.
        size: Annotated docs; 0: all.
        seed: Seed of the choice of docs and of training.
    """

    arm: str
    ratio: float | None
    size: int
    seed: int

    @property
    def name(self) -> str:
        """The trial's folder."""
        size = self.size or "all"
        ratio = "as-set" if self.ratio is None else f"{self.ratio:g}"
        return f"{self.arm.replace(' ', '-')}_{ratio}_{size}_{self.seed}"


def specialist_of(trial: Trial) -> Trial:
    """Give the trial whose pipeline is the specialist of another."""
    return Trial("naive", 0.0, trial.size, trial.seed)


def cut(docs: list[Doc], trial: Trial) -> list[Doc]:
    """Take as many docs as the trial asks for, the same ones for the same seed."""
    if trial.size:
        Random(trial.seed).shuffle(docs)
    return docs[: trial.size or None]


def update(
    trial: Trial,
    base_dir: Path,
    corpus_dir: Path,
    shards: list[Path],
    settings_path: Path,
    output_dir: Path,
    changes: dict[str, Any] | None = None,
    gpu_id: int = -1,
) -> Language:
    """Update the base in one of the ways, with `spacy train`.

    Args:
        trial: The way.
        base_dir: The base.
        corpus_dir: What preprocess and rehearse wrote: `annotations` and their
            account, and `update`.
        shards: The files of rehearsal docs.
        settings_path: What an update sets.
        output_dir: Folder of trials; the trial's own folder appears whole in it. A
            trial with two teachers finds its specialist's there.
        changes: Other settings, by name.
        gpu_id: GPU to train on; -1: CPU.

    Returns:
        The updated pipeline.
    """
    nlp = spacy.load(base_dir)
    place = output_dir / trial.name
    with written_whole(place) as folder:
        folder.mkdir()
        is_alone = trial.arm in NOT_COMPLETED
        half = "annotations/train" if is_alone else "update/train"
        train_path, rehearsal = folder / "train.spacy", folder / "chosen"
        docs = cut(list(read_docs(corpus_dir / half, nlp.vocab)), trial)
        write_docs(docs, train_path)
        account = srsly.read_json(corpus_dir / "preprocess.json")
        labels, new_labels = account["labels"], account["new_labels"]
        n_words = sum(map(len, docs))
        paths = {"train": train_path, "dev": corpus_dir / "update" / "dev"}
        paths |= {"rehearsal": rehearsal, "log": folder / "log.jsonl"}
        overrides = {f"paths.{key}": str(path) for key, path in paths.items()}
        if trial.ratio is not None:
            overrides[RATIO] = trial.ratio
        # Bars of trials side by side would write over each other.
        overrides |= {"training.logger.progress_bar": None}
        overrides |= {"system.seed": trial.seed, **ARMS[trial.arm], **(changes or {})}
        settings = read_settings(settings_path, new_labels, n_words, overrides)
        n_old = settings["corpora"]["train"]["ratio"] * n_words
        if trial.arm != "static":
            n_old = rehearsal_words(n_words, settings)
        choose_all(shards, rehearsal, n_old, trial.seed)
        specialist = output_dir / specialist_of(trial).name / "model-last"
        if settings["corpora"]["train"]["two_teachers"]:
            mark_all(rehearsal, rehearsal, specialist, {*new_labels})
        config = make_config(
            nlp, str(base_dir), settings, labels, n_words, str(specialist)
        )
        config.to_disk(folder / "update.cfg")
        with (
            open(folder / "train.txt", "w", encoding="utf-8") as log,
            redirect_stdout(log),
        ):
            train(folder / "update.cfg", folder, use_gpu=gpu_id)
        # The folder gets its name last; what was made in it says so now.
        for path in folder.rglob("*.cfg"):
            text = path.read_text(encoding="utf-8").replace(str(folder), str(place))
            path.write_text(text, encoding="utf-8")
    return spacy.load(place / "model-best")
