"""Install the wheel in a fresh environment, compare it, and measure its speed.

Input: the folder of packages, the updated pipeline, the base, and docs. Output: a JSON
file with what was installed and compared, and the speed compared with that of the base.

    python -m scripts.install_check packages training/update/model-best training/base \
        corpus/update/test training/install-check.json --name ner_update --version 0.1.0
"""

import subprocess
import sys
from itertools import islice
from math import isclose
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import srsly
import typer
from wasabi import msg

from scripts.command import run
from scripts.components import kind_of
from scripts.docs import read_docs
from scripts.evaluation.speed import measure_speed
from scripts.files import written_whole
from scripts.scale.pipelines import open_pipeline

# Docs to compare: enough to see that it is the same pipeline.
N_DOCS = 1000
DocJson = dict[str, Any]

# Runs in the fresh environment: argument 1 is the package, texts come in on stdin.
STRANGER = """
import importlib, importlib.util, json, sys, spacy
name, texts = sys.argv[1], json.load(sys.stdin)
assert importlib.util.find_spec("scripts") is None, "the project is importable"
loaded = spacy.load(name), importlib.import_module(name).load()
json.dump([[doc.to_json() for doc in nlp.pipe(texts)] for nlp in loaded], sys.stdout)
"""


def call(command: list[str], problem: str, **options: Any) -> str:
    """Return the output of a command; the last line of its errors is why it failed."""
    done = subprocess.run(command, capture_output=True, encoding="utf-8", **options)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ValueError(f"{problem}: {reason}")
    return done.stdout


def try_out(wheel: Path, texts: list[str]) -> list[list[DocJson]]:
    """Install a wheel in a fresh environment, and annotate texts there in two ways."""
    package = wheel.name.split("-")[0]
    with TemporaryDirectory() as folder:
        call([sys.executable, "-m", "venv", folder], "An environment cannot be made")
        bin_dir = Path(folder, "Scripts" if sys.platform == "win32" else "bin")
        # With -I nothing on PYTHONPATH is seen.
        python = [str(bin_dir / "python"), "-I"]
        pip = [*python, "-m", "pip", "install", "--quiet", str(wheel.resolve())]
        call(pip, f"{wheel} cannot be installed, which needs the network")
        stranger, texts_in = [*python, "-c", STRANGER, package], srsly.json_dumps(texts)
        problem = f"{package} is installed but does not run"
        return srsly.json_loads(call(stranger, problem, input=texts_in, cwd=bin_dir))


def is_same(one: DocJson, other: DocJson) -> bool:
    """Compare docs; another numpy may give scores of categories other last digits."""
    cats, others = one.get("cats", {}), other.get("cats", {})
    if {**one, "cats": [*cats]} != {**other, "cats": [*others]}:
        return False
    return all(isclose(cats[name], others[name], abs_tol=1e-3) for name in cats)


def main(
    packages_dir: Annotated[Path, typer.Argument(help="Folder of packages.")],
    updated_dir: Annotated[Path, typer.Argument(help="The pipeline in the wheel.")],
    base_dir: Annotated[Path, typer.Argument(help="The pipeline before the update.")],
    docs_path: Annotated[Path, typer.Argument(help="Docs to try it on.")],
    output_path: Annotated[Path, typer.Argument(help="JSON file for the result.")],
    name: Annotated[str, typer.Option(help="Package name without the language.")],
    version: Annotated[str, typer.Option(help="Package version.")],
    component: Annotated[str, typer.Option(help="Pipe that was updated.")] = "ner",
) -> None:
    """Install the wheel in a fresh environment, compare it, and measure its speed."""
    updated = open_pipeline(updated_dir)
    dist_dir = packages_dir / f"{updated.lang}_{name}-{version}" / "dist"
    wheel = next(iter(sorted(dist_dir.glob("*.whl"))), None)
    if wheel is None:
        raise ValueError(f"There is no wheel in {dist_dir}: run the step package.")
    texts = [doc.text for doc in islice(read_docs(docs_path), N_DOCS)]
    expected = [doc.to_json() for doc in updated.pipe(texts)]
    for found in try_out(wheel, texts):
        for text, one, other in zip(texts, expected, found, strict=True):
            if not is_same(one, other):
                raise ValueError(
                    f"{wheel.name} as installed and {updated_dir} annotate this text "
                    f"in different ways: {text[:200]!r}"
                )
    checked = {
        "wheel": wheel.name,
        "docs": len(texts),
        "speed": measure_speed(open_pipeline(base_dir), updated, texts),
        # For the last step, which shows how to try the pipeline.
        "show": kind_of(updated, component).SHOW,
    }
    with written_whole(output_path) as part:
        srsly.write_json(part, checked)
    msg.good(f"{wheel.name} installs, and annotates {len(texts)} docs as before.")


if __name__ == "__main__":
    run(main)
