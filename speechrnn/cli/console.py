"""How commands talk: results on standard output; logs, progress and errors on standard error."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")
logger = logging.getLogger("speechrnn")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, and those that reverse the direction of writing."""


class _StderrHandler(logging.Handler):
    """Writes to whatever standard error is now (tests and notebooks replace it)."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        print(prefix + visible(record.getMessage()), file=sys.stderr)


_handler = _StderrHandler()


def set_level(verbose: bool = False, quiet: bool = False) -> None:
    """Configure the package's log for a command: warnings and notes on standard error.

    The level is that of standard error alone: a training's own log keeps its notes under -q.
    """
    _handler.setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO)
    logger.setLevel(min(_handler.level, logging.INFO))
    logger.addHandler(_handler)
    logger.propagate = False


def stderr() -> Console:
    """A rich console on standard error: plain when it is no terminal or ``NO_COLOR`` is set."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def error(message: str, remedy: str) -> None:
    """The two lines of an error."""
    print(f"error: {visible(message)}", file=sys.stderr)
    if remedy:
        print(f"       {visible(remedy)}", file=sys.stderr)


def visible(text: str) -> str:
    """Text in which nothing steers a terminal: ids and file names of strangers may hold control characters.

    >>> print(visible("a\\x1b[2Jb"))
    a\\x1b[2Jb
    """
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def stopped(message: str = "stopped", remedy: str = "") -> None:
    """What is said after Ctrl-C, which is no error: a line, and a second one where something can be gone on with."""
    print(message, file=sys.stderr)
    if remedy:
        print(remedy, file=sys.stderr)


def interactive() -> bool:
    """Whether progress bars make sense: standard error is a terminal, no -q, no NO_COLOR."""
    return sys.stderr.isatty() and _handler.level < logging.ERROR and not os.environ.get("NO_COLOR")


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Iterate with a progress bar on standard error, silent where it is no terminal."""
    if not interactive():
        yield from items
        return
    from rich.progress import track as rich_track

    yield from rich_track(items, description=description, total=total, console=stderr())


def table(rows: list[list[Any]], header: list[str]) -> str:
    """Plain aligned columns for standard output; a column of numbers is set to the right.

    >>> print(table([["train", 948], ["dev", 100]], ["split", "utterances"]))
    split  utterances
    train         948
    dev           100
    """
    texts = [header, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in texts) for column in range(len(header))]
    numeric = [all(isinstance(row[column], int | float) for row in rows) for column in range(len(header))]
    lines = []
    for row in texts:
        cells = [cell.rjust(w) if number else cell.ljust(w) for cell, w, number in zip(row, widths, numeric, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
