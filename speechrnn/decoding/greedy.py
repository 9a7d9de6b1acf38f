"""Greedy CTC decoding: the best symbol of each frame, repeats merged, blanks removed. Graves et al. (2006)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from speechrnn.records import Token, Word


@dataclass(frozen=True, slots=True)
class Path:
    """A decoded path: for each of L symbols its id, first frame, frame after its last, and confidence.

    A confidence is the highest posterior over the symbol's frames, until it is calibrated. The mean over them tells right from
    wrong less well: it is low where a symbol merely begins or ends slowly (docs/tuning.md).
    """

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    confidences: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def greedy(log_probs: np.ndarray) -> Path:
    """Decode log posteriors (T, K), blank first."""
    best = log_probs.argmax(-1) if len(log_probs) else np.zeros(0, np.int64)
    change = np.flatnonzero(np.diff(best, prepend=-1))
    ends = np.append(change[1:], len(best)).astype(np.int64)
    spoken = best[change] != 0
    starts, ends = change[spoken], ends[spoken]
    ids = best[starts]
    # A run's highest posterior, for runs of blank as well, which are then passed over.
    highest = np.maximum.reduceat(log_probs.max(-1), change)[spoken] if len(best) else np.zeros(0)
    return Path(ids, starts, ends, np.minimum(np.exp(highest.astype(np.float64)), 1.0))


def blank_share(log_probs: np.ndarray) -> float:
    """Share of the frames (T, K) whose best symbol is the blank."""
    return float((log_probs.argmax(-1) == 0).mean()) if len(log_probs) else 0.0


def to_tokens(
    path: Path, symbols: tuple[str, ...], frame_shift: float, offset: float = 0.0, duration: float = math.inf
) -> tuple[Token, ...]:
    """Tokens with times in s: frame t covers [t, t + 1) * frame_shift, counted from ``offset``, within the recording.

    CTC is peaky: a token's span is where the network names it, often shorter than the sound and late in it.
    """
    last = math.floor(duration * 1000) / 1000 if math.isfinite(duration) else duration

    def at(frame: int) -> float:
        return min(max(round(offset + frame * frame_shift, 3), 0.0), last)

    return tuple(
        Token(symbols[i], at(start), at(end), round(float(confidence), 4))
        for i, start, end, confidence in zip(path.ids, path.starts, path.ends, path.confidences, strict=True)
    )


def to_words(
    tokens: tuple[Token, ...], words: tuple[tuple[str, int, int], ...], confidences: Sequence[float] = ()
) -> tuple[Word, ...]:
    """Words of tokens from index to index (exclusive): start of the first, end of the last.

    Without ``confidences``, one a word, a word is as sure as the least sure of its tokens.
    """
    sure = confidences or [min(token.confidence for token in tokens[first:last]) for _, first, last in words]
    return tuple(
        Word(text, tokens[first].start, tokens[last - 1].end, round(float(confidence), 4))
        for (text, first, last), confidence in zip(words, sure, strict=True)
    )
