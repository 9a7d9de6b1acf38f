"""Nothing half-written: a file or folder appears under its name only when it is whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from speechrnn.errors import DataError


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary name in the same folder; synced and renamed to ``path`` when the block ends well, removed otherwise.

    Raises:
        DataError: the disk is full or the folder cannot be written; what stood at ``path`` is untouched.
    """
    path = Path(path)
    # The suffix is kept: writers such as np.savez or gzip look at it.
    temporary = path.with_name(f".{secrets.token_hex(4)}.tmp{''.join(path.suffixes[-2:])}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        raise DataError(
            f"{path}: could not be written: {error.strerror or error}",
            "free some space or choose another folder; nothing was replaced",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all; line ends are ``\\n`` on every platform."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path`` that takes its place when the block ends well.

    An older folder is moved aside, then removed, so at every moment one whole version exists.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        old = path.with_name(f".{path.name}.{secrets.token_hex(4)}.old")
        if path.exists():
            path.rename(old)
        temporary.rename(path)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"{path}: could not be written: {error.strerror or error}",
            "free some space or choose another folder; nothing was replaced",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
