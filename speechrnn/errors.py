"""Every error a user can cause, in one small tree.

SpeechrnnError          message + remedy + exit status
├── DataError        1  a file, a recording, a transcript or a model directory is wrong
├── UsageError       2  the call is wrong: an unknown option, key or value
│   └── Unsupported  2  the call is right for another kind of model
├── MissingExtra     1  an optional package is not installed
└── Interrupted    130  stopped by the user; what was done is saved
"""

from __future__ import annotations

import difflib
import os
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path


class SpeechrnnError(Exception):
    """An error with a remedy.

    Args:
        message: what is wrong, naming the file, the line or utterance, and the value found.
        remedy: what to do next, one sentence.
    """

    exit_status = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class DataError(SpeechrnnError):
    """A file, a recording, a transcript or a model directory is wrong."""


class UsageError(SpeechrnnError):
    """The call is wrong."""

    exit_status = 2


class Unsupported(UsageError):
    """The recognizer at hand lacks the ability that was asked for."""


class MissingExtra(SpeechrnnError):
    """An optional package is not installed.

    Args:
        package: the name on the package index.
        extra: the extra of speechrnn that brings it.
        purpose: what it is needed for.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the package {package}, which is not installed", f"pip install 'speechrnn[{extra}]'")


class Interrupted(SpeechrnnError):
    """Stopped by the user; the message says what was saved."""

    exit_status = 130


def closest(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that is written most like ``word``, None where nothing is near."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1)), None)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint such as ``did you mean 'lstm'?``, or the list of what is known when nothing is near.

    >>> nearest("lsmt", ["gru", "lstm"])
    "did you mean 'lstm'?"
    """
    known = sorted(known)
    close = closest(word, known)
    if close is not None:
        return f"did you mean {close!r}?"
    return f"known are: {', '.join(known)}" if known else ""


def listed(names: Iterable[object], most: int = 5) -> str:
    """Names with commas, the first ``most`` of many.

    >>> listed("abc"), listed("abcdefg")
    ('a, b, c', 'a, b, c, d, e and 2 more')
    """
    every = [str(name) for name in names]
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def typed(path: str | Path) -> str:
    """A path as it is typed in a shell, for remedies that are commands.

    >>> typed("runs/own")
    'runs/own'
    """
    return subprocess.list2cmdline([str(path)]) if os.name == "nt" else shlex.quote(str(path))
