"""Compiled loops: one door to numba, for the ``*_kernels.py`` files. They are imported inside functions: numba takes a second."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])
logger = logging.getLogger("speechrnn")
_warned = False


def kernel(function: Function, *, inline: Literal["never", "always"] = "never") -> Function:
    """Compile a function of plain arrays to machine code, kept on disk between runs and free of the global lock.

    The cache looks only at the file that the kernel stands in: after a change to a kernel of another file that it calls, remove
    ``__pycache__``. So what is called in one go stands in one file, even if that is long.

    Where no cache folder can be written (a read-only installation and no home) each run compiles it anew; one warning says so.
    """
    global _warned
    from numba import njit

    try:
        return cast(Function, njit(cache=True, nogil=True, inline=inline)(function))
    except RuntimeError as error:
        if "cache" not in str(error):
            raise
    if not _warned:
        logger.warning("compiled loops cannot be kept: no cache folder is writable; set NUMBA_CACHE_DIR to one that is")
        _warned = True
    return cast(Function, njit(nogil=True, inline=inline)(function))


def inlined(function: Function) -> Function:
    """A kernel that is written out where it is called: counting references to many arrays costs more than a small function does."""
    return kernel(function, inline="always")
