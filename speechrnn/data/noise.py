"""Noise and channels: generated or recorded noise at a signal-to-noise ratio, and the band of a telephone line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_FRAME_S = 0.02
_ACTIVE_DB = 40.0
"""A frame is active when its energy is within this much of the loudest frame's."""
TELEPHONE_RATE = 8_000
"""Sampling rate (Hz) of telephone speech."""
TELEPHONE_BAND = (300.0, 3400.0)
"""Pass band (Hz)."""


def active_power(samples: np.ndarray, sampling_rate: int) -> float:
    """Mean power of the frames that are not silent, of samples of shape (S,); 0 for silence.

    Pauses do not count, so a sentence with a long pause is not mixed with less noise.
    """
    import numpy as np

    size = max(1, round(_FRAME_S * sampling_rate))
    usable = len(samples) // size * size or len(samples)
    frames = samples[:usable].astype(np.float64).reshape(-1, min(size, usable))
    energies = np.square(frames).mean(axis=1)
    loudest = float(energies.max(initial=0.0))
    return float(energies[energies >= loudest * 10 ** (-_ACTIVE_DB / 10)].mean()) if loudest > 0 else 0.0


def mix(speech: np.ndarray, noise: np.ndarray, snr_db: float, sampling_rate: int) -> np.ndarray:
    """Add noise so that speech is ``snr_db`` dB above it, both measured where they are active.

    Args:
        speech: float32, shape (S,).
        noise: float32, shape (S,) or longer.

    Returns:
        float32, shape (S,); scaled down as a whole where it would clip.
    """
    import numpy as np

    noise = noise[: len(speech)]
    power = active_power(noise, sampling_rate)
    if power == 0.0:
        return speech
    gain = math.sqrt(active_power(speech, sampling_rate) / power * 10 ** (-snr_db / 10))
    mixed = speech + gain * noise
    peak = float(np.abs(mixed).max(initial=0.0))
    return (mixed * (0.99 / peak if peak > 0.99 else 1.0)).astype(np.float32)


def fit_length(noise: np.ndarray, length: int, start: int) -> np.ndarray:
    """``length`` samples of a noise recording, from ``start`` on, begun anew where it ends."""
    import numpy as np

    return np.take(noise, np.arange(start, start + length), mode="wrap")


def colored_noise(length: int, color: str, random: np.random.Generator) -> np.ndarray:
    """``white`` or ``pink`` (3 dB less per octave) noise, float32, shape (length,), with power 1."""
    import numpy as np

    white = random.standard_normal(length)
    if color == "white":
        return white.astype(np.float32)
    spectrum = np.fft.rfft(white)
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0))
    pink = np.fft.irfft(spectrum, length)
    return (pink / math.sqrt(float(np.square(pink).mean()) or 1.0)).astype(np.float32)


def telephone_band(samples: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Keep 300 to 3400 Hz (linear phase, no delay), float32, shape (S,)."""
    import numpy as np

    taps = np.arange(-200, 201)
    low, high = (edge / sampling_rate for edge in TELEPHONE_BAND)
    kernel = (2 * high * np.sinc(2 * high * taps) - 2 * low * np.sinc(2 * low * taps)) * np.hamming(len(taps))
    return np.convolve(samples, kernel, mode="full")[200 : 200 + len(samples)].astype(np.float32)
