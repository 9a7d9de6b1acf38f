"""How sure a word or token is: from its posterior to the probability that it is right.

A network is surer of itself than it should be. What it says is put right by a monotone map of two numbers, fitted on dev to which
words were right: Platt, "Probabilistic outputs for support vector machines", 1999, in the form of Lin, Lin and Weng, "A note on
Platt's probabilistic outputs", Machine Learning 68, 2007.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from speechrnn.errors import UsageError

if TYPE_CHECKING:
    from speechrnn.decoding.greedy import Path

LEAST = 10
"""Right ones, and wrong ones, without which nothing is fitted."""
_EDGE = 1e-6
"""Confidences are kept so far from 0 and 1, where their logit is infinite."""
_STEPS = 100


@dataclass(frozen=True)
class Calibration:
    """A monotone map from confidence to confidence: logit(q) = slope * logit(p) + offset."""

    slope: float
    """0 or more: what was surer stays surer. Below 1: the network is too sure of itself."""
    offset: float
    """In nats."""

    def __post_init__(self) -> None:
        if not 0 <= self.slope < math.inf or not math.isfinite(self.offset):
            raise UsageError(f"a calibration with slope {self.slope} and offset {self.offset}", "a slope of 0 or more")

    def __call__(self, confidences: np.ndarray) -> np.ndarray:
        """Confidences (N,) as probabilities of being right (N,)."""
        return _sigmoid(self.slope * logit(confidences) + self.offset)


@dataclass(frozen=True)
class Calibrations:
    """How words and tokens are calibrated; without one they stay as they are."""

    words: Calibration | None = None
    tokens: Calibration | None = None

    def apply(self, path: Path, words: Sequence[tuple[str, int, int]]) -> tuple[Path, tuple[float, ...]]:
        """A decoded path with its confidences, and those of its words: symbols from index to index (exclusive).

        A word is as sure as its least sure token, before it is calibrated.
        """
        least = np.array([path.confidences[first:last].min() for _, first, last in words], np.float64)
        sure = least if self.words is None else self.words(least)
        known = path if self.tokens is None else replace(path, confidences=self.tokens(path.confidences))
        return known, tuple(sure.tolist())


def logit(confidences: np.ndarray) -> np.ndarray:
    """Log odds (N,) of probabilities (N,), finite also for 0 and 1."""
    p = np.clip(np.asarray(confidences, np.float64), _EDGE, 1 - _EDGE)
    odds: np.ndarray = np.log(p) - np.log1p(-p)
    return odds


def fit(confidences: np.ndarray, right: np.ndarray) -> Calibration | None:
    """The likeliest calibration, given which words or tokens were right.

    Targets are drawn in a little from 0 and 1, as Platt does: with N right ones, (N + 1) / (N + 2), so that data which one
    threshold parts leave the slope finite. Newton's method; a negative slope becomes 0.

    Args:
        confidences: raw, (N,).
        right: bool, (N,).

    Returns:
        None where fewer than ``LEAST`` are right, or wrong.
    """
    right = np.asarray(right, bool)
    n_right, n_wrong = int(right.sum()), int((~right).sum())
    if min(n_right, n_wrong) < LEAST:
        return None
    targets = np.where(right, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))
    x = logit(confidences)
    slope, offset = _newton(np.stack([x, np.ones_like(x)]), targets, np.array([0.0, math.log((n_right + 1) / (n_wrong + 1))]))
    if slope < 0:
        share = float(targets.mean())
        slope, offset = 0.0, math.log(share / (1 - share))
    return Calibration(round(float(slope), 6), round(float(offset), 6))


def _newton(inputs: np.ndarray, targets: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The minimum of the cross entropy of targets (N,) with inputs (2, N), from where ``found`` stands; steps are halved
    where they do not lead down."""
    loss = _cross_entropy(inputs, targets, found)
    for _ in range(_STEPS):
        p = _sigmoid(found @ inputs)
        gradient = inputs @ (p - targets)
        if np.abs(gradient).max() < 1e-7 * len(targets):
            break
        hessian = (inputs * (p * (1 - p))) @ inputs.T + 1e-12 * np.eye(len(found))
        step = np.linalg.solve(hessian, gradient)
        scale = 1.0
        while scale > 1e-10 and _cross_entropy(inputs, targets, found - scale * step) > loss:
            scale /= 2
        found = found - scale * step
        loss = _cross_entropy(inputs, targets, found)
    return found


def _cross_entropy(inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
    z = weights @ inputs
    return float((np.logaddexp(0.0, z) - targets * z).sum())


def _sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), without overflow."""
    value: np.ndarray = np.exp(-np.logaddexp(0.0, -z))
    return value
