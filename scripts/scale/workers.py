"""Workers that run tasks at the same time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, NamedTuple


class Workers(NamedTuple):
    """Workers: `submit` takes a function and its arguments, `n_jobs` run at a time."""

    submit: Callable[..., Future]
    n_jobs: int

    def map(self, run: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Run a function on each item, and yield the results in order.

        Two items for each worker are read ahead: memory never holds all of them.
        """
        waiting: deque[Future] = deque()
        for future in self.submit_all(run, items):
            waiting.append(future)
            while waiting and (waiting[0].done() or len(waiting) == 2 * self.n_jobs):
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()

    def submit_all(
        self, run: Callable[[Any], Any], items: Iterable[Any]
    ) -> Iterator[Future]:
        """Submit a task for each item; one that cannot be read fails in its turn."""
        try:
            for item in items:
                yield self.submit(run, item)
        except (ValueError, OSError) as error:
            failed: Future = Future()
            failed.set_exception(error)
            yield failed
