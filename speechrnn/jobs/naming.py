"""Names as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def unique_names(names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """Names as they are, behind their path where two are equal, numbered where that is equal too.

    >>> unique_names(["a", "b", "b"], [Path("x"), Path("y"), Path("z")])
    ['a', 'y: b', 'z: b']
    """
    longer = [name if names.count(name) == 1 else f"{path}: {name}" for name, path in zip(names, paths, strict=True)]
    return [name if longer.count(name) == 1 else f"{name} ({longer[:index].count(name) + 1})" for index, name in enumerate(longer)]
