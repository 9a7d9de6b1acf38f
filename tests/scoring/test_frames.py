"""Frames and segments, counted by hand."""

from __future__ import annotations

import pytest

from speechrnn.scoring.frames import frame_scores
from speechrnn.scoring.results import Item


def item(reference, hypothesis, duration=1.0) -> Item:
    """Spans (label, start, end) on both sides."""
    (labels, times), (found, found_times) = (
        (tuple(s[0] for s in side), tuple((s[1], s[2]) for s in side)) for side in (reference, hypothesis)
    )
    return Item("u", "", "", labels, found, found_times, duration=duration, reference_times=times)


def test_a_shifted_boundary_costs_its_frames_and_no_segment_within_20_ms():
    truth = [("a", 0.0, 0.5), ("b", 0.5, 1.0)]
    near = frame_scores([item(truth, [("a", 0.0, 0.52), ("b", 0.52, 1.0)])], resamples=10)
    assert (near.frames, near.error, near.f1) == (100, pytest.approx(2), 100)
    far = frame_scores([item(truth, [("a", 0.0, 0.53), ("b", 0.53, 1.0)])], resamples=10)
    assert (far.error, far.f1) == (pytest.approx(3), 0)


def test_gaps_are_silence_on_both_sides():
    found = frame_scores([item([("a", 0.2, 0.4)], [("a", 0.2, 0.4), ("b", 0.9, 1.0)])], resamples=10)
    assert found.error == pytest.approx(10)
    assert (found.precision, found.recall) == (50, 100)
    assert found.f1 == pytest.approx(200 / 3)


def test_one_segment_is_found_once():
    found = frame_scores([item([("a", 0.0, 0.1), ("a", 0.1, 0.2)], [("a", 0.0, 0.1)], 0.2)], resamples=10)
    assert (found.precision, found.recall) == (100, 50)


def test_a_failed_utterance_is_all_silence_and_without_times_there_is_nothing_to_score():
    found = frame_scores([item([("a", 0.0, 1.0)], [])], resamples=10)
    assert (found.error, found.f1, found.segments) == (100, 0, 1)
    assert frame_scores([Item("u", "a", "a", ("a",), ("a",))]) is None
