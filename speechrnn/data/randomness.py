"""Randomness as a pure function of what it is for: no generator has to be saved, skipped ahead or shared."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *purpose: int | str) -> np.random.Generator:
    """A generator that depends on nothing but its arguments: ``generator(7, "speed", epoch, utterance_id)``."""
    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], np.uint64)))


def uniform(seed: int, *purpose: int | str) -> float:
    """One number in [0, 1), cheaper than a whole generator."""
    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return float(int.from_bytes(digest[:8], "big") >> 11) / float(1 << 53)
