"""Workers that run tasks, and give what comes of them in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, NamedTuple


class Workers(NamedTuple):
    """Workers that wait for tasks.

    Attributes:
        submit: Takes a function and its arguments, and gives the future.
        n_jobs: Tasks that run at the same time.
    """

    submit: Callable[..., Future]
    n_jobs: int

    def map(
        self, run: Callable[[Any], Any], read: Callable[[], Iterable[Any]]
    ) -> Iterator[Any]:
        """Run a function on each of many items.

        Args:
            run: The function.
            read: Gives the items, here or where a worker is: each as there is room.

        Yields:
            What comes of the items, in their order.
        """
        futures = (self.submit(run, item) for item in read())
        return in_order(futures, self.n_jobs)


def in_order(futures: Iterable[Future], n_jobs: int) -> Iterator[Any]:
    """Give what comes of tasks in their order, whichever ends first.

    Args:
        futures: The tasks, each submitted as it is asked for; two a worker are held.
        n_jobs: Tasks that run at the same time.
    """
    waiting: deque[Future] = deque()
    for future in futures:
        waiting.append(future)
        while waiting and (waiting[0].done() or len(waiting) == 2 * n_jobs):
            yield waiting.popleft().result()
    for future in waiting:
        yield future.result()
