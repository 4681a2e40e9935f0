"""Train a specialist for the new types, and mark what it sees in rehearsal docs.

The update begins as the specialist. In training its view and the base's meet: see
`hear_specialist` in `functions.py`.
Input: the configs that `configure` made, of it and of the update, and the rehearsal
docs. Output: the specialist, and the rehearsal docs with its marks. With one teacher,
or where the base knows every annotated label, there is nobody to ask: an empty folder,
and no marks.

    python -m scripts.specialist training/specialist.cfg training/update.cfg \
        corpus/chosen corpus/marked training/specialist
"""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from spacy.cli.train import train
from thinc.api import Config
from wasabi import msg

import scripts.functions  # noqa: F401  registers the reader
from scripts.command import run
from scripts.files import written_whole
from scripts.teachers import mark_all


def main(
    config_path: Annotated[Path, typer.Argument(help="Config of the specialist.")],
    update_path: Annotated[Path, typer.Argument(help="Config of the update.")],
    rehearsal_dir: Annotated[Path, typer.Argument(help="Docs the base annotated.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder: the same, marked.")],
    specialist_dir: Annotated[Path, typer.Argument(help="Folder: the specialist.")],
    gpu_id: Annotated[int, typer.Option(help="GPU to train on; -1: CPU.")] = -1,
) -> None:
    """Train a specialist for the new types, and mark what it sees."""
    reader = Config().from_disk(update_path, interpolate=False)["corpora"]["train"]
    if reader["two_teachers"]:
        labels = set(reader["new_labels"])
        train(config_path, specialist_dir, use_gpu=gpu_id)
        # Not model-best: on a small dev set that can be the untrained one.
        specialist = specialist_dir / "model-last"
        n_marked = mark_all(rehearsal_dir, output_dir, specialist, labels)
        names = ", ".join(sorted(labels))
        msg.good(f"The specialist sees {names} in {n_marked} docs: {output_dir}")
    else:
        with written_whole(output_dir) as marked, written_whole(specialist_dir) as none:
            shutil.copytree(rehearsal_dir, marked)
            none.mkdir()
        msg.good(f"No second teacher, or no new label: no marks in {output_dir}")


if __name__ == "__main__":
    run(main)
