"""Nothing half-written: a file or folder appears under its name only when it is whole."""

from __future__ import annotations

import contextlib
import glob
import os
import re
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
        raise _unwritten(path, error) from error
    finally:
        # Also where the folder is a file, or gone.
        with contextlib.suppress(OSError):
            temporary.unlink()


def left_over(folder: Path) -> list[Path]:
    """Files that :func:`atomic_path` was writing into ``folder`` when its process was killed."""
    return [path for path in folder.glob(".*") if re.match(r"\.[0-9a-f]{8}\.tmp(\.|$)", path.name) and path.is_file()]


def _unwritten(path: Path, error: OSError) -> DataError:
    return DataError(
        f"{path}: could not be written: {error.strerror or error}", "free some space or choose another folder; nothing was replaced"
    )


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all; line ends are ``\\n`` on every platform."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path``, synced and put in its place when the block ends well, removed otherwise.

    An older folder is moved aside, then removed; where the new one cannot take its place, the older one comes back. Between
    the two renames nothing stands at ``path``: a process killed just there leaves the older folder under the name that
    :func:`left_aside` finds, and the next writer takes it back.

    Raises:
        DataError: the disk is full or the folder cannot be written; what stood at ``path`` stands there again.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.mkdir(parents=True)
        left = left_aside(path)
        if left is not None:
            left.rename(path)
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                with file.open("rb+") as written:
                    os.fsync(written.fileno())
        _replace(path, temporary)
    except OSError as error:
        raise _unwritten(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(path: Path, new: Path) -> None:
    """Put the folder ``new`` at ``path``; on failure the older one is back."""
    old = path.with_name(f".{path.name}.{secrets.token_hex(4)}.old")
    existed = path.exists()
    if existed:
        path.rename(old)
    try:
        new.rename(path)
    except OSError:
        if existed:
            old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def left_aside(path: Path) -> Path | None:
    """The older folder that a writer killed between its two renames left beside a missing ``path``, if any."""
    if path.exists():
        return None
    return max(path.parent.glob(f".{glob.escape(path.name)}.*.old"), key=lambda folder: folder.stat().st_mtime, default=None)
