"""Note what the settings point to, so that a changed file reruns what reads it.

Weasel compares the paths it is told, but a setting may be empty, a folder, a glob
or the name of an installed package. Writes one JSON file of checksums.

    python -m scripts.inputs corpus/inputs.json assets/raw assets/annotations
"""

from glob import glob
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import srsly
import typer
from weasel.util.hashing import get_checksum

from scripts.command import run
from scripts.files import find_files, written_whole


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
    if "://" in setting:
        files = find_files(setting)
        return {str(file): str(file.fs.ukey(file.path)) for file in files}
    path = Path(setting)
    if not setting:
        return {}
    if setting.isidentifier() and not path.exists():
        spec = find_spec(setting)
        paths = (
            [Path(spec.origin).with_name("meta.json")] if spec and spec.origin else []
        )
    else:
        paths = [path] if path.exists() else map(Path, sorted(glob(setting)))
    return {str(path): get_checksum(path) for path in paths if path.exists()}


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
