"""Names as they are shown, and as they are given to files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_UNFIT = re.compile(r'[\x00-\x1f\x7f%/\\:*?"<>|]|^\.+$|[. ]$')
"""What no file name may hold on some system, or would lead to another folder; and the sign that takes its place."""


def unique_names(names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """Names as they are, behind their path where two are equal, numbered where that is equal too.

    >>> unique_names(["a", "b", "b"], [Path("x"), Path("y"), Path("z")])
    ['a', 'y: b', 'z: b']
    """
    longer = [name if names.count(name) == 1 else f"{path}: {name}" for name, path in zip(names, paths, strict=True)]
    return [name if longer.count(name) == 1 else f"{name} ({longer[:index].count(name) + 1})" for index, name in enumerate(longer)]


def file_name(identity: str) -> str:
    """An utterance's id as the name of a file, on any system and in no other folder; different ids have different names.

    >>> file_name("ñ 01.a"), file_name("../a"), file_name("..")
    ('ñ 01.a', '..%2fa', '%2e%2e')
    """
    return _UNFIT.sub(lambda found: "".join(f"%{ord(character):02x}" for character in found[0]), identity)
