"""Note what the settings point to, so that a changed file reruns what reads it.

Weasel compares the paths it is told, but a setting may be empty, a folder, a glob
or the name of an installed package. Writes one JSON file of checksums.

    python -m scripts.inputs corpus/inputs.json assets/raw assets/annotations
"""

import hashlib
from glob import glob
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import srsly
import typer

from scripts.command import run
from scripts.files import as_path, files_in, find_files, written_whole

# Bytes read at a time: raw text may not fit in memory.
CHUNK = 1 << 20


def checksums(setting: str) -> dict[str, str]:
    """Take the checksum of everything that a setting names.

    Args:
        setting: A file, folder, glob or installed package; may be empty. Of what is in
            object storage, what that says of its version counts.

    Returns:
        The checksums by path; none where no file here is found, which the step that
        reads it will report.

    Raises:
        ValueError: If nothing is found in object storage.
    """
    if not setting:
        return {}
    path = as_path(setting)
    if hasattr(path, "fs"):
        files = find_files(setting)
        return {str(file): str(file.fs.ukey(file.path)) for file in files}
    if setting.isidentifier() and not path.exists():
        spec = find_spec(setting)
        paths = (
            [Path(spec.origin).with_name("meta.json")] if spec and spec.origin else []
        )
    else:
        names = glob(str(path), recursive=True)
        paths = [path] if path.exists() else [*map(Path, sorted(names))]
        # brat's texts stand beside their spans; its reader would load spaCy to say so.
        spans = [path for path in paths if ".ann" in path.name]
        paths += [path.with_name(path.name.replace(".ann", ".txt")) for path in spans]
    return {str(path): checksum(path) for path in paths if path.exists()}


def checksum(path: Path) -> str:
    """Take the MD5 of a file; of a folder that of its files, with their names."""
    digest = hashlib.md5()
    for file in [path] if path.is_file() else files_in(path):
        digest.update(bytes(file.relative_to(path)) if file != path else b"")
        with file.open("rb") as content:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def main(
    output_path: Annotated[Path, typer.Argument(help="JSON file of checksums.")],
    settings: Annotated[list[str], typer.Argument(help="What the vars point to.")],
) -> None:
    """Note the checksum of every file that the settings name."""
    found = {setting: checksums(setting) for setting in settings}
    if not output_path.exists() or srsly.read_json(output_path) != found:
        with written_whole(output_path) as beside:
            srsly.write_json(beside, found)


if __name__ == "__main__":
    run(main)
