"""Workers that run tasks at the same time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
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
