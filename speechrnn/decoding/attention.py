"""Searches through a decoder with attention: it writes token by token until it says that it has ended.

Beam search beside CTC as in Watanabe et al. (2017): each hypothesis counts by a weighted sum of what the decoder and what CTC's
prefixes hold of it. Both only fall while it grows, so the search may stop as soon as a reading that has ended is better than all
that go on. Without CTC, which tells when all is said, the likeliest reading is too often one of few tokens or none (Cho et al.
2014); there readings count by their mean over tokens, the end among them, and the search stops when as many have ended as the beam
holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from speechrnn.decoding.greedy import Path
from speechrnn.decoding.neural import NOTHING, Heard, Said
from speechrnn.decoding.prefixes import Prefixes
from speechrnn.decoding.viterbi import align

MOST = 2
"""Tokens that are written for a frame at most: a decoder that has lost its way repeats itself without end. A translation may need
more than one, where CTC would have too few frames."""


@runtime_checkable
class Steps(Protocol):
    """A decoder with attention between what is heard and its search. States are those of n hypotheses."""

    @property
    def hears_ctc(self) -> bool:
        """Whether CTC was trained beside it."""

    def begin(self, frames: Sequence[np.ndarray]) -> Any:
        """One for each recording (T, W), before its first token."""

    def step(self, states: Any, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any]:
        """After tokens (n,), 0 at the beginning: log probabilities (n, K) of the next, 0 for the end; where it is looked for in
        the frames (n, T), which sums to 1; the states after."""

    def take(self, states: Any, rows: np.ndarray) -> Any:
        """Some of the hypotheses."""

    def ctc(self, frames: np.ndarray) -> np.ndarray | None:
        """CTC's log posteriors (T, K) of frames (T, W), where it was trained."""


def _laid(said: Said | None, ctc: np.ndarray | None) -> Path:
    """What was written, where CTC hears it if it does; else where it was looked for, no token before the one before it."""
    if said is None:
        return NOTHING
    path = said.path()
    found = align(ctc, path.ids) if ctc is not None else None
    if found is not None and found[1] > -math.inf:
        return replace(path, starts=found[0].starts, ends=found[0].ends)
    starts = np.maximum.accumulate(path.starts)
    return replace(path, starts=starts, ends=starts + 1)


def greedy_attention(frames: Sequence[np.ndarray], steps: Steps) -> list[Path]:
    """The likeliest token after what was written, until the likeliest is the end, of several recordings (T, W) at once.

    At most ``MOST`` tokens a frame are written.
    """
    written: list[Said | None] = [None] * len(frames)
    lengths = np.array([len(each) for each in frames], np.int64)
    open_ = np.flatnonzero(lengths)
    if len(open_):
        states = steps.begin([each for each in frames if len(each)])
        tokens = np.zeros(len(open_), np.int64)
        for count in range(MOST * lengths.max()):
            log_probs, looked, states = steps.step(states, tokens)
            tokens, places = log_probs.argmax(-1), looked.argmax(-1)
            going = np.flatnonzero((tokens != 0) & (count < MOST * lengths[open_]))
            for row in going:
                i, token = open_[row], int(tokens[row])
                written[i] = Said(token, int(places[row]), float(log_probs[row, token]), written[i])
            if not len(going):
                break
            if len(going) < len(open_):
                states, open_, tokens = steps.take(states, going), open_[going], tokens[going]
    return [_laid(one, steps.ctc(each)) for one, each in zip(written, frames, strict=True)]


def beam_attention(
    frames: np.ndarray, steps: Steps, beam: int, threshold: float = math.inf, nbest: int = 1, ctc_weight: float = 0.0
) -> list[Heard]:
    """Beam search token by token.

    Args:
        frames: what is heard (T, W).
        steps: the decoder.
        beam: hypotheses kept after each token.
        threshold: hypotheses so many nats below the best of their length are dropped.
        nbest: readings returned, best first; scores are the weighted sums, without CTC nats a token.
        ctc_weight: weight of CTC's probability, 1 - this that of the decoder's; without effect where CTC was not trained.
    """
    if not len(frames):
        return [Heard(NOTHING, 0.0)]
    ctc = steps.ctc(frames)
    weight = 0.0 if ctc is None else ctc_weight
    prefixes = None if ctc is None or not weight else Prefixes.start(ctc)
    ended: list[tuple[float, Said | None]] = []
    live: list[Said | None] = [None]
    scores, states, n_ended = np.zeros(1), steps.begin([frames]), 0
    tokens = np.zeros(1, np.int64)
    for count in range(MOST * len(frames) + 1):
        log_probs, looked, states = steps.step(states, tokens)
        said = scores[:, None] + log_probs.astype(np.float64)
        total = said
        if prefixes is not None:
            heard = prefixes.grown()
            heard[:, 0] = prefixes.ended()
            # A decoder's certainty of 0 times a weight of 0 is no number.
            total = weight * heard + ((1 - weight) * said if weight < 1 else 0.0)
        on, last = total[:, 1:].ravel(), count == MOST * len(frames)
        chosen = np.argsort(-on, kind="stable")[:beam]
        chosen = chosen[(on[chosen] > -math.inf) & (on[chosen] >= on[chosen[:1]] - threshold)]
        end = total[:, 0]
        if prefixes is None:
            # An end counts where it is among the best of its length, as what goes on does.
            floor = -math.inf if last or not len(chosen) else on[chosen[-1]] if len(chosen) == beam else on[chosen[0]] - threshold
            ends = np.flatnonzero(end >= floor)
            ended += [(float(end[row]) / (count + 1), live[row]) for row in ends]
            n_ended += len(ends)
        else:
            ended += zip(end.tolist(), live, strict=True)
        ended.sort(key=lambda one: -one[0])
        del ended[nbest:]
        if prefixes is not None and len(ended) == nbest:
            chosen = chosen[on[chosen] > ended[-1][0]]
        if not len(chosen) or last or n_ended >= beam:
            break
        rows, tokens = chosen // (total.shape[1] - 1), chosen % (total.shape[1] - 1) + 1
        live = [
            Said(int(token), int(looked[row].argmax()), float(log_probs[row, token]), live[row])
            for row, token in zip(rows, tokens, strict=True)
        ]
        scores, states = said[rows, tokens], steps.take(states, rows)
        prefixes = prefixes.take(rows, tokens) if prefixes is not None else None
    return [Heard(_laid(one, ctc), score) for score, one in ended]
