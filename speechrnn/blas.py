"""One thread for each matrix product, where many small ones are made on all cores anyway.

A BLAS library that shares out the small products of several threads at once spends most of its time on waiting, and rounds
differently with another number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """NumPy's matrix products take one thread each inside, whichever thread they are made in; also a decorator."""
    with _controller().limit(limits=1, user_api="blas"):
        yield
