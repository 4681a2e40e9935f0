"""Workers that run tasks at the same time; processes end with their parent."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from multiprocessing import parent_process
from typing import Any, NamedTuple


class Workers(NamedTuple):
    """Workers that run `n_jobs` tasks at a time; without `submit`, in this process."""

    n_jobs: int
    submit: Callable[..., Future] | None = None

    def map(self, run: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Run a function on each item, and yield the results in order.

        Two items for each worker are read ahead: memory never holds all of them.
        """
        if not self.submit:
            yield from map(run, items)
            return
        waiting: deque[Future] = deque()
        limit = 2 * self.n_jobs
        try:
            for item in items:
                waiting.append(self.submit(run, item))
                while waiting and (waiting[0].done() or len(waiting) == limit):
                    yield waiting.popleft().result()
        except (ValueError, OSError):
            # The results of the items before one that cannot be read come first.
            yield from (future.result() for future in waiting)
            raise
        yield from (future.result() for future in waiting)


def follow_parent() -> None:
    """Leave Ctrl-C to the parent process, and end this one when that is gone.

    With a timer, not a thread: spaCy takes a fifth longer if there is any thread, for
    its parser asks for Python's lock thousands of times a doc.
    """

    def check_parent(*_: Any) -> None:
        if not parent_process().is_alive():
            os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Windows has no such timer.
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, check_parent)
        signal.setitimer(signal.ITIMER_REAL, 1, 1)
