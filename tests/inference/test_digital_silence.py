"""A recording that is padded with nothing at all is heard as without that."""

from __future__ import annotations

import numpy as np
import pytest

import speechrnn
from speechrnn.features.loudness import Loudness
from speechrnn.inference.sound import of_samples

RATE = 8000


def heard(recognizer, samples: np.ndarray) -> np.ndarray:
    """Log posteriors (T, K), by the way that recordings go."""
    ((_, parts),) = recognizer._listener.posteriors([of_samples(samples, RATE, RATE, 200)])
    return np.concatenate(list(parts))


def difference(recognizer, samples: np.ndarray) -> float:
    """By how much posteriors change in the middle of a recording, half a second from its ends, if two seconds surround it."""
    frame = round(recognizer._network.frame_shift * RATE)
    pad = np.zeros(2 * RATE // frame * frame, np.float32)
    alone, padded = heard(recognizer, samples), heard(recognizer, np.concatenate([pad, samples, pad]))
    first, edge = len(pad) // frame, RATE // 2 // frame
    inside = slice(edge, len(alone) - edge)
    return float(np.abs(padded[first : first + len(alone)][inside] - alone[inside]).max())


@pytest.mark.parametrize("normalization", ["speaker", "utterance"])
def test_padding_changes_little_within(normalization: str, write_model, sound, monkeypatch) -> None:
    recognizer = speechrnn.load(write_model(normalization), "cpu")
    samples = sound(6 * RATE, seed=4)
    # Windows that lie half in the padding have their part in the moments.
    found = difference(recognizer, samples)
    monkeypatch.setattr(Loudness, "silent", lambda self, frames: frames.new_zeros(frames.shape[:-1], dtype=bool))
    assert found < 0.1 * difference(recognizer, samples)


@pytest.mark.parametrize("normalization", ["global", "speaker", "utterance"])
def test_a_recording_of_nothing_else_is_heard(normalization: str, write_model, tmp_path) -> None:
    recognizer = speechrnn.load(write_model(normalization), "cpu")
    assert np.isfinite(heard(recognizer, np.zeros(2 * RATE, np.float32))).all()
    assert np.isfinite(heard(recognizer, np.zeros(60 * RATE, np.float32))).all()
