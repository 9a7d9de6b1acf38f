"""Compiled loops: one door to numba, for the ``*_kernels.py`` files. They are imported inside functions: numba takes a second."""

from __future__ import annotations

import functools
import logging
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])
logger = logging.getLogger("speechrnn")
_warned = False
PATIENCE = 3.0
"""Seconds of compiling before the log says so."""


def kernel(function: Function, *, inline: bool = False, fastmath: frozenset[str] = frozenset()) -> Function:
    """Compile a function of plain arrays to machine code, kept on disk between runs and free of the global lock.

    It is compiled anew when any ``*_kernels.py`` of its package has changed: machine code holds what it calls in other files, and
    numba by itself looks at the function's own file only. Where no cache folder can be written (a read-only installation and no
    home) each run compiles it anew; one warning says so.
    """
    global _warned
    from numba import njit

    _tell_of_compiling()
    try:
        compiled: Any = njit(cache=True, nogil=True, forceinline=inline, fastmath=set(fastmath))(function)
    except RuntimeError as error:
        if "cache" not in str(error):
            raise
        if not _warned:
            logger.warning("compiled loops cannot be kept: no cache folder is writable; set NUMBA_CACHE_DIR to one that is")
            _warned = True
        return cast(Function, njit(nogil=True, forceinline=inline, fastmath=set(fastmath))(function))
    compiled._cache._cache_file._source_stamp = _stamp(function.__module__.partition(".")[0], function.__code__.co_filename)
    return cast(Function, compiled)


@functools.cache
def _stamp(package: str, file: str) -> tuple[tuple[str, int, int], ...]:
    """What changes with any kernel of a package, and with ``file``: when they were written, and their sizes."""
    top = getattr(sys.modules.get(package), "__file__", None)
    files = {Path(file), *(Path(top).parent.rglob("*_kernels.py") if top else ())}
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(files) if path.exists())


@functools.cache
def _tell_of_compiling() -> None:
    """Have the log say, once a process, why nothing is seen for a while."""
    from numba.core import event

    class Teller(event.Listener):
        """Speaks when compiling has taken ``PATIENCE`` in all. One loop compiles those it calls: events are nested."""

        def __init__(self) -> None:
            self.depth, self.spent, self.told = 0, 0.0, False

        def on_start(self, event: object) -> None:
            """Wait for what is left of the patience."""
            self.depth += 1
            if self.depth == 1 and not self.told:
                self.begun = time.perf_counter()
                self.timer = threading.Timer(max(PATIENCE - self.spent, 0.0), self.tell)
                self.timer.daemon = True
                self.timer.start()

        def on_end(self, event: object) -> None:
            """It took less."""
            self.depth -= 1
            if self.depth == 0 and not self.told:
                self.timer.cancel()
                self.spent += time.perf_counter() - self.begun

        def tell(self) -> None:
            """To the log."""
            self.told = True
            logger.info("compiling loops for this machine, once; it may take a minute")

    event.register("numba:compile", Teller())  # type: ignore[no-untyped-call]


def inlined(function: Function) -> Function:
    """A kernel that is written out where it is called: counting references to many arrays costs more than a small function does.

    LLVM writes it out. Numba can, too (``inline="always"``), but types every copy anew: the beam search compiles a third longer.
    """
    return kernel(function, inline=True)


def reordered(function: Function) -> Function:
    """A kernel whose sums are added up in any order, several numbers at a time: another machine rounds them in another way."""
    return kernel(function, fastmath=frozenset({"reassoc"}))
