"""Augmentation of the waveform. What is drawn depends on (seed, epoch, utterance id) alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from speechrnn.audio import resample
from speechrnn.data.randomness import uniform


def draw_speed(speeds: Sequence[float], seed: int, epoch: int, utterance_id: str) -> float:
    """One of ``speeds``, all equally likely."""
    return speeds[int(uniform(seed, "speed", epoch, utterance_id) * len(speeds))]


def draw_gain(limits: Sequence[float], seed: int, epoch: int, utterance_id: str) -> float:
    """A gain (dB) between two, all equally likely."""
    low, high = limits
    return low + (high - low) * uniform(seed, "gain", epoch, utterance_id)


def change_speed(samples: np.ndarray, speed: float, sampling_rate: int) -> np.ndarray:
    """Play samples (S,) at ``speed``: tempo and pitch change together, as sox's ``speed`` does.

    Ko et al. (2015), "Audio Augmentation for Speech Recognition". The result has S / speed samples.
    """
    return samples if speed == 1 else resample(samples, round(sampling_rate * speed), sampling_rate)


def after_speed(num_samples: int, speed: float, sampling_rate: int) -> int:
    """Samples left after :func:`change_speed`, to within one (exactly, at speed 1)."""
    return num_samples if speed == 1 else round(num_samples * sampling_rate / round(sampling_rate * speed))
