"""Decoding of networks that are asked step by step, as what they say next depends on what they have said.

A transducer (Graves 2012) says in each frame any number of tokens, then a blank, which leads to the next frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from speechrnn.decoding.greedy import Path

AHEAD = 8
"""Frames that greedy decoding looks into at once: until a token comes the network's state does not change."""


class Steps(Protocol):
    """A transducer between its frames and its search. States are those of n hypotheses; what they are is the network's affair."""

    def start(self, n: int) -> Any:
        """``n`` hypotheses before their first token."""

    def after(self, states: Any, tokens: np.ndarray) -> Any:
        """Each a token (n,) later."""

    def take(self, states: Sequence[Any], rows: np.ndarray) -> Any:
        """Some of several hypotheses, by their place when laid end to end."""

    def log_probs(self, frames: np.ndarray, states: Any) -> np.ndarray:
        """Log probabilities (n, C, K) of what is said next in frames (n, C, J), blank first."""


@dataclass(frozen=True, slots=True)
class Said:
    """The last token of a hypothesis, in which frame and how probable it was said, and what was said before."""

    token: int
    frame: int
    log_prob: float
    before: Said | None

    def path(self) -> Path:
        """All tokens; each lasts the frame it is said in."""
        said = list(_backwards(self))[::-1]
        frames = np.array([one.frame for one in said], np.int64)
        sure = np.minimum(np.exp([one.log_prob for one in said]), 1.0)
        return Path(np.array([one.token for one in said], np.int64), frames, frames + 1, sure)


def _backwards(said: Said | None) -> Iterator[Said]:
    while said is not None:
        yield said
        said = said.before


