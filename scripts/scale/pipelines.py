"""Pipelines as the steps run them: fast on a CPU, on a GPU, and flat in memory."""

import gc
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import spacy
from spacy.cli.train import train
from spacy.language import Language
from spacy.util import import_file
from thinc.api import Config, NumpyOps, get_current_ops, use_ops

from scripts.components import kind_of, listened_to, pipes_of
from scripts.components.kind import Kind
from scripts.files import written_whole

T = TypeVar("T")
FUNCTIONS = Path(__file__).parents[1] / "functions.py"
# The file in the folder of a pipeline with code that it needs, and what was imported.
CODE = "code.py"
IMPORTED: set[bytes] = set()
# spaCy's errors about a component or a function that nobody registered.
MISSING = ("[E002]", "[E893]", "Could not find function")
# Docs in a batch. They stay in the cache of a CPU: on newswire they take three quarters
# of the time of spaCy's 1,000, and a fifth of the memory.
BATCH_SIZE = 64
# Docs after which a pipeline is loaded again: freed words leave holes in its tables.
MAX_DOCS = 50_000
# Words that a pipeline may remember: some megabytes.
MAX_VOCAB = 10_000


def import_code(path: Path) -> None:
    """Import a Python file with code that a pipeline needs, once for its content.

    spaCy refuses to register the same function from two files.
    """
    content = path.read_bytes()
    if content not in IMPORTED:
        IMPORTED.add(content)
        import_file(path.stem, path)


def load_code(folder: str | Path) -> None:
    """Import the code that the folder of a pipeline holds, if it needs some."""
    path = Path(folder, CODE)
    if path.exists():
        import_code(path)


def copy_code(source: Path, target: Path) -> None:
    """Copy the code that a pipeline needs from one folder to another."""
    if (source / CODE).exists():
        shutil.copy(source / CODE, target)


def open_pipeline(path: str | Path) -> Language:
    """Load a pipeline, with the code that its folder holds.

    Raises:
        ValueError: If it needs code that is not there.
    """
    load_code(path)
    try:
        return spacy.load(path)
    except ValueError as error:
        reason = " ".join(str(error).split())
        if not any(number in reason for number in MISSING):
            raise
        raise ValueError(
            f"{path} needs code that is not here: {reason.split('. ')[0]}. Set "
            "vars.code to the Python file that registers it, or install its package."
        ) from error


def load(path: str | Path) -> Language:
    """Load a pipeline to annotate with.

    On a CPU numpy multiplies: spaCy's BLIS falls back on generic code for a CPU that it
    does not know, which took three times as long. A GPU keeps spaCy's large batches.
    """
    if not isinstance(get_current_ops(), NumpyOps):
        return open_pipeline(path)
    with use_ops("cpu", use_blis=False):
        nlp = open_pipeline(path)
    nlp.batch_size = min(nlp.batch_size, BATCH_SIZE)
    return nlp


@lru_cache(maxsize=1)
def load_component(path: Path, component: str) -> Language:
    """Load a pipeline once a process, with a component and what it listens to alone.

    A second component is a part of it.
    """
    nlp = load(path)
    nlp.select_pipes(enable=[*listened_to(nlp, component), *pipes_of(nlp, component)])
    return nlp


def leave_out_others(nlp: Language, component: str) -> None:
    """Disable the components that take no part in what a component finds.

    Only where all of them are known: a rule of another one may ask for their tags.
    """
    needed = {*listened_to(nlp, component), *pipes_of(nlp, component)}
    others = [name for name in nlp.pipe_names if name not in needed]
    kind = kind_of(nlp, component)
    if all(is_unrelated(nlp, name, kind) for name in others):
        nlp.select_pipes(disable=others)


def is_unrelated(nlp: Language, name: str, kind: Kind) -> bool:
    """Check whether a pipe never changes what a component of a kind finds."""
    return nlp.get_pipe_meta(name).factory in kind.UNRELATED


def find_configs(folder: Path) -> list[Path]:
    """List the training configs of an update: of new labels, and of corrections."""
    paths = [folder / f"{name}.cfg" for name in ("update", "corrections")]
    if found := [path for path in paths if path.exists()]:
        return found
    raise ValueError(f"{folder} has no update.cfg: run configure again, with --force.")


def train_pipeline(config_path: Path, output_dir: Path, gpu_id: int) -> None:
    """Train from a config as `spacy train --code scripts/functions.py` does.

    spaCy saves the pipeline while it trains; the folder has its name only at the end.
    """
    import_file("python_code", FUNCTIONS)
    config = Config().from_disk(config_path, interpolate=False)
    load_code(config["initialize"]["before_init"]["vocab"])
    with written_whole(output_dir) as part:
        train(config_path, part, use_gpu=gpu_id)


def use_gpu(gpu_id: int, n_process: int, engine: str = "local") -> int:
    """Run on a GPU from now on, if one is asked for (-1: CPU).

    Returns:
        The number of processes to use: `n_process`, or one on a GPU.

    Raises:
        ValueError: If there is no such GPU, or a cluster would have to share it.
    """
    if gpu_id < 0:
        return n_process
    if engine != "local":
        raise ValueError(
            "On a cluster updates are trained on CPUs: set vars.gpu_id to -1, or "
            "vars.engine to local."
        )
    try:
        spacy.require_gpu(gpu_id)
    except ValueError as error:
        raise ValueError(
            f"{error}: set vars.gpu_id to -1, or install spacy[cuda12x], for example."
        ) from error
    return 1


def memory_zone(nlp: Language) -> AbstractContextManager:
    """Open a memory zone, unless the pipeline knows few words yet and can keep them.

    In a zone the tokenizer remembers no word, which costs a tenth of the time.
    """
    return nlp.memory_zone() if len(nlp.vocab) > MAX_VOCAB else nullcontext()


def in_lives(items: Iterable[T]) -> Iterator[Iterator[T]]:
    """Split a stream into parts, each for a newly loaded pipeline.

    Read each part to its end, and drop its pipeline, before the next.
    """
    items = iter(items)
    for item in items:
        # A pipeline refers to itself, so it is not freed without this.
        gc.collect()
        yield chain([item], islice(items, MAX_DOCS - 1))
