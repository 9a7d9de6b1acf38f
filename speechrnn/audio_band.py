"""Recordings that hold less than a model was trained on: a low rate, a telephone's band at a high rate, nothing at all."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger("speechrnn")

EMPTY = 1e-8
"""Power over that of the strongest band (-80 dB) below which a band is empty: rooms and microphones stay far above."""
FULL = 0.75
"""Share of the band that has to be used; codecs and anti-aliasing filters take less than the rest."""
_SIZE = 512
_LOOKED_AT = 480_000
"""Samples looked at, at most."""


def empty_above(samples: np.ndarray, rate: int) -> float | None:
    """The frequency (Hz) above which samples (S,) hold nothing, where that is much of the band; ``None`` otherwise."""
    import numpy as np

    frames = samples[: min(len(samples), _LOOKED_AT) // _SIZE * _SIZE].reshape(-1, _SIZE)
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(_SIZE).astype(np.float32)))).sum(0)
    if not len(frames) or not power.max():
        return None
    highest = int(np.flatnonzero(power > EMPTY * power.max())[-1])
    return highest * rate / _SIZE if highest < FULL * _SIZE / 2 else None


class BandGuard:
    """Warns of recordings that a model at ``rate`` (Hz) hears worse than those it was trained on; the first of a kind is named."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._said: set[str] = set()

    def look(self, name: str, file_rate: int, samples: np.ndarray) -> None:
        """Look at a recording of ``file_rate`` (Hz): the first samples (S,) that the model hears of it, at its own rate."""
        if not samples.any():
            self._say("silent", f"{name}: silence, every sample is 0")
        elif file_rate < self._rate:
            self._say("rate", f"{name}: recorded at {file_rate} Hz, the model was trained on {self._rate} Hz: expect more errors")
        elif (limit := empty_above(samples, self._rate)) is not None:
            self._say(
                "band",
                f"{name}: nothing above {limit:.0f} Hz, as after a telephone or a low sampling rate; the model was trained on "
                f"{self._rate} Hz: expect more errors",
            )

    def _say(self, kind: str, message: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            logger.warning("%s (further ones are not named)", message)
