"""Fixtures for all tests: generated sounds, and real corpora where they are at hand."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """The folder of a corpus as its publisher ships it; the test is skipped where there are no corpora at all.

    Looked for under ``SPEECHRNN_CORPORA``, or in ``shared/data`` beside the repository.
    """

    def find(corpus: str) -> Path:
        corpora = Path(os.environ.get("SPEECHRNN_CORPORA") or REPOSITORY.parent / "shared" / "data")
        if not corpora.is_dir() and "SPEECHRNN_CORPORA" not in os.environ:
            pytest.skip(f"no corpora under {corpora}; SPEECHRNN_CORPORA names their folder")
        folder = corpora / corpus
        assert folder.is_dir(), (
            f"{folder}: no such folder; tests of corpora are skipped only where SPEECHRNN_CORPORA is unset and {corpora} missing"
        )
        return folder

    return find


@pytest.fixture(autouse=True)
def _package_log() -> Iterator[None]:
    """The package's log reaches ``caplog``, and what a command changed about it is undone."""
    logger = logging.getLogger("speechrnn")
    before = (logger.level, logger.propagate, list(logger.handlers))
    logger.propagate = True
    yield
    logger.level, logger.propagate = before[:2]
    logger.handlers[:] = before[2]


def smooth_noise(num_samples: int, seed: int = 0) -> np.ndarray:
    """Low-pass noise at -20 dBFS: as smooth as speech and never twice the same; float32, shape (S,)."""
    white = np.random.default_rng(seed).standard_normal(num_samples + 15)
    smooth = np.convolve(white, np.ones(16) / 16, mode="valid")
    return (0.1 * smooth / np.sqrt(np.square(smooth).mean())).astype(np.float32)


@pytest.fixture(scope="session")
def sound() -> Callable[..., np.ndarray]:
    """``sound(num_samples, seed=0)``: float32 samples of shape (S,)."""
    return smooth_noise


@pytest.fixture(scope="session")
def write_sound() -> Callable[..., Path]:
    """``write_sound(path, seconds=0.5, rate=16000, seed=0)`` writes a recording; the format by the suffix."""
    import soundfile

    def write(path: Path, seconds: float = 0.5, rate: int = 16_000, seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = smooth_noise(round(seconds * rate), seed)
        if path.suffix == ".raw":
            path.write_bytes(np.round(samples * 32767).astype(">i2").tobytes())
        elif path.suffix == ".sph":
            soundfile.write(path, samples, rate, format="NIST", subtype="PCM_16", endian="BIG")
        elif path.suffix == ".opus":
            soundfile.write(path, samples, rate, format="OGG", subtype="OPUS")
        else:
            soundfile.write(path, samples, rate)
        return path

    return write
