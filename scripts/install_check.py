"""Install the wheel in a fresh virtual environment and try it as a stranger would.

Input: the folder with the wheel, the pipeline it was made of, and docs to try it
on. Output: a JSON file that says what was installed and compared.

    python -m scripts.install_check packages/en_ner_update-0.1.0/dist \
        training/update/model-best corpus/update/test training/install-check.json
"""

import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from wasabi import msg

from scripts.command import run
from scripts.docs import read_docs
from scripts.files import written_whole

# Docs to try, from the first: enough to see that it is the same pipeline.
N_DOCS = 1000

# Runs in the fresh environment: argument 1 is the package, texts come in by stdin.
STRANGER = """
import importlib, importlib.util, json, sys, spacy
name, texts = sys.argv[1], json.load(sys.stdin)
assert importlib.util.find_spec("scripts") is None, "the project is importable"
def ents(nlp):
    docs = nlp.pipe(texts)
    return [[[e.start_char, e.end_char, e.label_] for e in doc.ents] for doc in docs]
loaded = ents(spacy.load(name)), ents(importlib.import_module(name).load())
json.dump(loaded, sys.stdout)
"""


def install(wheel: Path, folder: Path) -> Path:
    """Install a wheel in a fresh virtual environment.

    Args:
        wheel: The wheel.
        folder: Where the environment is made.

    Returns:
        The environment's Python.

    Raises:
        ValueError: If it can't be installed.
    """
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    bin_dir = "Scripts" if sys.platform == "win32" else "bin"
    python = folder / bin_dir / "python"
    # With -I what stands on PYTHONPATH is not installed.
    pip = [str(python), "-I", "-m", "pip", "install", "--quiet", str(wheel.resolve())]
    result = subprocess.run(pip, capture_output=True, text=True)
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ValueError(f"{wheel} can't be installed: {reason}")
    return python


def try_out(python: Path, package: str, texts: list[str]) -> list[Any]:
    """Load an installed pipeline in both ways, outside the project.

    Args:
        python: The environment's Python.
        package: The installed package.
        texts: The texts to annotate.

    Returns:
        For `spacy.load(package)` and `package.load()`, the entities of each text as
        `[start, end, label]`, in characters.

    Raises:
        ValueError: If the pipeline can't be loaded or run there.
    """
    result = subprocess.run(
        [str(python), "-I", "-c", STRANGER, package],
        input=srsly.json_dumps(texts),
        cwd=python.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ValueError(f"{package} is installed but does not run: {reason}")
    return srsly.json_loads(result.stdout)


def main(
    dist_dir: Annotated[Path, typer.Argument(help="Folder with the wheel.")],
    updated_dir: Annotated[Path, typer.Argument(help="The pipeline in the wheel.")],
    docs_path: Annotated[Path, typer.Argument(help="Docs to try it on.")],
    output_path: Annotated[Path, typer.Argument(help="JSON file of what was tried.")],
) -> None:
    """Install the wheel in a fresh environment and try it as a stranger would."""
    wheel = next(iter(sorted(dist_dir.glob("*.whl"))), None)
    if wheel is None:
        raise ValueError(f"There is no wheel in {dist_dir}: run the step package.")
    nlp = spacy.load(updated_dir)
    texts = [doc.text for doc in islice(read_docs(docs_path), N_DOCS)]
    expected = [
        [[ent.start_char, ent.end_char, ent.label_] for ent in doc.ents]
        for doc in nlp.pipe(texts)
    ]
    package = wheel.name.split("-")[0]
    with tempfile.TemporaryDirectory() as folder:
        found = try_out(install(wheel, Path(folder) / "venv"), package, texts)
    if found != [expected, expected]:
        raise ValueError(f"{package} as installed gives other entities than before.")
    n_ents = sum(map(len, expected))
    with written_whole(output_path) as beside:
        tried = {"wheel": wheel.name, "docs": len(texts), "ents": n_ents}
        srsly.write_json(beside, tried)
    msg.good(f"{package} installs and finds the same {n_ents} entities: {wheel}")


if __name__ == "__main__":
    run(main)
