"""Recordings that hold less than a model was trained on: a low rate, a telephone's band at a high rate, nothing at all."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger("speechrnn")

EMPTY = 1e-8
"""Power over that of the strongest band (-80 dB) below which a band is empty: rooms and microphones stay far above."""
FULL = 0.75
"""Share of the band that has to be used; codecs and anti-aliasing filters take less than the rest."""
ACTIVE = 0.1
"""Share of the mean power above which a frame is no pause."""
LEVELS = 1, 99
"""Percent of the recordings trained on that are fainter than the least level a model counts as known, and than the greatest."""
MARGIN = 6.0
"""Decibels beyond these that are not worth a word: no test recording of AN4, Mboshi, FSDD and yesno is so far from its train."""
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


def level_db(samples: np.ndarray) -> float | None:
    """The mean power of samples (S,) where there is no pause, in dB, 0 at full scale; ``None`` where there is nothing.

    Simpler than ITU-T P.56 (active speech level), to the same end: pauses, however long, have no part in it.
    """
    import numpy as np

    frames = samples[: min(len(samples), _LOOKED_AT) // _SIZE * _SIZE].reshape(-1, _SIZE)
    power = np.square(frames, dtype=np.float64).mean(1)
    if not power.any():
        return None
    return 10 * math.log10(power[power >= ACTIVE * power.mean()].mean())


class BandGuard:
    """Warns of recordings that a model hears worse than those it was trained on; the first of a kind is named.

    Args:
        rate: the model's, Hz.
        levels_db: the least and the greatest :func:`level_db` it knows, where it takes loudness as it is.
    """

    def __init__(self, rate: int, levels_db: tuple[float, float] | None = None) -> None:
        self._rate = rate
        self._least, self._most = levels_db or (-math.inf, math.inf)
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
        elif (level := level_db(samples)) is not None:
            for kind, by in (("quieter", self._least - level), ("louder", level - self._most)):
                if by > MARGIN:
                    self._say(
                        kind,
                        f"{name}: {by:.0f} dB {kind} than what the model was trained on, which takes loudness as it is: "
                        f"expect more errors; make it {'louder' if kind == 'quieter' else 'quieter'} first",
                    )

    def _say(self, kind: str, message: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            logger.warning("%s (further ones are not named)", message)
