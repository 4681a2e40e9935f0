"""Choose, of the rehearsal docs, as many as training will use.

Input: what `rehearse` wrote, the completed annotations, the account of `preprocess`,
and the settings of an update: they say how many words training reads. Output: a folder
of the chosen docs; all of them, where there are no more.

    python -m scripts.choose corpus/rehearsal corpus/rehearse.json corpus/update/train \
        corpus/preprocess.json configs/update.cfg corpus/chosen
"""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from wasabi import msg

from scripts.command import run
from scripts.docs import count_words
from scripts.files import as_path
from scripts.recipe import read_settings, rehearsal_words
from scripts.scale.sample import choose_all
from scripts.scale.shards import finished_shards


def main(
    rehearsal: Annotated[str, typer.Argument(help="Docs the base annotated.")],
    rehearse_path: Annotated[Path, typer.Argument(help="What rehearse counted.")],
    train_dir: Annotated[Path, typer.Argument(help="Completed annotations.")],
    account_path: Annotated[Path, typer.Argument(help="What preprocess counted.")],
    settings_path: Annotated[Path, typer.Argument(help="What an update sets.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder: the docs chosen.")],
    seed: Annotated[int, typer.Option(help="Seed of the choice.")] = 0,
) -> None:
    """Choose, of the rehearsal docs, as many as training will use."""
    n_annotated = count_words(train_dir)
    new_labels = srsly.read_json(account_path)["new_labels"]
    settings = read_settings(settings_path, new_labels, n_annotated)
    n_words = rehearsal_words(n_annotated, settings)
    manifest = srsly.read_json(rehearse_path)["manifest"]
    files = finished_shards(as_path(rehearsal), manifest)
    n_docs, n_chosen = choose_all(files, output_dir, n_words, seed)
    msg.good(
        f"{n_chosen} of {n_docs} docs, for {n_words} words of training: {output_dir}"
    )


if __name__ == "__main__":
    run(main)
