"""How the ladder of hidden Markov models is climbed."""

from __future__ import annotations

from dataclasses import dataclass, field

from speechrnn.errors import UsageError

RUNGS = ("mono", "tri", "lda", "sat")
"""Monophones; tied triphones; these over LDA and MLLT; these trained speaker-adaptively (fMLLR)."""


@dataclass(frozen=True)
class MonoOptions:
    """``ladder.mono:``."""

    gaussians: int = 1000
    iterations: int = 40
    power: float = 0.25


@dataclass(frozen=True)
class TiedOptions:
    """``ladder.tri:``, ``ladder.lda:``, ``ladder.sat:``."""

    gaussians: int = 2000
    """Gaussians of all states together."""
    iterations: int = 35
    """Estimations of the Gaussians."""
    least_gain: float = 1500.0
    """Nats that a question must gain: fewer make more tied states."""
    most_states: int = 10000
    power: float = 0.25


@dataclass(frozen=True)
class LadderOptions:
    """``ladder:``."""

    mono: MonoOptions = field(default_factory=MonoOptions)
    tri: TiedOptions = field(default_factory=TiedOptions)
    lda: TiedOptions = field(default_factory=TiedOptions)
    sat: TiedOptions = field(default_factory=TiedOptions)
    silence_gaussians: int = 10
    """Most Gaussians of a state of silence."""
    context: int = 4
    dims: int = 40
