"""Other people's formats into data directories: one module each, with ``import_data``."""

from __future__ import annotations

import importlib
from types import ModuleType

from speechrnn.errors import UsageError, nearest

MODULES = {
    "folder": "speechrnn.data.importers.folder",
    "kaldi": "speechrnn.data.importers.kaldi",
}
"""Name on the command line -> module."""


def importer_module(name: str) -> ModuleType:
    """The module of a format.

    Raises:
        UsageError: an unknown format, with the nearest known.
    """
    if name not in MODULES:
        raise UsageError(f"there is no import format {name!r}", nearest(name, MODULES))
    return importlib.import_module(MODULES[name])
