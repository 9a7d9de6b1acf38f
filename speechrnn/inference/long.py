"""Log posteriors of one recording of any length, in memory that does not grow with it.

A bidirectional network, and one that attends to the whole of an utterance, hears each stretch between two pauses by itself, as
the utterances it has learned from; of a bidirectional one a stretch longer than a window is read in overlapping windows. Any
other reads on from block to block. Either way the
frames lie on the grid of the whole: where a pause is left out stand blanks, with a word boundary among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from speechrnn.features.normalization import Statistics
from speechrnn.inference.network import Network, NetworkStream
from speechrnn.inference.pauses import hop_seconds, levels, stretches
from speechrnn.inference.sound import Sound

Finder = Callable[[Sound], list[tuple[float, float]]]
"""A recording to the stretches of speech in it, start and end in s."""


def between_pauses(sound: Sound) -> list[tuple[float, float]]:
    """The stretches between pauses, by level."""
    return stretches(levels(sound.blocks(), sound.model_rate), hop_seconds(sound.model_rate))


def long_posteriors(
    network: Network, sound: Sound, moments: np.ndarray | None = None, find: Finder | None = None
) -> Iterator[np.ndarray]:
    """Parts (T, K) of a recording's log posteriors.

    A model that normalizes by utterance takes the statistics of all stretches together; that is a pass of its own.

    Args:
        network: any.
        sound: the recording.
        moments: of its speaker, (2, F), where the model normalizes by speaker.
        find: what stretches are heard; by default those between pauses, or all by a network that need not have heard the whole.
    """
    if find is None:
        find = between_pauses if network.reads_whole else everything
    spans = _on_grid(network, find(sound), sound.num_samples)
    if moments is None and network.normalization != "global":
        statistics = Statistics()
        for samples in _Stretches(network, sound.blocks()).of(spans):
            network.count_frames(statistics, samples)
        moments = statistics.moments() if statistics.begun else None
    position = 0
    for (first, _), samples in zip(spans, _Stretches(network, sound.blocks()).of(spans), strict=True):
        if first > position:
            yield network.pause(first - position, boundary=position > 0)
            position = first
        for part in _hear(network, samples, moments):
            yield part
            position += len(part)
    rest = network.frames(sound.num_samples) - position
    if rest > 0:
        yield network.pause(rest, boundary=False)


def everything(sound: Sound) -> list[tuple[float, float]]:
    """All of a recording as one stretch."""
    return [(0.0, sound.num_samples / sound.model_rate)]


def _hear(network: Network, samples: Iterable[np.ndarray], moments: np.ndarray | None) -> Iterator[np.ndarray]:
    """A stretch through the network."""
    if network.bidirectional:
        # One at a time: several at once are no faster on a CPU and need more memory than a recording of a minute.
        yield from network.windows.stitch(samples, lambda window: network.window(window, moments))
        return
    stream = NetworkStream(network, moments)
    for block in samples:
        yield stream.feed(block)
    yield stream.finish()


def _on_grid(network: Network, found: list[tuple[float, float]], num_samples: int) -> list[tuple[int, int]]:
    """Stretches (s) as encoder frames, from, to (exclusive), with at least one frame between two of them."""
    total = network.frames(num_samples)
    spans: list[tuple[int, int]] = []
    for start, end in found:
        first = max(int(start / network.frame_shift), spans[-1][1] + 1 if spans else 0)
        last = min(-int(-end // network.frame_shift), total)
        if last > first:
            spans.append((first, last))
    return spans


class _Stretches:
    """Cuts stretches out of blocks that are read once."""

    def __init__(self, network: Network, blocks: Iterable[np.ndarray]) -> None:
        self._step, self._margin = network.windows.step, network.windows.margin
        self._blocks = iter(blocks)
        self._held = np.zeros(0, np.float32)
        self._start = 0
        """Number of the first sample held."""

    def of(self, spans: Iterable[tuple[int, int]]) -> Iterator[Iterator[np.ndarray]]:
        """The samples of each stretch of frames, in blocks (S,); each is to be taken before the next."""
        for first, last in spans:
            yield self._between(first * self._step, last * self._step + self._margin)

    def _between(self, start: int, end: int) -> Iterator[np.ndarray]:
        while start < end:
            while self._start + len(self._held) <= start:
                self._start += len(self._held)
                block = next(self._blocks, None)
                if block is None:
                    return
                self._held = block
            part = self._held[start - self._start : end - self._start]
            start += len(part)
            # The last frame of a stretch reaches into the frame after it, where the next one may begin.
            keep = max(start - self._margin - self._start, 0)
            self._held, self._start = self._held[keep:], self._start + keep
            yield part
