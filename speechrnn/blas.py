"""One thread for each matrix product, where many small ones are made on all cores anyway.

A BLAS library that shares out the small products of several threads at once spends most of its time on waiting, and rounds
differently with another number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread_each() -> Iterator[None]:
    """NumPy's matrix products take one thread each inside, whichever thread they are made in; also a decorator."""
    # It asks which libraries are loaded, in a millisecond.
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
