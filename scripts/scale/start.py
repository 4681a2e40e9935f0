"""The workers that a step asks for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from scripts.scale.local import start_processes
from scripts.scale.ray import start_ray
from scripts.scale.workers import Workers

Engine = Literal["local", "ray"]


@contextmanager
def start(engine: Engine, n_process: int, address: str = "") -> Iterator[Workers]:
    """Start workers.

    Args:
        engine: `local` or `ray`.
        n_process: Processes of this machine; -1: all cores. A cluster has its own.
        address: Address of a Ray cluster; empty: RAY_ADDRESS, or a new one here.

    Yields:
        The workers.

    Raises:
        ValueError: If a process was killed.
    """
    if engine == "ray":
        yield from start_ray(address)
    else:
        yield from start_processes(n_process if n_process > 0 else os.cpu_count() or 1)