NOTHING = Path(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def greedy_transducer(frames: Sequence[np.ndarray], steps: Steps, most: int = 5) -> list[Path]:
    """The likeliest token or blank after what was said, frame after frame, of several utterances at once.

    Args:
        frames: of each utterance, as the joint network takes them, (T, J).
        steps: the network.
        most: tokens in a frame; after these the next frame is taken.
    """
    search = GreedyTransducer(steps, len(frames), most)
    search.feed(frames)
    return search.paths()


class GreedyTransducer:
    """:func:`greedy_transducer` of ``n`` utterances whose frames arrive bit by bit."""

    def __init__(self, steps: Steps, n: int, most: int = 5) -> None:
        self._steps, self._most = steps, most
        self._states = steps.start(n) if n else None
        self._said: list[Said | None] = [None] * n
        self._heard = np.zeros(n, np.int64)

    def paths(self) -> list[Path]:
        """What was said so far."""
        return [NOTHING if said is None else said.path() for said in self._said]

    def feed(self, frames: Sequence[np.ndarray]) -> None:
        """The next frames (T, J) of each utterance; T may be 0."""
        lengths = np.array([len(each) for each in frames], np.int64)
        rows = np.arange(len(frames))
        padded = np.zeros((len(frames), int(lengths.max(initial=0)) + AHEAD, frames[0].shape[1] if frames else 0), np.float32)
        for row, each in enumerate(frames):
            padded[row, : len(each)] = each
        # The frame each utterance is in, and how many tokens it has said there.
        at, count = np.zeros_like(lengths), np.zeros_like(lengths)
        while (at < lengths).any():
            window = at[:, None] + np.arange(AHEAD)
            log_probs = self._steps.log_probs(padded[rows[:, None], window], self._states)
            best = log_probs.argmax(-1)
            speaks = (best != 0) & (window < lengths[:, None])
            speaks[:, 0] &= count < self._most
            first = np.where(speaks.any(1), speaks.argmax(1), AHEAD)
            at = np.minimum(at + first, lengths)
            who = np.flatnonzero(first < AHEAD)
            tokens = best[who, first[who]]
            count = np.where(first > 0, 0, count)
            count[who] += 1
            for one, token, log_prob in zip(who, tokens, log_probs[who, first[who], tokens], strict=True):
                self._said[one] = Said(int(token), int(self._heard[one] + at[one]), float(log_prob), self._said[one])
            if len(who):
                after = self._steps.after(self._steps.take([self._states], who), tokens)
                order = rows.copy()
                order[who] = len(rows) + np.arange(len(who))
                self._states = self._steps.take([self._states, after], order)
        self._heard += lengths


@dataclass(frozen=True, slots=True)
class Heard:
    """A reading of an utterance: its tokens, each in the frame where it was most probably said, and its log probability, summed
    over alignments."""

    path: Path
    score: float


def beam_transducer(
    frames: np.ndarray, steps: Steps, beam: int, threshold: float = math.inf, nbest: int = 1, most: int = 5
) -> list[Heard]:
    """Beam search frame by frame (Saon et al. 2020): hypotheses with the same tokens are one, their probabilities summed.

    Args:
        frames: as the joint network takes them, (T, J).
        steps: the network.
        beam: hypotheses kept after each frame, and after each token in a frame.
        threshold: hypotheses so many nats below the best of a frame are dropped.
        nbest: readings returned, best first.
        most: tokens in a frame.
    """
    if not len(frames):
        return [Heard(NOTHING, 0.0)]
    tree = _Tree()
    beams = _Beam([0], [None], np.zeros(1), steps.start(1))
    for t, frame in enumerate(frames):
        beams = _frame(tree, steps, beams, frame, t, beam, threshold, most)
    order = np.argsort(-beams.scores, kind="stable")[:nbest]
    found = ((beams.said[i], float(beams.scores[i])) for i in order)
    return [Heard(NOTHING if said is None else said.path(), score) for said, score in found]


@dataclass(slots=True)
class _Beam:
    """Hypotheses: their token sequences, how these were most probably said, log probabilities (n,) and states."""

    nodes: list[int]
    said: list[Said | None]
    scores: np.ndarray
    states: Any


class _Tree:
    """Token sequences by number; 0 is the empty one."""

    def __init__(self) -> None:
        self._children: dict[tuple[int, int], int] = {}

    def child(self, node: int, token: int) -> int:
        """The sequence that is one token longer."""
        return self._children.setdefault((node, token), len(self._children) + 1)


class _Ended:
    """Hypotheses that have left a frame by a blank, those of the same tokens as one."""

    def __init__(self) -> None:
        self.score: dict[int, float] = {}
        self.likeliest: dict[int, tuple[float, Said | None, int]] = {}
        """By sequence: the most probable of those that were summed, and the place of its state."""

    def add(self, node: int, score: float, said: Said | None, place: int) -> None:
        """Count one in."""
        self.score[node] = float(np.logaddexp(self.score.get(node, -math.inf), score))
        if node not in self.likeliest or score > self.likeliest[node][0]:
            self.likeliest[node] = score, said, place

    def floor(self, beam: int, threshold: float) -> float:
        """What a hypothesis must reach to count."""
        scores = sorted(self.score.values(), reverse=True)
        return max(scores[0] - threshold, scores[beam - 1] if len(scores) >= beam else -math.inf)


def _frame(tree: _Tree, steps: Steps, now: _Beam, frame: np.ndarray, t: int, beam: int, threshold: float, most: int) -> _Beam:
    """Hypotheses before a frame to those after it."""
    ended = _Ended()
    parts: list[Any] = []
    places = 0
    for count in range(most + 1):
        log_probs = steps.log_probs(np.tile(frame, (len(now.nodes), 1, 1)), now.states)[:, 0]
        for row, score in enumerate(now.scores + log_probs[:, 0]):
            ended.add(now.nodes[row], float(score), now.said[row], places + row)
        parts.append(now.states)
        places += len(now.nodes)
        scores = now.scores[:, None] + log_probs[:, 1:]
        chosen = np.argsort(-scores, axis=None, kind="stable")[:beam]
        chosen = chosen[scores.ravel()[chosen] > ended.floor(beam, threshold)]
        if count == most or not len(chosen):
            break
        rows, tokens = chosen // scores.shape[1], chosen % scores.shape[1] + 1
        now = _Beam(
            [tree.child(now.nodes[row], token) for row, token in zip(rows.tolist(), tokens.tolist(), strict=True)],
            [
                Said(token, t, float(log_probs[row, token]), now.said[row])
                for row, token in zip(rows.tolist(), tokens.tolist(), strict=True)
            ],
            scores.ravel()[chosen],
            steps.after(steps.take([now.states], rows), tokens),
        )
    floor = ended.floor(beam, threshold)
    kept = sorted((node for node, score in ended.score.items() if score >= floor), key=lambda node: -ended.score[node])[:beam]
    likeliest = [ended.likeliest[node] for node in kept]
    return _Beam(
        kept,
        [said for _, said, _ in likeliest],
        np.array([ended.score[node] for node in kept]),
        steps.take(parts, np.array([place for _, _, place in likeliest], np.int64)),
    )
