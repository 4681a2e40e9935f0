"""Start the workers that a step asks for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Literal

from scripts.scale.workers import Workers

# Modules of this folder; only the one that is asked for is imported.
Engine = Literal["local", "ray"]


@contextmanager
def start(engine: Engine, n_process: int) -> Iterator[Workers]:
    """Start workers: as many processes here (-1: all cores), or a Ray cluster."""
    n_process = n_process if n_process > 0 else os.cpu_count() or 1
    yield from import_module(f"scripts.scale.{engine}").start_workers(n_process)
