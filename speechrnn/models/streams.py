"""Token sequences in chunks of equal length, so that a network's state can be carried from one to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

UNKNOWN, BEGIN, END = 0, 1, 2
"""Ids of ``<unk>``, ``<s>`` and ``</s>`` in every language model."""
PADDING = -1
"""Target behind a stream's end."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """What a network reads and what it is to foretell, token by token.

    Attributes:
        inputs: ids (L,).
        targets: ids (L,), each of the token after the input.
    """

    inputs: np.ndarray
    targets: np.ndarray

    @classmethod
    def of(cls, *sentences: np.ndarray) -> Stream:
        """Sentences (ids, without begin and end) one after the other: ``<s>`` is never foretold, ``</s>`` never read.

        >>> stream = Stream.of(np.array([5, 6]), np.array([7]))
        >>> stream.inputs.tolist(), stream.targets.tolist()
        ([1, 5, 6, 1, 7], [5, 6, 2, 7, 2])
        """
        begin, end = np.array([BEGIN], np.int64), np.array([END], np.int64)
        inputs = [part for sentence in sentences for part in (begin, sentence)]
        targets = [part for sentence in sentences for part in (sentence, end)]
        return cls(np.concatenate(inputs).astype(np.int64), np.concatenate(targets).astype(np.int64))

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """The same stretch of several streams.

    Attributes:
        inputs: ids (R, L), 0 behind a stream's end.
        targets: ids (R, L), :data:`PADDING` there.
    """

    inputs: np.ndarray
    targets: np.ndarray


def chunks(streams: Sequence[Stream], length: int) -> Iterator[Chunk]:
    """Cut streams every ``length`` tokens; the longest stream is the first row, and a stream that has ended leaves.

    The rows of a chunk are the first rows of the chunk before, so its states are those rows' states. A stream whose end lies within
    a chunk is padded behind it and has left the next one: no state that has seen padding is carried on.
    """
    ordered = sorted(streams, key=len, reverse=True)
    for start in range(0, len(ordered[0]) if ordered else 0, length):
        running = [stream for stream in ordered if len(stream) > start]
        shape = len(running), min(length, len(running[0]) - start)
        inputs, targets = np.zeros(shape, np.int64), np.full(shape, PADDING, np.int64)
        for row, stream in enumerate(running):
            part = slice(start, min(start + length, len(stream)))
            inputs[row, : part.stop - start] = stream.inputs[part]
            targets[row, : part.stop - start] = stream.targets[part]
        yield Chunk(inputs, targets)
