"""Write the training configs of an update, and what a new component begins as.

Input: the base, `configs/update.cfg`, and the accounts of `preprocess` and `rehearse`
with the labels that were annotated. Output: a folder with configs for `spacy train`:
`update.cfg`; if there are new labels, `specialist.cfg`; if there are corrections of
known labels beside new ones, `corrections.cfg`; and `start`, what training begins as:
a second component, or the base's own with room for new labels.

    python -m scripts.configure training/base configs/update.cfg \
        corpus/preprocess.json corpus/rehearse.json training/configs --keep exact \
        --train corpus/update/train --dev corpus/update/dev --rehearsal corpus/chosen \
        --specialist training/specialist/model-last --logs training
"""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.util import fix_random_seed
from thinc.api import Config
from wasabi import msg

from scripts.command import run
from scripts.components import (
    kind_of,
    labels_of,
    listened_to,
    parts_of,
    second_of,
)
from scripts.components.kind import (
    NewLabels,
    from_config,
    read_new_labels,
    to_config,
)
from scripts.docs import count_words
from scripts.files import written_whole
from scripts.scale.pipelines import open_pipeline
from scripts.vars import read_gates

Keep = Literal["exact", "one"]
RATIO, SPECIALIST = "corpora.train.ratio", "corpora.train.specialist"
SCORES = "training.before_update.weight"
# What a specialist is trained with: the annotations alone.
ALONE = {RATIO: 0.0, SPECIALIST: False, SCORES: 0.0}
# What the base finds fewer times in the rehearsal docs is warned of.
RARE = 50
# Sections of the settings that apply to some updates only.
CASES = ("corrections", "new_types", "second")


def case_of(settings: Config, account: dict[str, Any], is_second: bool = False) -> str:
    """Name the section of the settings that applies to these annotations, if any.

    New labels have settings of their own if a second component learns them, or if a
    specialist is used, and so have corrections. A section that was removed never
    applies.
    """
    case = ""
    if is_second:
        case = "second"
    elif account["new_labels"] and settings["corpora"]["train"]["specialist"]:
        case = "new_types"
    elif account["corrections"]:
        case = "corrections"
    return case if case in settings else ""


def read_settings(
    path: Path,
    account: dict[str, Any],
    overrides: dict[str, Any] | None = None,
    is_second: bool = False,
) -> Config:
    """Read the settings of an update, with those of the section that applies.

    `overrides`, other settings by name such as `update.passes`, win.
    """
    settings = Config().from_disk(path, interpolate=False)
    overrides, train = {**(overrides or {})}, settings["corpora"]["train"]
    specialist = overrides.pop(SPECIALIST, train["specialist"])
    train["specialist"] = specialist and bool(account["new_labels"])
    case = case_of(settings, account, is_second)
    sections = {name: settings.pop(name, {}) for name in CASES}
    settings = settings.merge(sections.get(case, {}))
    return Config().from_str(settings.to_str(), overrides=overrides)


def make_config(
    nlp: Language,
    base_dir: str,
    component: str,
    settings: Config,
    labels: list[str],
    n_words: int,
    source: str = "",
    pipe: str = "",
    found_before: Collection[str] = (),
) -> Config:
    """Make a training config from the base's own config.

    Args:
        nlp: The base.
        base_dir: Its folder.
        component: Name of the pipe to update.
        settings: The settings of the update.
        labels: The annotated labels to learn.
        n_words: Words in the docs in which they were annotated.
        source: Pipeline that training begins as; empty: the base.
        pipe: Name of the pipe to train; empty: `component`, and not the second one.
        found_before: The labels that a second component finds.
    """
    config, pipe = nlp.config.copy(), pipe or component

    # The component alone; `put_back` adds the others. A tok2vec that others share is
    # never trained, for that would change what they see.
    shared = [*listened_to(nlp, component)] if pipe == component else []
    frozen = [] if settings["update"].pop("own_tok2vec") else shared
    for name in frozen:
        if nlp.get_pipe_meta(name).factory != "tok2vec":
            raise ValueError(
                f"{component} listens to {name}, which only a copy can be trained "
                "with: set own_tok2vec to true in configs/update.cfg."
            )
    config["nlp"]["pipeline"], config["nlp"]["disabled"] = [*frozen, pipe], []
    config["components"] = {
        name: {"source": source or base_dir} for name in (*frozen, pipe)
    }
    if not source and shared and not frozen:
        config["components"][pipe]["replace_listeners"] = ["model.tok2vec"]

    # How the base was trained says nothing about how to update it, and its files may
    # have changed since: vectors that are not its own, or weights for a frozen tok2vec.
    defaults = spacy.blank(nlp.lang).config
    for section in config.keys() - {"nlp", "components"}:
        config[section] = defaults.get(section, {})

    config["training"]["frozen_components"] = frozen
    config["training"]["annotating_components"] = frozen

    # A score is logged unless it is set to null.
    weights = nlp.get_pipe_meta(component).default_score_weights
    config["training"]["score_weights"] = dict.fromkeys(weights)

    # Lookups and vectors come with the vocab.
    config["initialize"]["before_init"] = {
        "@callbacks": "spacy.copy_from_base_model.v1",
        "tokenizer": base_dir,
        "vocab": base_dir,
    }
    config["initialize"]["after_init"] = {
        "@callbacks": "update.prepare_component.v1",
        "component": pipe,
        "labels": to_config(labels),
    }
    config = Config(config).merge(settings)
    found = {"found_before": to_config(found_before)}
    config["corpora"]["train"] |= {"component": pipe, **found}
    config["training"]["before_update"]["component"] = pipe
    set_budget(config, n_words)
    return config


