"""Put the trained component back into the base, and check that nothing else changed.

Training holds the one component alone, so that it runs no other. Input: the base and
the trained pipeline. Output: the base with the trained component in its position.

    python -m scripts.put_back training/base training/trained/model-best \
        training/update/model-best
"""

from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.language import Language
from wasabi import msg

from scripts.command import run
from scripts.components import listened_to
from scripts.files import written_whole


def put_back(base: Language, trained: Language, component: str) -> Language:
    """Replace a component of the base, in place, with that of a trained pipeline.

    A tok2vec that only the component listened to is removed: it has its own copy now.
    """
    after = base.component_names[base.component_names.index(component) + 1 :]
    listeners = listened_to(base, component)
    base.remove_pipe(component)
    base.add_pipe(component, source=trained, before=after[0] if after else None)
    for name, names in listeners.items():
        if names == [component]:
            base.remove_pipe(name)
    base.meta["performance"] = trained.meta.get("performance", {})
    return base


def parts_of(nlp: Language) -> dict[str, bytes]:
    """Serialize the components, the vectors and the lookups of a pipeline."""
    pipes = [(name, pipe) for name, pipe in nlp.components if hasattr(pipe, "to_bytes")]
    parts = {name: pipe.to_bytes(exclude=["vocab"]) for name, pipe in pipes}
    parts["vectors"] = nlp.vocab.vectors.to_bytes(exclude=["strings"])
    return {**parts, "lookups": nlp.vocab.lookups.to_bytes()}


def check_unchanged(base: Language, updated: Language, component: str) -> None:
    """Check that all but one component are as in the base, byte for byte."""
    before, after = parts_of(base), parts_of(updated)
    others = after.keys() - {component}
    if changed := sorted(name for name in others if after[name] != before[name]):
        raise ValueError(
            f"Only {component} was trained, but the update differs from the base in "
            f"{', '.join(changed)} too: please report it as a bug."
        )


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to update.")],
    trained_dir: Annotated[Path, typer.Argument(help="The trained pipeline.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the update.")],
    component: Annotated[str, typer.Option(help="Pipe that was trained.")] = "ner",
) -> None:
    """Put the trained component back into the base, and check all others."""
    updated = put_back(spacy.load(base_dir), spacy.load(trained_dir), component)
    check_unchanged(spacy.load(base_dir), updated, component)
    with written_whole(output_dir) as part:
        updated.to_disk(part)
    others = ", ".join(n for n in updated.component_names if n != component)
    msg.good(f"{output_dir}: {component} is updated, unchanged: {others or 'no other'}")


if __name__ == "__main__":
    run(main)
