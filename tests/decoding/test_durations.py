"""Sounds get the boundaries of an even signal: planted ones come back, and the search is as good as trying all."""

import itertools

import numpy as np
import pytest

from speechrnn.decoding.durations import _gaps, durations
from speechrnn.decoding.durations_kernels import best_bounds
from speechrnn.decoding.greedy import Path

CHARGE = 0.5


def path_at(frames, factor=2):
    """Tokens that the network names for one encoder frame each."""
    starts = np.array([frame // factor for frame in frames], np.int64)
    return Path(np.arange(1, len(frames) + 1), starts, starts + 1, np.ones(len(frames)))


def planted(lengths, seed=0, noise=0.1, size=30):
    """Frames of stretches, each even but for noise, and where they begin."""
    rng = np.random.default_rng(seed)
    frames = np.concatenate([np.repeat(rng.normal(0, 1, (1, size)), length, 0) for length in lengths])
    return frames + rng.normal(0, noise, frames.shape), np.cumsum([0, *lengths])


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_planted_sounds_are_found_wherever_the_network_names_them(place):
    frames, edges = planted([20, 8, 14, 6, 30, 20])
    anchors = [int(edges[i] + place * (edges[i + 1] - edges[i])) for i in range(1, 5)]
    found = durations(path_at(anchors, 1), [("word", 0, 4)], frames, np.zeros(len(frames), bool), 1, 0.01)
    assert found.tolist() == [[20, 28], [28, 42], [42, 48], [48, 78]]


def test_a_pause_lies_between_words_only_and_only_where_it_is_quiet():
    frames, _ = planted([20, 10, 30, 10, 20])
    quiet = np.zeros(len(frames), bool)
    quiet[31:59] = True
    path = path_at([25, 65], 1)
    both = [("one", 0, 1), ("two", 1, 2)]
    assert durations(path, both, frames, quiet, 1, 0.01).tolist() == [[20, 31], [59, 70]]
    for words, silent in ((both, ~np.ones(len(frames), bool)), ([("one", 0, 2)], quiet)):
        (_, end), (start, _) = durations(path, words, frames, silent, 1, 0.01).tolist()
        assert end == start


def test_word_boundaries_get_what_is_between_the_words():
    frames, _ = planted([20, 10, 30, 10, 20])
    quiet = np.zeros(len(frames), bool)
    quiet[30:60] = True
    found = durations(path_at([24, 44, 64], 2), [("a", 0, 1), ("b", 2, 3)], frames, quiet, 2, 0.01)
    assert found.tolist() == [[20, 30], [30, 60], [60, 70]]


def scatter(frames, start, end):
    part = frames[start:end]
    return float(((part - part.mean(0)) ** 2).sum()) if len(part) else 0.0


def quiet_runs(quiet, start, end, least=2):
    """Runs of quiet frames inside [start, end)."""
    edges = np.flatnonzero(np.diff(quiet, prepend=False, append=False)).reshape(-1, 2).tolist()
    return [(a, b) for a, b in edges if b - a >= least and start <= a and b <= end]


def test_the_search_is_as_good_as_trying_all_bounds():
    rng = np.random.default_rng(0)
    n_frames, with_two_runs = 14, 0
    for _ in range(60):
        anchors = np.sort(rng.choice(n_frames, 2, replace=False)).astype(np.int64)
        frames = rng.normal(0, 1, (n_frames, 2))
        quiet = rng.random(n_frames) < 0.6
        quiet[anchors] = False
        pauses = np.array([True, bool(rng.integers(2))])
        counted = np.concatenate([[0], np.cumsum(quiet)]).astype(np.int64)
        a, b = anchors.tolist()
        lead, tail = quiet_runs(quiet, 0, a), quiet_runs(quiet, b + 1, n_frames)
        inner = quiet_runs(quiet, a + 1, b) if pauses[1] else []
        gaps = _gaps(anchors, pauses, quiet, 2)
        for row, runs in zip(gaps.tolist(), (lead, inner, tail), strict=True):
            assert row == ([*runs[0], *runs[-1]] if runs else [-1] * 4)
        with_two_runs += len(inner) > 1

        def cost(s0, e0, s1, e1, frames=frames, quiet=quiet, pauses=pauses, runs=(lead, inner, tail)):
            before, between, behind = runs
            begin, end = (before[-1][0] if before else 0), (behind[0][1] if behind else n_frames)
            if s0 < begin or e1 > end or (between and (e0 > between[0][1] or s1 < between[-1][0])):
                return np.inf
            total = scatter(frames, begin, s0) + scatter(frames, e1, end) + scatter(frames, s0, e0) + scatter(frames, s1, e1)
            if s1 == e0:
                return total
            if pauses[1] and s1 - e0 >= 2 and quiet[e0:s1].all():
                return total + scatter(frames, e0, s1) + CHARGE
            if between and s1 - e0 >= 2 and between[0][0] <= e0 and s1 <= between[-1][1]:
                return total + scatter(frames, e0, between[0][1]) + scatter(frames, between[-1][0], s1) + CHARGE
            return np.inf

        every = [
            cost(s0, e0, s1, e1)
            for s0 in range(a + 1)
            for e0, s1 in itertools.product(range(a + 1, b + 1), repeat=2)
            for e1 in range(b + 1, n_frames + 1)
            if e0 <= s1
        ]
        found = best_bounds(frames, anchors, pauses, gaps, counted, 99, 2, CHARGE).ravel().tolist()
        assert cost(*found) == pytest.approx(min(every))
    assert with_two_runs > 3


def test_a_click_in_a_pause_belongs_to_no_word():
    frames, edges = planted([30, 10, 30, 4, 30, 10, 15, 3, 20])
    quiet = np.zeros(len(frames), bool)
    for start, end in ((0, 30), (40, 70), (74, 104), (114, 129), (132, 152)):
        quiet[start:end] = True
    found = durations(path_at([35, 109], 1), [("a", 0, 1), ("b", 1, 2)], frames, quiet, 1, 0.01)
    assert found.tolist() == [[30, 40], [104, 114]]
    assert edges[-1] == 152


def test_a_sound_is_not_stretched_over_a_long_gap():
    frames, _ = planted([20, 10, 800, 10, 20])
    found = durations(path_at([25, 835], 1), [("ab", 0, 2)], frames, np.zeros(860, bool), 1, 0.01)
    assert found[0, 0] == 20
    assert found[1, 1] == 840
    assert found[0, 1] <= 25 + 151
    assert found[1, 0] >= 835 - 150


def test_more_tokens_than_room_stay_in_order():
    found = durations(path_at([0, 1, 2], 1), [("abc", 0, 3)], np.zeros((3, 4)), np.ones(3, bool), 1, 0.01)
    assert found.tolist() == [[0, 1], [1, 2], [2, 3]]


def test_silence_at_the_edges_belongs_to_no_sound():
    frames, _ = planted([40, 9, 9, 40])
    found = durations(path_at([44, 53], 1), [("a", 0, 1), ("b", 1, 2)], frames, np.zeros(98, bool), 1, 0.01)
    assert found.tolist() == [[40, 49], [49, 58]]
