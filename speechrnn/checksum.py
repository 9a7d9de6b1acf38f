"""What a file holds, in one number."""

from __future__ import annotations

import hashlib
from pathlib import Path

_BLOCK = 1 << 20
"""Bytes read at a time."""


def sha256(*files: Path) -> str:
    """SHA-256, in hexadecimal, of the contents of files, one after the other."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
