"""Updates to compare or to average, each made with the functions of the steps.

A run is a folder that appears whole: its config, its pipeline, its log and its scores
on dev. One that exists is not made again.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import srsly
from spacy.language import Language
from spacy.training import Example
from thinc.api import Config
from weasel.util.hashing import get_checksum

from scripts.command import track
from scripts.components import kind_of, labels_of
from scripts.components.kind import NewLabels, read_new_labels
from scripts.configure import (
    ALONE,
    RATIO,
    SCORES,
    SPECIALIST,
    Keep,
    configs_of,
    write_start,
)
from scripts.docs import EARLIER, count_words, read_docs, write_docs
from scripts.files import written_whole
from scripts.functions import score_halves
from scripts.scale.pipelines import leave_out_others, open_pipeline
from scripts.scale.shards import finished_shards
from scripts.scale.storage import as_path
from scripts.scale.workers import Workers
from scripts.specialist import choose_docs, mark_all, rehearsal_words
from scripts.train import train_all

SCRIPTS = Path(__file__).parents[1]
# The code that makes a run: after a change to it, no run counts as done.
CODE = ("annotations/pieces.py", "components", "configure.py", "docs.py")
CODE += ("extras/runs.py", "functions.py", "scale/pipelines.py", "scale/sample.py")
CODE += ("specialist.py", "train.py")
# What a run reads, besides the base, the rehearsal docs and the settings.
DATA = ("annotations/train", "update/train", "update/dev", "update/earlier")
# The ways to update, by what each changes in `configs/update.cfg`.
ARMS: dict[str, dict[str, Any]] = {
    # The annotations alone: the specialist, and what can be learned of a new label.
    "alone": ALONE,
    # The annotations completed by the base, without rehearsal.
    "completed": ALONE,
    # One fixed mix with rehearsal docs, not completed.
    "static": {SPECIALIST: False, SCORES: 0.0},
    # Completed by the base, with fresh rehearsal docs.
    "rehearsed": {SPECIALIST: False},
    # The same, begun as the specialist and with its marks.
    "specialist": {SPECIALIST: True},
    # A second component learns the new labels, with the specialist's marks.
    "exact": {SPECIALIST: True},
}
# Arms that read the annotations as the person made them.
NOT_COMPLETED = ("alone", "static")


@dataclass(frozen=True)
class Run:
    """One way to update.

    Attributes:
        arm: A name in `ARMS`.
        ratio: Ratio of rehearsal words to annotated words; None: as the settings say.
        size: Number of annotated docs; 0: all.
        seed: Seed of the choice of docs and of training.
    """

    arm: str
    ratio: float | None
    size: int
    seed: int

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        size = self.size or "all"
        ratio = "as-set" if self.ratio is None else f"{self.ratio:g}"
        return f"{self.arm}_{ratio}_{size}_{self.seed}"

    @property
    def specialist(self) -> "Run":
        """The run whose pipeline is the specialist of this one."""
        return Run("completed", 0.0, self.size, self.seed)

    @property
    def keep(self) -> Keep:
        """Where new labels go: to a second component, or to the base's own."""
        return "exact" if self.arm == "exact" else "one"


@dataclass(frozen=True)
class Inputs:
    """What all runs have in common.

    Attributes:
        base_dir: The base.
        corpus_dir: What preprocess and rehearse wrote.
        shards: The files of rehearsal docs.
        settings_path: The settings of an update.
        output_dir: Folder of the runs.
        component: Name of the pipe to update.
        account: The account of preprocess.
        new: The labels that the base does not know.
        changes: Other settings by name.
        gpu_id: GPU to train on; -1: CPU.
    """

    base_dir: Path
    corpus_dir: Path
    shards: list[Path]
    settings_path: Path
    output_dir: Path
    component: str
    account: dict[str, Any]
    new: NewLabels
    changes: dict[str, Any] = field(default_factory=dict)
    gpu_id: int = -1


def read_inputs(
    base_dir: Path,
    corpus_dir: Path,
    rehearsal: str,
    settings_path: Path,
    output_dir: Path,
    settings: Config,
    **options: Any,
) -> Inputs:
    """Collect what all runs have in common, and name their folder by its checksum.

    Args:
        base_dir: The base.
        corpus_dir: What preprocess and rehearse wrote.
        rehearsal: Folder of rehearsal docs, here or in object storage.
        settings_path: The settings of an update.
        output_dir: Parent of the runs' folder.
        settings: Those of the settings that all runs share.
        options: Other attributes of `Inputs`.
    """
    account = srsly.read_json(corpus_dir / "preprocess.json")
    rehearsed = srsly.read_json(corpus_dir / "rehearse.json")
    manifest = rehearsed["manifest"]
    paths = [base_dir, *(corpus_dir / name for name in DATA)]
    paths += [SCRIPTS / name for name in CODE]
    parts = [settings.to_str(), manifest, *account["labels"]]
    key = hashlib.md5("".join([*parts, *map(get_checksum, paths)]).encode()).hexdigest()
    return Inputs(
        base_dir=base_dir.resolve(),
        corpus_dir=corpus_dir.resolve(),
        shards=finished_shards(as_path(rehearsal).resolve(), manifest),
        settings_path=settings_path.resolve(),
        output_dir=(output_dir / key[:8]).resolve(),
        account=account,
        new=read_new_labels(rehearsed),
        **options,
    )


