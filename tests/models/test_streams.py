"""Streams in chunks: no token is lost or read twice, and rows stay where they are until they leave."""

from __future__ import annotations

import numpy as np
import pytest

from speechrnn.models.streams import BEGIN, END, PADDING, Stream, chunks


def streams(*lengths: int, seed: int = 0) -> list[Stream]:
    rng = np.random.default_rng(seed)
    return [Stream(rng.integers(3, 90, length), rng.integers(3, 90, length)) for length in lengths]


@pytest.mark.parametrize("length", [1, 4, 5, 7, 100])
def test_ragged_tails_lose_nothing(length: int) -> None:
    given = streams(12, 3, 20, 4, 1, 20, 5)
    ordered = sorted(given, key=len, reverse=True)
    inputs: list[list[int]] = [[] for _ in given]
    targets: list[list[int]] = [[] for _ in given]
    before = len(given)
    for chunk in chunks(given, length):
        assert chunk.inputs.shape == chunk.targets.shape
        assert len(chunk.inputs) <= before
        before = len(chunk.inputs)
        real = chunk.targets != PADDING
        # Padding only trails, and a row that has any has left the next chunk.
        assert (np.diff(real.astype(int), axis=1) <= 0).all()
        for row in range(len(real)):
            inputs[row] += chunk.inputs[row, real[row]].tolist()
            targets[row] += chunk.targets[row, real[row]].tolist()
            assert real[row].all() or len(inputs[row]) == len(ordered[row])
    assert inputs == [stream.inputs.tolist() for stream in ordered]
    assert targets == [stream.targets.tolist() for stream in ordered]


def test_sentences_are_joined_without_foretelling_a_beginning() -> None:
    stream = Stream.of(np.array([5]), np.array([], np.int64), np.array([6, 7]))
    assert stream.inputs.tolist() == [BEGIN, 5, BEGIN, BEGIN, 6, 7]
    assert stream.targets.tolist() == [5, END, END, 6, 7, END]


def test_nothing_makes_no_chunk() -> None:
    assert list(chunks([], 3)) == []
