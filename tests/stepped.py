"""A transducer whose next words are planted, for searches."""

from __future__ import annotations

import itertools

import numpy as np


class Planted:
    """What is said next is a random function of the history and the frame, whose only value is its number."""

    def __init__(self, n_tokens=4, seed=0, blank=1.0):
        self.n_tokens, self.seed, self.blank = n_tokens, seed, blank
        self.asked = 0

    def one(self, frame, history):
        draw = np.random.default_rng([self.seed, int(frame), *history, 99])
        logits = 2 * draw.standard_normal(self.n_tokens) + self.blank * (np.arange(self.n_tokens) == 0)
        return logits - np.logaddexp.reduce(logits)

    def start(self, n):
        return [()] * n

    def after(self, states, tokens):
        self.asked += len(states)
        return [(*history, int(token)) for history, token in zip(states, tokens, strict=True)]

    def take(self, states, rows):
        every = list(itertools.chain(*states))
        return [every[row] for row in rows]

    def log_probs(self, frames, states):
        assert len(frames) == len(states)
        return np.array([[self.one(frame[0], history) for frame in row] for row, history in zip(frames, states, strict=True)])


def numbered(length, first=0):
    return first + np.arange(length, dtype=np.float32)[:, None]
