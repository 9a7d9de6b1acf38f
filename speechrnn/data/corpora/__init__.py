"""The corpora that ``speechrnn data prepare`` knows: one module each, with a ``CORPUS`` record and ``prepare``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from speechrnn.data.prepared import Prepared, Track, silent
from speechrnn.errors import UsageError, nearest

MODULES = {
    "an4": "speechrnn.data.corpora.an4",
    "fsdd": "speechrnn.data.corpora.fsdd",
    "mboshi": "speechrnn.data.corpora.mboshi",
    "synthetic": "speechrnn.data.corpora.synthetic",
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


def prepare_corpus(name: str, paths: Sequence[Path], options: Mapping[str, Any], *, track: Track = silent) -> Prepared:
    """Call a corpus's ``prepare``.

    Args:
        name: the corpus.
        paths: the publisher's folder and the data directory; a corpus that is generated takes the latter only.
        options: the corpus's own, by name.

    Raises:
        UsageError: an unknown corpus, too many or too few paths, an option that the corpus does not have.
    """
    prepare = corpus_module(name).prepare
    parameters = inspect.signature(prepare).parameters
    wanted = [parameter for parameter in ("source", "out") if parameter in parameters]
    if len(paths) != len(wanted):
        usage = " ".join("SRC" if parameter == "source" else "OUT" for parameter in wanted)
        raise UsageError(
            f"{name} takes {len(wanted)} path{'s' * (len(wanted) > 1)}, {len(paths)} given",
            f"speechrnn data prepare {name} {usage}",
        )
    unknown = [option for option in options if option not in parameters]
    if unknown:
        flags = ", ".join("--" + option.replace("_", "-") for option in unknown)
        raise UsageError(f"{name} has no option {flags}", f"see speechrnn data prepare --help for the options of {name}")
    prepared: Prepared = prepare(*paths, **options, track=track)
    return prepared