def run_all(runs: list[Run], inputs: Inputs, workers: Workers) -> None:
    """Make the runs that do not exist yet: specialists first, for others need them."""
    todo = [r for r in dict.fromkeys(runs) if not (inputs.output_dir / r.name).exists()]

    def make_all() -> Iterator[None]:
        for is_alone in (True, False):
            some = [run for run in todo if (run.arm == "completed") is is_alone]
            yield from workers.map(partial(make_run, inputs=inputs), some)

    for _ in track(make_all(), "Training", len(todo), "runs"):
        pass


def make_run(run: Run, inputs: Inputs) -> None:
    """Update the base in one way, as the steps from `configure` to `train` do.

    The folder gets a folder for each pipe that is trained, the updated pipeline as
    `model-best`, and `result.json` with its scores on dev.
    """
    start, nlp = time.perf_counter(), open_pipeline(inputs.base_dir)
    folder = inputs.output_dir / run.name
    with written_whole(folder) as part:
        part.mkdir()
        configs = configure_run(run, nlp, inputs, part)
        prepare_docs(run, configs, inputs, part)
        for pipe, config in configs.items():
            config.to_disk(part / f"{pipe}.cfg")
        paths = [part / f"{pipe}.cfg" for pipe in configs]
        with (
            open(part / "train.txt", "w", encoding="utf-8") as log,
            redirect_stdout(log),
        ):
            how = (inputs.component, inputs.new, inputs.gpu_id)
            updated, _ = train_all(inputs.base_dir, paths, part, *how)
        updated.to_disk(part / "model-best")
        result = score_on_dev(updated, inputs)
        seconds = round(time.perf_counter() - start, 1)
        srsly.write_json(part / "result.json", {**result, "seconds": seconds})
        # The folder gets its name last; the configs in it name the files by that.
        for path in part.rglob("*.cfg"):
            text = path.read_text(encoding="utf-8").replace(str(part), str(folder))
            path.write_text(text, encoding="utf-8")


def configure_run(
    run: Run, nlp: Language, inputs: Inputs, folder: Path
) -> dict[str, Config]:
    """Write what a run reads to its folder, and make a config for each pipe."""
    source = "annotations" if run.arm in NOT_COMPLETED else "update"
    docs = list(read_docs(inputs.corpus_dir / source / "train", nlp.vocab))
    if run.size:
        Random(run.seed).shuffle(docs)
    docs = docs[: run.size or None]
    write_docs(docs, folder / "train.spacy")
    overrides = {
        "paths.train": str(folder / "train.spacy"),
        "paths.dev": str(inputs.corpus_dir / "update" / "dev"),
        "paths.rehearsal": str(folder / "chosen"),
        # Progress bars of runs in parallel would overwrite each other.
        "training.logger.progress_bar": None,
        "system.seed": run.seed,
        **({} if run.ratio is None else {RATIO: run.ratio}),
        **ARMS[run.arm],
        **inputs.changes,
    }
    specialist = inputs.output_dir / run.specialist.name / inputs.component
    starts = {"specialist": str(specialist / "model-last")}
    starts["start"] = str(folder / "start")
    n_words, component = sum(map(len, docs)), inputs.component
    how = (inputs.settings_path, inputs.account, n_words, component, run.keep)
    configs = configs_of(nlp, str(inputs.base_dir), *how, overrides, starts)
    for pipe, config in configs.items():
        config["training"]["logger"]["output_file"] = str(folder / f"{pipe}.jsonl")
    write_start(nlp, component, configs, inputs.new, starts["start"])
    return configs


def prepare_docs(
    run: Run, configs: dict[str, Config], inputs: Inputs, folder: Path
) -> None:
    """Choose the rehearsal docs of a run, with the specialist's marks in them."""
    n_words = max(map(rehearsal_words, configs.values()))
    config, chosen = next(iter(configs.values())), folder / "chosen"
    if run.arm == "static":
        ratio = config["corpora"]["train"]["ratio"]
        n_words = ratio * count_words(folder / "train.spacy")
    earlier = inputs.corpus_dir / "update" / EARLIER
    choose_docs(inputs.shards, earlier, chosen, n_words, run.seed)
    if config["corpora"]["train"]["specialist"]:
        source = inputs.output_dir / run.specialist.name / inputs.component
        how = (source / "model-last", inputs.component, inputs.new)
        mark_all(chosen, chosen, *how)


def score_on_dev(nlp: Language, inputs: Inputs) -> dict[str, float]:
    """Score an updated pipeline on dev: `new_f` and `old_f`, from 0 to 1."""
    kind, component = kind_of(nlp, inputs.component), inputs.component
    gold = list(read_docs(inputs.corpus_dir / "update" / "dev", nlp.vocab))
    leave_out_others(nlp, component)
    predicted = nlp.pipe(doc.text for doc in gold)
    examples = [Example(*pair) for pair in zip(predicted, gold, strict=True)]
    labels = (inputs.account["labels"], labels_of(nlp, component))
    scores = score_halves(examples, kind.score, *labels)
    return {name: score or 0.0 for name, score in scores.items()}
