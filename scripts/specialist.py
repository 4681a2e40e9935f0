"""Choose the rehearsal docs of an update, and mark what a specialist finds in them.

The base cannot know a new label, so its rehearsal docs hide every mention of it. A
specialist, trained on the annotations alone, marks them; `keep_agreed` in
`functions.py` says what training makes of the marks.
Input: the configs of the specialist and of the update, the rehearsal docs, and the docs
of earlier rounds. Output: as many rehearsal docs as training will read, and all of the
earlier rounds, with the marks, and the specialist. If the
base knows every annotated label, its folder is empty and no doc is marked.

    python -m scripts.specialist training/configs corpus/rehearsal \
        corpus/rehearse.json corpus/chosen training/specialist \
        --earlier corpus/update/earlier
"""

import shutil
from pathlib import Path
from typing import Annotated

import srsly
import typer
from thinc.api import Config
from wasabi import msg

from scripts.command import run, track
from scripts.components import kind_of
from scripts.components.kind import NewLabels, read_new_labels
from scripts.docs import EARLIER, doc_files, read_docs, write_docs
from scripts.files import remove, work_folder, written_whole
from scripts.scale.pipelines import find_configs, load, memory_zone, train_pipeline
from scripts.scale.sample import choose_all
from scripts.scale.shards import finished_shards
from scripts.scale.storage import as_path


def rehearsal_words(config: Config) -> int:
    """Return how many words of rehearsal docs an update reads in all."""
    ratio, training = config["corpora"]["train"]["ratio"], config["training"]
    scores = training["before_update"]
    n_words = training["batcher"]["size"] * ratio / (1 + ratio)
    n_words += scores["n_words"] if scores["weight"] else 0
    return round(training["max_steps"] * n_words)


def choose_docs(
    shards: list[Path],
    earlier: Path | None,
    output_dir: Path,
    n_words: float,
    seed: int,
) -> tuple[int, int]:
    """Choose rehearsal docs, with all docs of earlier rounds in a folder of their own.

    Returns:
        How many rehearsal docs there are, and how many are chosen.
    """
    counts = choose_all(shards, output_dir, n_words, seed)
    if earlier and n_words > 0:
        shutil.copytree(earlier, output_dir / EARLIER)
    return counts


def mark_all(
    rehearsal_dir: Path,
    output_dir: Path,
    specialist_dir: Path,
    component: str,
    new: NewLabels,
) -> int:
    """Write rehearsal docs with a specialist's marks, and count the marked ones."""
    specialist = load(specialist_dir)
    kind, n_marked = kind_of(specialist, component), 0
    files = [*doc_files(rehearsal_dir), *rehearsal_dir.glob(f"{EARLIER}/*.spacy")]
    with written_whole(output_dir) as part:
        part.mkdir()
        for path in track(files, "Marking rehearsal docs", len(files), "files"):
            # The words of a file are freed with it.
            with memory_zone(specialist):
                docs = list(read_docs(path, specialist.vocab))
                found = [*map(kind.facts, specialist.pipe(doc.text for doc in docs))]
                scored = [()] * len(docs)
                if kind.HAS_DOUBTS:
                    with specialist.select_pipes(disable=component):
                        bare = list(specialist.pipe(doc.text for doc in docs))
                    scored = kind.scored_facts(specialist, component, bare)
                for doc, some, likely in zip(docs, found, scored, strict=True):
                    kind.mark(doc, some, likely, new)
                    n_marked += bool(kind.marked_facts(doc))
                write_docs(docs, part / path.relative_to(rehearsal_dir))
    return n_marked


def main(
    configs_dir: Annotated[Path, typer.Argument(help="What configure wrote.")],
    rehearsal: Annotated[str, typer.Argument(help="Rehearsal docs.")],
    rehearse_path: Annotated[Path, typer.Argument(help="The account of rehearse.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the chosen docs.")],
    specialist_dir: Annotated[Path, typer.Argument(help="Folder for the specialist.")],
    earlier: Annotated[
        Path | None, typer.Option(help="Docs of earlier rounds.")
    ] = None,
    component: Annotated[str, typer.Option(help="Pipe to update.")] = "ner",
    gpu_id: Annotated[int, typer.Option(help="GPU to train on; -1: CPU.")] = -1,
) -> None:
    """Choose rehearsal docs, and mark what a specialist finds in them."""
    paths = find_configs(configs_dir)
    configs = [Config().from_disk(path, interpolate=False) for path in paths]
    account, seed = srsly.read_json(rehearse_path), configs[0]["system"]["seed"]
    shards = finished_shards(as_path(rehearsal), account["manifest"])
    n_words = max(map(rehearsal_words, configs))
    # Written last: without these docs no update is trained.
    remove(output_dir)
    with work_folder(output_dir) as folder:
        chosen = folder / "chosen"
        n_docs, n_chosen = choose_docs(shards, earlier, chosen, n_words, seed)
        if configs[0]["corpora"]["train"]["specialist"]:
            new = read_new_labels(account)
            train_pipeline(configs_dir / "specialist.cfg", specialist_dir, gpu_id)
            # Not model-best: on a small dev set that can be the untrained pipeline.
            how = (specialist_dir / "model-last", component, new)
            n_marked = mark_all(chosen, output_dir, *how)
            marks = f"the specialist finds {', '.join(new.names)} in {n_marked}"
        else:
            with written_whole(specialist_dir) as part:
                part.mkdir()
            with written_whole(output_dir) as part:
                chosen.rename(part)
            marks = "no new label, so no specialist"
    msg.good(f"{n_chosen} of {n_docs} rehearsal docs chosen, {marks}: {output_dir}")


if __name__ == "__main__":
    run(main)
