"""Planted ratios of speech to noise are found; what has none is told."""

from __future__ import annotations

import numpy as np
import pytest

from speechrnn.audio_level import signal_to_noise


def recording(ratio: float, rate: int, seed: int = 1) -> np.ndarray:
    """Four seconds: bursts of sound on steady noise, ``ratio`` dB below the bursts."""
    generator = np.random.default_rng(seed)
    time = np.arange(4 * rate) / rate
    loud = (time % 1.0 > 0.4).astype(np.float64)
    speech = loud * 0.2 * np.sin(2 * np.pi * 300 * time)
    noise = generator.standard_normal(len(time)) * np.sqrt(0.02 / 10 ** (ratio / 10))
    return (speech + noise).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("ratio", [5.0, 10.0, 20.0, 40.0])
def test_a_planted_ratio_is_found_within_a_decibel_and_a_half(ratio: float, rate: int) -> None:
    assert signal_to_noise(recording(ratio, rate), rate) == pytest.approx(ratio, abs=1.5)


def test_level_and_direct_current_make_no_difference() -> None:
    samples = recording(20, 16_000)
    assert signal_to_noise(0.1 * samples + 0.3, 16_000) == pytest.approx(signal_to_noise(samples, 16_000), abs=0.01)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(100), np.zeros(16_000), np.full(16_000, 0.5)])
def test_silence_has_no_ratio(samples: np.ndarray) -> None:
    assert signal_to_noise(samples.astype(np.float32), 16_000) is None


def test_digital_silence_between_words_is_no_infinite_ratio() -> None:
    samples = recording(20, 16_000)
    samples[:16_000] = 0
    found = signal_to_noise(samples, 16_000)
    assert found is not None
    assert 60 < found < 100
