from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import soundfile

from speechrnn.audio_encoded import mp3


def tone(rate: int, seconds: float = 2.0) -> np.ndarray:
    time = np.arange(int(rate * seconds)) / rate
    return (0.3 * np.sin(2 * np.pi * 440 * time) * (time > 0.5)).astype(np.float32)


@pytest.mark.parametrize(
    ("rate", "expected"), [(16_000, 16_000), (8_000, 8_000), (48_000, 24_000), (44_100, 24_000), (6_000, 8_000)]
)
def test_what_is_decoded_is_what_was_given(rate: int, expected: int) -> None:
    content = mp3(tone(rate), rate)
    samples, found = soundfile.read(BytesIO(content))
    assert found == expected
    assert len(samples) == 2 * expected
    assert np.corrcoef(samples, tone(expected))[0, 1] > 0.99, "in the same place, too"


def test_the_same_samples_make_the_same_bytes_and_few() -> None:
    noise = np.random.default_rng(1).standard_normal(160_000).astype(np.float32) * 0.1
    assert mp3(noise, 16_000) == mp3(noise, 16_000)
    assert len(mp3(noise, 16_000)) < 10 * 4_000
