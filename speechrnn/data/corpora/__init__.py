"""The corpora that ``speechrnn data prepare`` knows: one module each, with a ``CORPUS`` record and ``prepare``."""

from __future__ import annotations

import importlib
from types import ModuleType

from speechrnn.errors import UsageError, nearest

MODULES = {
    "an4": "speechrnn.data.corpora.an4",
    "fsdd": "speechrnn.data.corpora.fsdd",
    "mboshi": "speechrnn.data.corpora.mboshi",
    "yesno": "speechrnn.data.corpora.yesno",
}
"""Name on the command line -> module. A new corpus is one line here and one file."""


def corpus_module(name: str) -> ModuleType:
    """The module of a corpus.

    Raises:
        UsageError: an unknown corpus, with the nearest known.
    """
    if name not in MODULES:
        raise UsageError(f"there is no corpus {name!r}", nearest(name, MODULES))
    return importlib.import_module(MODULES[name])
