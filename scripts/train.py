"""Train the components of an update, and put them back into the base.

Training holds one component alone, so that it runs no other. Input: the base, and the
configs that `configure` wrote. Output: the base with the trained component where its
own was, or with a second component before it; all else is as it was, byte for byte.

    python -m scripts.train training/base training/configs training/trained \
        training/update/model-best corpus/rehearse.json
"""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from spacy.language import Language
from wasabi import msg

from scripts.command import run
from scripts.components import kind_of, listened_to
from scripts.components.frozen import check_frozen
from scripts.components.kind import NewLabels, read_new_labels
from scripts.files import remove, written_whole
from scripts.scale.pipelines import (
    copy_code,
    find_configs,
    open_pipeline,
    train_pipeline,
)


def put_back(base: Language, trained: Language, component: str) -> Language:
    """Put a trained pipe into the base, in place.

    It replaces the pipe of that name, or comes before the component as a second one. A
    tok2vec that only the component listened to is removed: it has its own copy now.
    """
    # A tok2vec that it shares comes before it, and was not trained.
    *shared, pipe = trained.component_names
    names, listeners = base.component_names, listened_to(base, component)
    if pipe in names:
        before = [*names[names.index(pipe) + 1 :], None][0]
        base.remove_pipe(pipe)
    else:
        before, listeners = component, {}
    listeners = {} if shared else listeners
    base.add_pipe(pipe, source=trained, before=before)
    for name, some in listeners.items():
        if some == [pipe]:
            base.remove_pipe(name)
    base.meta["performance"] = trained.meta.get("performance", {})
    return base


def train_all(
    base_dir: Path,
    configs: list[Path],
    trained_dir: Path,
    component: str,
    new: NewLabels,
    gpu_id: int,
) -> tuple[Language, list[str]]:
    """Train from each config, put the pipes into the base, and check all others.

    Each trained pipeline is in a folder with the name of its config. Returns the
    updated pipeline, and the names of the pipes that were changed.
    """
    base, updated, pipes = open_pipeline(base_dir), open_pipeline(base_dir), []
    for config in configs:
        train_pipeline(config, trained_dir / config.stem, gpu_id)
        trained = open_pipeline(trained_dir / config.stem / "model-best")
        put_back(updated, trained, component)
        pipes.append(trained.component_names[-1])
    pipes += kind_of(base, component).finish(updated, new)
    check_frozen(base, updated, component, new)
    return updated, pipes


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to update.")],
    configs_dir: Annotated[Path, typer.Argument(help="What configure wrote.")],
    trained_dir: Annotated[Path, typer.Argument(help="Folder for what is trained.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the update.")],
    rehearse_path: Annotated[Path, typer.Argument(help="The account of rehearse.")],
    component: Annotated[str, typer.Option(help="Pipe to update.")] = "ner",
    gpu_id: Annotated[int, typer.Option(help="GPU to train on; -1: CPU.")] = -1,
) -> None:
    """Train the components of an update, and put them back into the base."""
    configs = find_configs(configs_dir)
    new = read_new_labels(srsly.read_json(rehearse_path))
    # What is stopped from now on leaves no older update that later steps would take.
    remove(output_dir)
    how = (component, new, gpu_id)
    updated, pipes = train_all(base_dir, configs, trained_dir, *how)
    with written_whole(output_dir) as part:
        updated.to_disk(part)
        copy_code(base_dir, part)
    others = ", ".join(name for name in updated.component_names if name not in pipes)
    msg.good(f"{output_dir}: trained: {', '.join(pipes)}; unchanged: {others or '–'}")


if __name__ == "__main__":
    run(main)
