"""Check the vars, and note what they point to, so that steps run again after a change.

Weasel compares the paths that it is told, but a var may be empty, a folder, a glob, or
the name of an installed package. This step always runs, and refuses what a later step
would refuse. Output: a folder with a JSON file for each var that names files, which
holds their checksums.

    python -m spacy project run inputs
"""

from glob import glob
from pathlib import Path
from typing import Annotated

import srsly
import typer
from wasabi import msg

from scripts.command import run
from scripts.files import written_whole
from scripts.scale.storage import as_path, checksum_of, find_files, find_rounds
from scripts.vars import check_vars, find_pipeline, read_watch

# The vars that name files.
FILES = ("base_model", "base_train", "base_dev", "train", "dev", "test", "raw")
FILES += ("old_test", "code", "watch", "must_pass", "earlier", "earlier_test")
# Those that may not be empty.
NEEDED = {"train": "your annotations", "raw": "text in which the base finds its types"}


def check(name: str, setting: str) -> None:
    """Check that a var is set if it has to be, and that what it names exists."""
    if not setting and name in NEEDED:
        raise ValueError(
            f"vars.{name} is empty: set it to {NEEDED[name]}, a file, folder or glob."
        )
    if setting and name == "watch":
        read_watch(setting)
    elif setting and name != "base_model":
        try:
            for part in find_rounds(setting) if "earlier" in name else [setting]:
                find_files(part)
        except ValueError as error:
            raise ValueError(f"vars.{name}: {error}") from error


def checksums(setting: str) -> dict[str, str]:
    """Compute the checksum of each file, folder or installed package of a setting.

    Files in object storage have a version instead.
    """
    path = as_path(setting)
    if not setting:
        found = []
    elif hasattr(path, "fs"):
        return {str(f): str(f.fs.ukey(f.path)) for f in find_files(setting)}
    elif path.exists():
        found = [path]
    elif setting.isidentifier():
        found = [find_pipeline(setting) / "meta.json"]
    else:
        found = [Path(name) for name in sorted(glob(str(path), recursive=True))]
    # brat has the text in another file than the spans.
    spans = [file for file in found if ".ann" in file.name]
    found += [file.with_name(file.name.replace(".ann", ".txt")) for file in spans]
    return {str(file): checksum_of(file) for file in found if file.exists()}


def main(
    output_dir: Annotated[Path, typer.Argument(help="Folder for the JSON files.")],
    settings: Annotated[list[str], typer.Argument(help="The vars, as NAME=VALUE.")],
) -> None:
    """Check the vars, and note the checksum of every file that they name."""
    values = dict(setting.split("=", maxsplit=1) for setting in settings)
    if bool(values.get("base_model")) == bool(values.get("base_train")):
        raise ValueError(
            "Set either vars.base_model, the pipeline to update (workflow update), or "
            "vars.base_train, gold annotations to train one from (workflow all). The "
            "demo is: python -m spacy project run demo"
        )
    check_vars(values)
    if int(values["gpu_id"]) >= 0:
        # It imports spaCy, which takes seconds.
        from scripts.scale.pipelines import use_gpu

        use_gpu(int(values["gpu_id"]), 1)
    files = {name: values[name] for name in FILES}
    for name, value in files.items():
        check(name, value)
    with written_whole(output_dir) as folder:
        folder.mkdir()
        for name, value in files.items():
            note = {value: checksums(value)} if value else {}
            srsly.write_json(folder / f"{name}.json", note)
    empty = ", ".join(name for name, value in files.items() if not value)
    msg.good(f"{output_dir}: the checksums of all files. Not set: {empty}")


if __name__ == "__main__":
    run(main)
