"""What the page shows of some utterances beside their texts: sound, spectrogram, posteriors over time."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from speechrnn.reports.png import LEVELS, grey_png
from speechrnn.scoring.results import Evaluation

if TYPE_CHECKING:
    import numpy as np

    from speechrnn.records import Posteriors

WORST, RANDOM = 100, 50
"""Utterances shown in detail: those with the most errors, and some of the others, drawn with a fixed seed."""
SECONDS = 1200.0
"""Of sound at most, so that a page stays small: about 8 MB."""
SEED = 20_040_517
BANDS = 64
"""Rows of a spectrogram."""
TOP_HZ = 8_000.0
RANGE_DB = 60.0
"""What is so far below the loudest point is as light as silence."""
WINDOW_S, SHIFT_S = 0.016, 0.01
_SEEN, _KEPT = 0.1, 0.05
"""A token is drawn where its posterior reaches the first somewhere, and there where it is above the second."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A token's posterior over time.

    Attributes:
        token: as in ``tokens.txt``.
        points: (seconds from the start of the utterance, probability), in order of time; what lies between stretches is 0.
    """

    token: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """One utterance.

    Attributes:
        duration: seconds.
        spectrogram: PNG, or nothing.
        audio: MP3, or nothing.
        curves: posteriors by system; a system that has none is missing.
        why: ``worst`` or ``random``.
    """

    duration: float
    spectrogram: bytes = field(default=b"", repr=False)
    audio: bytes = field(default=b"", repr=False)
    curves: Mapping[str, tuple[Curve, ...]] = field(default_factory=dict, repr=False)
    why: str = "worst"


def choose(evaluation: Evaluation, worst: int = WORST, others: int = RANDOM, seconds: float = SECONDS) -> dict[str, str]:
    """Ids of the utterances to show in detail, each ``worst`` or ``random``.

    The worst are those with the most errors of any system by its headline rate, or with a number the furthest off, then by id; the
    random ones are drawn from the rest, right ones too. Both kinds are taken in turn, two worst to one random, until there are
    ``seconds`` of sound.
    """
    items = evaluation.systems[0].items
    by_utterance = zip(*(evaluation.errors(system) for system in evaluation.systems), strict=True)
    errors = {item.id: max(each) for item, each in zip(items, by_utterance, strict=True)}
    ranked = sorted((item for item in items if errors[item.id]), key=lambda item: (-errors[item.id], item.id))[:worst]
    shown = {item.id for item in ranked}
    rest = [item for item in items if item.id not in shown]
    drawn = random.Random(SEED).sample(rest, min(others, len(rest)))
    turns = sorted(
        [(rank / 2, "worst", item) for rank, item in enumerate(ranked)]
        + [(rank + 0.25, "random", item) for rank, item in enumerate(drawn)],
        key=lambda turn: turn[0],
    )
    chosen: dict[str, str] = {}
    left = seconds
    for _, why, item in turns:
        if item.duration <= left:
            left -= item.duration
            chosen[item.id] = why
    return chosen


def spectrogram(samples: np.ndarray, sampling_rate: int) -> bytes:
    """Power over time and frequency as PNG: 64 bands up to 8 kHz (or half the rate), 100 columns a second, loud is dark.

    Args:
        samples: float32, shape (S,).
        sampling_rate: Hz.
    """
    import numpy as np

    size, shift = round(WINDOW_S * sampling_rate), round(SHIFT_S * sampling_rate)
    padded = np.pad(samples, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[: len(samples) : shift]
    # Zeros behind a frame make the bands as fine as the picture's rows, whatever the rate.
    points = 2 ** int(np.ceil(np.log2(max(size, 4 * BANDS))))
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size + 2)[1:-1], points)))
    top = min(TOP_HZ, sampling_rate / 2)
    edges = np.round(np.linspace(0, top / sampling_rate * points, BANDS + 1)).astype(int)
    bands = np.stack([power[:, low:high].mean(axis=1) for low, high in pairwise(edges)])
    level = 10 * np.log10(bands + 1e-12)
    height = np.clip((level - level.max()) / RANGE_DB + 1, 0, 1)
    return grey_png(np.round((LEVELS - 1) * (1 - height))[::-1].astype(np.uint8))


def curves(posteriors: Posteriors) -> tuple[Curve, ...]:
    """The tokens that are likely somewhere, the blank first, then in the order of their highest points in time."""
    import numpy as np

    probabilities = np.exp(posteriors.log_probs)
    shift, offset = posteriors.frame_shift, posteriors.offset
    found = []
    for index in np.flatnonzero(probabilities.max(axis=0) >= _SEEN) if len(probabilities) else ():
        column = probabilities[:, index]
        near = np.convolve(column > _KEPT, [True, True, True], mode="same")
        points = tuple((round(float(frame * shift + offset), 3), round(float(column[frame]), 2)) for frame in np.flatnonzero(near))
        found.append((index != 0, int(column.argmax()), Curve(posteriors.tokens[index], points)))
    return tuple(curve for _, _, curve in sorted(found, key=lambda entry: entry[:2]))


def stretches(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Points in pieces, parted where more than one step of time lies between two; their drawing has no line there."""
    if len(points) < 2:
        return [list(points)] if points else []
    step = min(after[0] - before[0] for before, after in pairwise(points))
    pieces = [[points[0]]]
    for before, after in pairwise(points):
        if after[0] - before[0] > 1.5 * step:
            pieces.append([])
        pieces[-1].append(after)
    return pieces
