"""Ratios, not seconds: both sides are timed in turn within one run, so that a busy machine slows them alike."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """One line of the benchmark: the median of ours over the median of the yardstick, in seconds, and the bound promised."""

    name: str
    ours: float
    yardstick: float
    bound: float

    @property
    def value(self) -> float:
        """Ours over the yardstick."""
        return self.ours / self.yardstick


def alternate(name: str, ours: Callable[[], None], yardstick: Callable[[], None], bound: float, rounds: int = 7) -> Ratio:
    """Time two actions in turn, after one round that does not count."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for action, kept in zip((ours, yardstick), times, strict=True):
            begun = time.perf_counter()
            action()
            if number:
                kept.append(time.perf_counter() - begun)
    return Ratio(name, statistics.median(times[0]), statistics.median(times[1]), bound)


def command(*words: str) -> Callable[[], None]:
    """An action that runs a command to its end."""

    def run() -> None:
        subprocess.run(words, check=True, capture_output=True)

    return run


def python(code: str) -> Callable[[], None]:
    """An action that runs code in a fresh interpreter."""
    return command(sys.executable, "-c", code)


def peak_mib() -> float:
    """The most memory that this process has held so far."""
    # Linux counts in KiB, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
