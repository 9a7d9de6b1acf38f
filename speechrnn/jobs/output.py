"""Folders that results go into."""

from __future__ import annotations

import os
from pathlib import Path

from speechrnn.errors import DataError


def make_folder(path: Path) -> None:
    """Make a folder for results before the work starts, so that hours of it are not lost to a wrong path.

    Raises:
        DataError: it cannot be made or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be made: {error.strerror}", "choose another folder with -o") from None
    if not os.access(path, os.W_OK):
        raise DataError(f"{path}: may not be written", "choose another folder with -o")
