"""Choose the rehearsal docs of an update, and mark what a specialist finds in them.

The base cannot know a new label, so its rehearsal docs hide every mention of it. A
specialist, trained on the annotations alone, marks them; `keep_agreed` in
`functions.py` says what training makes of the marks, and the update begins as the
specialist.
Input: the configs of the specialist and of the update, and the rehearsal docs. Output:
as many of the docs as training will read, with the marks, and the specialist. If the
base knows every annotated label, its folder is empty and no doc is marked.

    python -m scripts.specialist training/specialist.cfg training/update.cfg \
        corpus/rehearsal corpus/rehearse.json corpus/chosen training/specialist
"""

from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import srsly
import typer
from spacy.cli.train import train
from spacy.util import import_file
from thinc.api import Config
from wasabi import msg

from scripts.command import run, track
from scripts.components import kind_of
from scripts.docs import doc_files, read_docs, write_docs
from scripts.files import written_whole
from scripts.scale.pipelines import load, memory_zone
from scripts.scale.sample import choose_all
from scripts.scale.shards import finished_shards
from scripts.scale.storage import as_path

FUNCTIONS = Path(__file__).with_name("functions.py")


def rehearsal_words(config: Config) -> int:
    """Return how many words of rehearsal docs an update reads in all."""
    ratio = config["corpora"]["train"]["ratio"]
    n_words = config["training"]["max_steps"] * config["training"]["batcher"]["size"]
    return round(n_words * ratio / (1 + ratio))


def train_pipeline(config_path: Path, output_dir: Path, gpu_id: int) -> None:
    """Train from a config as `spacy train --code scripts/functions.py` does."""
    import_file("python_code", FUNCTIONS)
    train(config_path, output_dir, use_gpu=gpu_id)


def mark_all(
    rehearsal_dir: Path,
    output_dir: Path,
    specialist_dir: Path,
    component: str,
    labels: Collection[str],
) -> int:
    """Write rehearsal docs with a specialist's marks, and count the marked ones."""
    specialist = load(specialist_dir)
    specialist.select_pipes(enable=component)
    kind, files, n_marked = kind_of(specialist, component), doc_files(rehearsal_dir), 0
    with written_whole(output_dir) as part:
        part.mkdir()
        for path in track(files, "Marking rehearsal docs", len(files), "files"):
            # The words of a file are freed with it.
            with memory_zone(specialist):
                docs = list(read_docs(path, specialist.vocab))
                predicted = specialist.pipe(doc.text for doc in docs)
                for doc, prediction in zip(docs, predicted, strict=True):
                    kind.mark(doc, prediction, labels)
                    n_marked += any(fact[-1] in labels for fact in kind.facts(doc))
                write_docs(docs, part / path.name)
    return n_marked


def main(
    specialist_path: Annotated[Path, typer.Argument(help="Config of the specialist.")],
    update_path: Annotated[Path, typer.Argument(help="Config of the update.")],
    rehearsal: Annotated[str, typer.Argument(help="Rehearsal docs.")],
    rehearse_path: Annotated[Path, typer.Argument(help="The account of rehearse.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the chosen docs.")],
    specialist_dir: Annotated[Path, typer.Argument(help="Folder for the specialist.")],
    component: Annotated[str, typer.Option(help="Pipe to update.")] = "ner",
    gpu_id: Annotated[int, typer.Option(help="GPU to train on; -1: CPU.")] = -1,
) -> None:
    """Choose rehearsal docs, and mark what a specialist finds in them."""
    config = Config().from_disk(update_path, interpolate=False)
    reader, seed = config["corpora"]["train"], config["system"]["seed"]
    manifest = srsly.read_json(rehearse_path)["manifest"]
    shards = finished_shards(as_path(rehearsal), manifest)
    n_words = rehearsal_words(config)
    if not reader["specialist"]:
        n_docs, n_chosen = choose_all(shards, output_dir, n_words, seed)
        with written_whole(specialist_dir) as part:
            part.mkdir()
        marks = "no new label, so no specialist"
    else:
        labels = reader["new_labels"]
        train_pipeline(specialist_path, specialist_dir, gpu_id)
        # Not model-best: on a small dev set that can be the untrained pipeline.
        specialist = specialist_dir / "model-last"
        output_dir.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=output_dir.parent) as folder:
            chosen = Path(folder) / "chosen"
            n_docs, n_chosen = choose_all(shards, chosen, n_words, seed)
            n_marked = mark_all(chosen, output_dir, specialist, component, labels)
        marks = f"the specialist finds {', '.join(sorted(labels))} in {n_marked}"
    msg.good(f"{n_chosen} of {n_docs} rehearsal docs chosen, {marks}: {output_dir}")


if __name__ == "__main__":
    run(main)
