"""How far the boundaries of two alignments of the same speech lie apart."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from speechrnn.scoring.align import NAMES, steps

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 1000
SEED = 20_040_517
WITHIN_MS = (10, 20, 50)
"""Shares of boundaries at most so far apart are told."""
SILENCES = frozenset({"", "sil", "sp", "spn", "<sil>", "<eps>", "<blank>", "<p:>", "<space>", "_", "#"})
"""Labels of pauses, as aligners write them, in lower case: between two of them nothing is compared."""


class Span(Protocol):
    """A labelled stretch: a token, a word."""

    @property
    def text(self) -> str:
        """Its label."""

    @property
    def start(self) -> float:
        """Seconds."""

    @property
    def end(self) -> float:
        """Seconds, exclusive."""


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """The labels that two alignments share.

    Attributes:
        starts, ends: second minus first alignment (s), float64, shape (N,).
        utterance: index of each pair's utterance, int64, shape (N,).
        only_a, only_b: labels without a partner.
    """

    starts: np.ndarray
    ends: np.ndarray
    utterance: np.ndarray
    only_a: int
    only_b: int


@dataclass(frozen=True, slots=True)
class Distance:
    """How far boundaries lie apart; times in ms.

    Attributes:
        count: boundaries compared.
        offset: median of second minus first: above 0 the second alignment is late.
        median: of the absolute differences.
        low, high: its 95 % interval, utterances drawn 1000 times.
        centered: median absolute difference from the offset: what is left when a constant delay is taken off.
        within: percent of the differences that are at most 10, 20 and 50 ms.
    """

    count: int
    offset: float
    median: float
    low: float
    high: float
    centered: float
    within: tuple[float, ...]


def pair(a: Sequence[Sequence[Span]], b: Sequence[Sequence[Span]]) -> Paired:
    """Lay the labels of each utterance's two alignments over each other; only equal labels are paired.

    Pauses are passed over; case and Unicode form make no difference. Where labels differ, as few as possible stay alone.
    """
    import numpy as np

    found: list[tuple[float, float, int]] = []
    alone = [0, 0]
    for number, (first, second) in enumerate(zip(a, b, strict=True)):
        ours, theirs = _spoken(first), _spoken(second)
        i = j = 0
        for step in steps([_key(span) for span in ours], [_key(span) for span in theirs]):
            kind = NAMES[step]
            if kind == "match":
                found.append((theirs[j].start - ours[i].start, theirs[j].end - ours[i].end, number))
            alone[0] += kind in ("deletion", "substitution")
            alone[1] += kind in ("insertion", "substitution")
            i += kind != "insertion"
            j += kind != "deletion"
    table = np.array(found, np.float64).reshape(-1, 3)
    return Paired(table[:, 0], table[:, 1], table[:, 2].astype(np.int64), *alone)


def distance(differences: np.ndarray, utterance: np.ndarray) -> Distance:
    """Summary of differences (s), shape (N,), N above 0, that belong to utterances (N,)."""
    import numpy as np

    ms = 1000 * differences
    size = np.abs(ms)
    low, high = np.percentile(_resampled_medians(size, utterance), [2.5, 97.5])
    offset = float(np.median(ms))
    # Times of whole milliseconds lie on the limits themselves; an error of rounding must not decide.
    within = tuple(float(100 * np.mean(size <= limit + 1e-6)) for limit in WITHIN_MS)
    centered = float(np.median(np.abs(ms - offset)))
    return Distance(len(ms), offset, float(np.median(size)), float(low), float(high), centered, within)


def _resampled_medians(size: np.ndarray, utterance: np.ndarray) -> np.ndarray:
    """Medians (of the lower kind) of sizes, utterances drawn anew with replacement."""
    import numpy as np

    owners, owner = np.unique(utterance, return_inverse=True)
    order = np.argsort(size, kind="stable")
    size, owner = size[order], owner[order]
    generator = np.random.default_rng(SEED)
    medians = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        drawn = np.bincount(generator.integers(len(owners), size=len(owners)), minlength=len(owners))
        below = np.cumsum(drawn[owner])
        medians[number] = size[np.searchsorted(below, below[-1] / 2)]
    return medians


def _spoken(spans: Sequence[Span]) -> list[Span]:
    return [span for span in spans if _key(span) not in SILENCES]


def _key(span: Span) -> str:
    return unicodedata.normalize("NFC", span.text).strip().casefold()
