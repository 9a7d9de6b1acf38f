"""Work done ahead of the one who takes its results."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """``map(function, items)`` by threads, which run at most two results each ahead of the reader; 0 threads: by the reader.

    >>> list(ahead(str, range(5), 2))
    ['0', '1', '2', '3', '4']
    """
    if not threads:
        yield from map(function, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, initializer=_alone) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _alone() -> None:
    """Let torch and NumPy work in this thread without helpers of their own.

    OpenMP keeps a team for each thread that calls it. With one more team than cores every barrier of the recurrent layers puts
    its threads to sleep: a step of training takes two to three times as long.
    """
    # A thread's first call sets its number to the process's, and would undo the limit.
    torch.get_num_threads()
    threadpool_limits(limits=1, user_api="openmp")
