"""What lies in people's folders: files in any depth, names from other systems, sound of kinds that are not read."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

UNREAD = (".m4a", ".mp4", ".aac", ".amr", ".3gp", ".wma", ".mov", ".avi", ".mkv", ".webm")
"""Endings of files that hold sound as phones and cameras record it, but that no library here reads."""


def files_in(folder: Path) -> list[Path]:
    """All files in a folder and its folders, in the order of names; hidden ones are passed over, linked folders walked once."""
    found: list[Path] = []
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if real not in seen else []
        if real not in seen:
            # A link to nowhere is named where it is read; a pipe would be waited for.
            paths = (Path(root, name) for name in sorted(files) if not name.startswith("."))
            found += [path for path in paths if path.is_file() or not path.exists()]
        seen.add(real)
    return found


def unread(files: Iterable[Path]) -> dict[Path, str]:
    """Files with sound of kinds that are not read, and what is said of each."""
    kinds = (path for path in files if path.suffix.lower() in UNREAD)
    return {
        path: f"{path}: sound of a kind that is not read; convert it, for example by ffmpeg -i {path.name} {path.stem}.wav"
        for path in kinds
    }


def as_named(path: Path) -> Path:
    """The file of that name, or where there is none, one whose name differs in its Unicode form alone.

    On a Mac an accented letter in a name is two characters, elsewhere often one; copied, both look the same.
    """
    if path.name.isascii() or path.exists() or not path.parent.is_dir():
        return path
    name = unicodedata.normalize("NFC", path.name)
    return next((other for other in sorted(path.parent.iterdir()) if unicodedata.normalize("NFC", other.name) == name), path)
