"""What trials have in common, as a key: with another, none of them is done."""

import hashlib
from pathlib import Path

import srsly
from thinc.api import Config
from weasel.util.hashing import get_checksum

SCRIPTS = Path(__file__).parents[2]
# What makes a trial: it is here to be changed.
CODE = (
    "docs",
    "functions",
    "pipelines",
    "recipe",
    "scale/sample",
    "teachers",
    "extras/trials/trial",
)
# What a trial reads beside the base, the rehearsal docs and the settings.
DATA = ("annotations/train", "update/train", "update/dev")


def key_of(base_dir: Path, corpus_dir: Path, manifest: str, settings: Config) -> str:
    """Give a hash of what trials have in common.

    Args:
        base_dir: The base.
        corpus_dir: What preprocess and rehearse wrote.
        manifest: Checksum of the rehearsal docs' manifest.
        settings: What an update sets, but for what trials differ in.

    Returns:
        The hash.
    """
    code = (SCRIPTS / f"{name}.py" for name in CODE)
    paths = [base_dir, *(corpus_dir / name for name in DATA), *code]
    labels = srsly.read_json(corpus_dir / "preprocess.json")["labels"]
    parts = [settings.to_str(), manifest, *labels, *map(get_checksum, paths)]
    return hashlib.md5("".join(parts).encode()).hexdigest()