def set_budget(config: Config, n_words: int) -> None:
    """Replace `[update]` with numbers of steps and evaluations and a batch size."""
    update, training = config.pop("update"), config["training"]
    ratio = config["corpora"]["train"]["ratio"]
    total = round(update["passes"] * n_words * (1 + ratio))
    max_steps = max(update["min_steps"], total // update["max_batch_words"])
    # The last step is evaluated: it is the one that is kept.
    frequency = max(1, max_steps // update["n_evaluations"])
    max_steps -= max_steps % frequency
    training["max_steps"], training["eval_frequency"] = max_steps, frequency
    training["batcher"]["size"] = max(update["min_batch_words"], total // max_steps)
    rate = training["optimizer"]["learn_rate"]
    # A constant rate, or another schedule, has no such end.
    if isinstance(rate, dict) and rate["@schedules"] == "warmup_linear.v1":
        rate["total_steps"] = max_steps


def configs_of(
    nlp: Language,
    base_dir: str,
    settings_path: Path,
    account: dict[str, Any],
    n_words: int,
    component: str,
    keep: Keep,
    overrides: dict[str, Any],
    starts: dict[str, str],
) -> dict[str, Config]:
    """Make the training configs of an update, by the pipe that each of them trains.

    Args:
        nlp: The base.
        base_dir: Its folder.
        settings_path: The settings of an update.
        account: The account of preprocess.
        n_words: Words in the annotated docs.
        component: Name of the pipe to update.
        keep: Where new labels go: to a second component, or to the base's own.
        overrides: Other settings by name.
        starts: Where `specialist` and `start` are, which training may begin as.
    """
    second, configs, kind = second_of(component), {}, kind_of(nlp, component)
    parts = parts_of(nlp, component, account["labels"], keep)
    found_before = {*nlp.pipe_labels.get(second, ()), *parts.get(second, ())}
    for pipe, labels in parts.items():
        new = [label for label in labels if label in account["new_labels"]]
        own = {**account, "new_labels": new}
        read = read_settings(settings_path, own, overrides, pipe == second)
        is_new, source = pipe not in nlp.component_names, ""
        if read["corpora"]["train"]["specialist"] and pipe == component:
            source = starts["specialist"]
        elif is_new or (new and kind.GROWS):
            source = starts["start"]
        found = sorted(found_before) if pipe == component else []
        how = (component, read, labels, n_words, source, pipe, found)
        configs[pipe] = make_config(nlp, base_dir, *how)
        if is_new:
            # It has no old labels, and a score set to null is not logged.
            configs[pipe]["training"]["score_weights"]["old_f"] = None
    return configs


def write_start(
    nlp: Language,
    component: str,
    configs: dict[str, Config],
    new: NewLabels,
    path: str,
) -> None:
    """Write what training begins as, if that is not in the base; `nlp` is changed.

    It is the same for every seed of training, so that updates can be averaged.
    """
    kind = kind_of(nlp, component)
    for pipe in configs:
        if new.names and (pipe not in nlp.component_names or kind.GROWS):
            fix_random_seed()
            how = (pipe, new, configs[pipe]["training"]["frozen_components"])
            kind.make_start(nlp, component, *how).to_disk(path)


def labels_in(config: Config) -> list[str]:
    """Return the annotated labels that a training config is for."""
    return from_config(config["initialize"]["after_init"]["labels"])


def check_gates(gates: str, labels: list[str]) -> None:
    """Check that each gate of a label is of one that the update will know."""
    for gate in read_gates(gates):
        if gate.label not in labels:
            raise ValueError(
                f"vars.gates: there is no label {gate.label}: write one of "
                f"{', '.join(sorted(labels))}."
            )


def find_rare(
    nlp: Language, component: str, configs: dict[str, Config], facts: dict[str, int]
) -> list[str]:
    """List what the trained pipes know that is rare in the rehearsal docs, with counts.

    Args:
        nlp: The base.
        component: Name of the pipe to update.
        configs: The training configs, by pipe.
        facts: How often each label of the base occurs in the rehearsal docs.
    """
    annotated = {label for config in configs.values() for label in labels_in(config)}
    known = {label for pipe in configs for label in nlp.pipe_labels.get(pipe, ())}
    is_internal = kind_of(nlp, component).is_internal
    rare = [label for label, n in facts.items() if n < RARE and not is_internal(label)]
    return [f"{name} ({facts[name]})" for name in rare if name in known - annotated]


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to update.")],
    settings_path: Annotated[Path, typer.Argument(help="The settings of the update.")],
    account_path: Annotated[Path, typer.Argument(help="The account of preprocess.")],
    rehearse_path: Annotated[Path, typer.Argument(help="The account of rehearse.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the configs.")],
    train: Annotated[Path, typer.Option(help="Annotations to train on.")],
    dev: Annotated[str, typer.Option(help="Docs to evaluate on while training.")],
    rehearsal: Annotated[str, typer.Option(help="Rehearsal docs to train on.")],
    specialist: Annotated[
        str, typer.Option(help="Where the specialist for new labels will be.")
    ],
    logs: Annotated[str, typer.Option(help="Folder for the logs of training.")],
    component: Annotated[str, typer.Option(help="Pipe to update.")] = "ner",
    keep: Annotated[
        Keep,
        typer.Option(
            help="exact: a second component learns new labels; one: the base's own."
        ),
    ] = "exact",
    gates: Annotated[
        str, typer.Option(help="Gates of labels, which are checked before training.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Seed of training.")] = 0,
) -> None:
    """Write the training configs of an update."""
    nlp, account = open_pipeline(base_dir), srsly.read_json(account_path)
    check_gates(gates, [*labels_of(nlp, component), *account["new_labels"]])
    paths = {"train": str(train), "dev": dev, "rehearsal": rehearsal}
    overrides = {f"paths.{name}": path for name, path in paths.items()}
    overrides |= {"system.seed": seed}
    starts = {"specialist": specialist, "start": str(output_dir / "start")}
    rehearsed = srsly.read_json(rehearse_path)
    new = read_new_labels(rehearsed)
    how = (nlp, str(base_dir), settings_path, account, count_words(train), component)
    configs = configs_of(*how, keep, overrides, starts)
    named = dict(zip(("update", "corrections"), configs.values(), strict=False))
    if account["new_labels"]:
        alone = configs_of(*how, "one", {**overrides, **ALONE}, starts)
        named["specialist"] = alone[component]
    rare = find_rare(nlp, component, configs, rehearsed.get("facts", {}))
    with written_whole(output_dir) as part:
        part.mkdir()
        for name, config in named.items():
            config["training"]["logger"]["output_file"] = f"{logs}/{name}.jsonl"
            config.to_disk(part / f"{name}.cfg")
        write_start(nlp, component, configs, new, str(part / "start"))
    if rare:
        msg.warn(
            f"The rehearsal text has few of these, so they may be forgotten: "
            f"{', '.join(rare)}. Add text that contains them to vars.raw, or their "
            "annotations to vars.earlier."
        )
    for pipe, config in configs.items():
        training, labels = config["training"], labels_in(config)
        msg.good(
            f"{output_dir}: {pipe} learns {', '.join(labels)} in "
            f"{training['max_steps']} steps of {training['batcher']['size']} words"
        )


if __name__ == "__main__":
    run(main)
