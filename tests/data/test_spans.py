"""Alignments as spans: what does not fit its audio is refused by name; frames take the label their middle lies in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speechrnn.data.spans import label_times, spans_of
from speechrnn.data.utterance import AlignedItem, Utterance
from speechrnn.errors import DataError
from speechrnn.features.framing import FrameGrid


def utterance(level: str, *spans: tuple[str, float, float]) -> Utterance:
    items = tuple(AlignedItem(symbol, start, end - start) for symbol, start, end in spans)
    return Utterance("u7", Path("a.wav"), 8000, 0, 8000, None, "ab", alignment={level: items})


def test_spans_come_in_order_of_time():
    found = spans_of(utterance("phone", ("b", 0.5, 0.9), ("a", 0.1, 0.5)), "phone")
    assert found == [(0.1, 0.5, "a"), (0.5, pytest.approx(0.9), "b")]


@pytest.mark.parametrize(
    ("made", "level", "message"),
    [
        (utterance("phone", ("a", 0.0, 1.2)), "phone", "u7: its phones end at 1.200 s, its audio at 1.000 s"),
        (utterance("state", ("4", 0.0, 0.7)), "state", "u7: its states end at 0.700 s, its audio at 1.000 s"),
        (utterance("phone", ("a", 0.0, 0.6), ("b", 0.4, 1.0)), "phone", "'b' begins at 0.400 s, before the end of the one before"),
        (utterance("word", ("a", 0.0, 0.6)), "phone", "u7 has no alignment of level 'phone'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(made, level, message):
    with pytest.raises(DataError) as error:
        spans_of(made, level)
    assert message in error.value.message


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_times_of_frames_are_the_middles_of_the_samples_they_speak_for(factor):
    size, hop, rate, n = 200, 80, 8000, 11
    times = label_times(rate, FrameGrid(size, hop), factor)(n)
    middles = [(t * hop + size / 2) / rate for t in range(n + factor)]
    groups = [np.mean(middles[start : start + factor]) for start in range(0, n, factor)]
    np.testing.assert_allclose(times, groups)
