"""The whole ladder on a planted language: every letter has a sound of its own, every speaker a way to distort it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from speechrnn.errors import UsageError
from speechrnn.hmm.alignment import Segments, context_statistics, count_transitions, even_alignment, retied, segments
from speechrnn.hmm.grammar import Grammar, linear
from speechrnn.hmm.graph import Graph, build
from speechrnn.hmm.ladder import Heard, Ladder
from speechrnn.hmm.model import Acoustic, counted_transitions
from speechrnn.hmm.options import RUNGS, LadderOptions, MonoOptions, TiedOptions
from speechrnn.hmm.phones import SILENCE, SILENCE_NAME, Topology
from speechrnn.hmm.transforms import apply_affine
from speechrnn.hmm.tree import ContextStatistics, Tying

TOPOLOGY = Topology((SILENCE_NAME, *"abcd"))
SAYINGS = {i: [((i + 1,), 0.0)] for i in range(4)}
CEPSTRA = 4
ANYTHING = Grammar(0, {0: [(i, 0, -float(np.log(5))) for i in SAYINGS]}, {0: -float(np.log(5))}, SAYINGS, words=False)
TIED = TiedOptions(gaussians=60, iterations=14, least_gain=100.0, most_states=60)
OPTIONS = LadderOptions(mono=MonoOptions(60, 16), tri=TIED, lda=TIED, sat=TIED, context=2, dims=6, silence_gaussians=3)


def say(tokens: tuple[int, ...], rng: np.random.Generator, warp: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int, int]]]:
    """Frames (T, C) of some letters between silences, and where each letter is: letter, first frame, frame after the last."""
    sounds = np.random.default_rng(99).normal(0, 3, (5, 3, CEPSTRA))
    rows, spans = [], []

    def hold(mean: np.ndarray, low: int, high: int) -> None:
        rows.extend(mean + rng.normal(0, 0.7, CEPSTRA) for _ in range(rng.integers(low, high)))

    hold(sounds[0, 0], 8, 15)
    for token in tokens:
        start = len(rows)
        for k in range(3):
            hold(sounds[token + 1, k], 2, 5)
        spans.append((token, start, len(rows)))
    hold(sounds[0, 0], 8, 15)
    return (np.array(rows) @ warp).astype(np.float32), spans


def corpus(seed: int, size: int, speakers: int) -> tuple[list[Heard], list[list[tuple[int, int, int]]]]:
    rng = np.random.default_rng(seed)
    warps = [
        np.eye(CEPSTRA) + 0.12 * np.random.default_rng(1000 * seed + s).standard_normal((CEPSTRA,) * 2) for s in range(speakers)
    ]
    heard, truth = [], []
    for i in range(size):
        tokens = tuple(rng.integers(0, 4, rng.integers(3, 7)).tolist())
        frames, spans = say(tokens, rng, warps[i % speakers])
        heard.append(Heard(f"u{i}", f"s{i % speakers}", frames - frames.mean(0), tokens))
        truth.append(spans)
    return heard, truth


@pytest.fixture(scope="module", autouse=True)
def _small_blocks() -> Iterator[None]:
    """A corpus of several blocks, though it is small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("speechrnn.hmm.ladder.BLOCK", 500)
        yield


@pytest.fixture(scope="module")
def climbed(_small_blocks: None) -> tuple[Ladder, dict[str, Acoustic]]:
    heard, _ = corpus(1, 90, 6)
    ladder = Ladder(TOPOLOGY, SAYINGS, heard, OPTIONS, words=False)
    return ladder, {rung: ladder.climb(rung) for rung in RUNGS}


def recognized(model: Acoustic, frames: np.ndarray) -> tuple[int, ...]:
    graph = build(ANYTHING, model.tying)
    path, _, whole = model.best_path(graph, frames, graph.arcs(model.transitions, 5.0), np.inf, 10**6)
    assert whole
    found = segments(graph, path)
    return tuple(found.tokens[found.tokens >= 0].tolist())


@pytest.mark.parametrize("rung", ["mono", "tri", "lda"])
def test_every_rung_reads_new_speakers(climbed, rung: str) -> None:
    heard, _ = corpus(2, 24, 4)
    model = climbed[1][rung]
    right = sum(recognized(model, model.view(h.cepstra)) == h.tokens for h in heard)
    assert right >= 22


def test_borders_are_found_where_they_were_planted(climbed) -> None:
    heard, truth = corpus(2, 24, 4)
    model = climbed[1]["lda"]
    off = []
    for h, spans in zip(heard, truth, strict=True):
        graph = build(linear(h.tokens, SAYINGS, words=False), model.tying)
        frames = model.view(h.cepstra)
        path, _, _ = model.best_path(graph, frames, graph.arcs(model.transitions), np.inf, 10**6)
        found = segments(graph, path)
        spoken = np.flatnonzero(found.tokens >= 0)
        off += [abs(int(found.starts[i]) - start) for i, (_, start, _) in zip(spoken, spans, strict=True)]
    assert np.median(off) <= 1
    assert np.mean(off) <= 1.5


def test_the_adapted_model_fits_its_speakers_better_and_keeps_one_for_strangers(climbed) -> None:
    ladder, models = climbed
    model = models["sat"]
    assert model.unadapted is not None
    heard = ladder._heard[:30]
    raw = adapted = strange = 0.0
    for h, alignment in zip(heard, ladder._alignments, strict=False):
        frames, rows = model.view(h.cepstra), np.arange(len(h.cepstra))
        matrix = ladder._transforms[h.speaker]
        raw += model.gmm.score(frames)[rows, alignment.states].sum()
        strange += model.unadapted.score(frames)[rows, alignment.states].sum()
        adapted += model.gmm.score(apply_affine(frames, matrix))[rows, alignment.states].sum()
        adapted += len(frames) * np.linalg.slogdet(matrix[:, :-1])[1]
    assert adapted > strange > raw


def test_the_mean_of_three_sets_fits_new_speakers_better_than_one(climbed) -> None:
    """Of one set more Gaussians would fit the training speakers better, and new ones worse."""
    ladder, models = climbed
    one = Ladder(TOPOLOGY, SAYINGS, ladder._heard, replace(OPTIONS, ensemble=1), words=False)
    for rung in ("mono", "tri"):
        single = one.climb(rung)
    several = models["tri"]
    assert several.tying.num_states == single.tying.num_states, "the same tree"
    assert len(several.gmm.means) > 2 * len(single.gmm.means)
    heard, _ = corpus(2, 24, 4)
    fits = dict.fromkeys(("single", "several"), 0.0)
    for h in heard:
        graph = build(linear(h.tokens, SAYINGS, words=False), single.tying)
        frames = single.view(h.cepstra)
        path, _, _ = single.best_path(graph, frames, graph.arcs(single.transitions), np.inf, 10**6)
        states = graph.states[path]
        for name, model in (("single", single), ("several", several)):
            fits[name] += float(model.gmm.score(frames)[np.arange(len(frames)), states].sum())
    assert fits["several"] > fits["single"]


def test_fewer_than_no_sets_are_refused() -> None:
    with pytest.raises(UsageError, match=r"ladder\.ensemble is -1"):
        LadderOptions(ensemble=-1)


def test_the_same_seed_gives_the_same_model_on_any_number_of_cores() -> None:
    heard, _ = corpus(3, 40, 2)
    quick = replace(OPTIONS, mono=MonoOptions(30, 6))
    found = []
    for threads in (1, 3):
        ladder = Ladder(TOPOLOGY, SAYINGS, heard, quick, seed=5, words=False)
        assert len(ladder._ranges) > 3
        assert [i for block in ladder._ranges for i in block] == list(range(40))
        ladder._threads = threads
        found.append(ladder.climb("mono").gmm)
    assert np.array_equal(found[0].means, found[1].means)
    assert np.array_equal(found[0].weights, found[1].weights)
    assert not np.array_equal(Ladder(TOPOLOGY, SAYINGS, heard, quick, seed=6, words=False).climb("mono").gmm.means, found[0].means)


@pytest.mark.parametrize("remembered", [0, 2000])
def test_frames_made_anew_and_frames_remembered_train_the_same_models(climbed, remembered: int, monkeypatch) -> None:
    monkeypatch.setattr("speechrnn.hmm.ladder.REMEMBERED_FRAMES", remembered)
    heard, _ = corpus(1, 90, 6)
    ladder = Ladder(TOPOLOGY, SAYINGS, heard, OPTIONS, words=False)
    for rung in RUNGS:
        assert np.array_equal(ladder.climb(rung).gmm.means, climbed[1][rung].gmm.means), rung
    assert (0 < len(ladder._made) < len(heard)) == (remembered > 0)


@pytest.mark.parametrize(("beam", "searched_again", "alike"), [(100.0, "none", True), (8.0, "some", False), (0.5, "all", True)])
def test_a_beam_trains_as_the_exact_search_does_and_one_that_loses_the_end_is_given_up(
    beam: float, searched_again: str, alike: bool, monkeypatch
) -> None:
    heard, _ = corpus(4, 24, 2)
    quick = replace(OPTIONS, mono=MonoOptions(30, 12))
    searched: dict[float, list[bool]] = defaultdict(list)
    best_path = Acoustic.best_path

    def watched(self: Acoustic, graph: Graph, frames: np.ndarray, arcs: np.ndarray, width: float, most: int):
        path, score, whole = best_path(self, graph, frames, arcs, width, most)
        searched[width].append(whole)
        return path, score, whole

    monkeypatch.setattr(Acoustic, "best_path", watched)
    found = []
    for width in (np.inf, beam):
        searched.clear()
        monkeypatch.setattr("speechrnn.hmm.ladder.BEAM", width)
        ladder = Ladder(TOPOLOGY, SAYINGS, heard, quick, words=False)
        model = ladder.climb("mono")
        assert [tuple(a.tokens[a.tokens >= 0]) for a in ladder._alignments] == [h.tokens for h in heard]
        found.append((model.gmm.means, [a.states.tolist() for a in ladder._alignments]))
    exact, pruned = found
    lost = searched[beam].count(False)
    assert lost == len(searched[np.inf])
    assert {0: "none", len(searched[beam]): "all"}.get(lost, "some") == searched_again
    assert (exact[1] == pruned[1]) == alike, "8 nats are too little for the best path"
    assert np.array_equal(exact[0], pruned[0]) == alike


def test_an_even_start_passes_through_every_state_in_turn() -> None:
    tying = Tying.monophones(TOPOLOGY)
    said = even_alignment((2, 0), SAYINGS, tying, 33, False)
    assert said.phones.tolist() == [SILENCE, 3, 1, SILENCE]
    assert np.bincount(said.states, minlength=5)[:5].min() > 0
    assert said.starts[0] == 0
    assert said.starts[-1] == len(said.states) == 33
    short = even_alignment((2, 0), SAYINGS, tying, 5, False)
    assert len(short.states) == short.starts[-1] == 5


def test_transitions_are_counted_as_they_are_taken() -> None:
    tying = Tying.monophones(TOPOLOGY)
    # b for 2, 1 and 3 frames a state, then a: its last frame goes nowhere.
    numbers = np.array([0, 0, 1, 2, 2, 2, 0, 1, 2])
    states = np.array([tying.states(2, 0, 0, 0)[k] for k in numbers[:6]] + [tying.states(1, 0, 0, 0)[k] for k in numbers[6:]])
    said = Segments(states, numbers, np.array([0, 6, 9]), np.array([2, 1]), np.zeros(2, int), np.array([1, 0]), np.zeros(2, int))
    counts = count_transitions(tying, [said])
    first = tying.first_transition[states]
    assert [counts[first[0]], counts[first[0] + 1]] == [1, 1]
    assert [counts[first[2]], counts[first[2] + 1]] == [0, 1]
    assert [counts[first[3]], counts[first[3] + 1]] == [2, 1]
    assert counts.sum() == 8
    logs = counted_transitions(tying, counts)
    sums = np.add.reduceat(np.exp(logs), tying.first_transition[:-1])
    np.testing.assert_allclose(sums, 1.0)


def test_context_statistics_hold_each_frame_once_and_retying_keeps_the_phones() -> None:
    heard, _ = corpus(1, 3, 1)
    tying = Tying.monophones(TOPOLOGY)
    seen = ContextStatistics()
    for h in heard:
        said = even_alignment(h.tokens, SAYINGS, tying, len(h.cepstra), False)
        context_statistics(said, h.cepstra, seen)
        assert np.array_equal(retied(said, tying).states, said.states)
    every = np.concatenate([h.cepstra for h in heard]).astype(np.float64)
    total = seen.stacked().sum(0)
    assert total[0] == len(every)
    np.testing.assert_allclose(total[1 : 1 + CEPSTRA], every.sum(0))
    np.testing.assert_allclose(total[1 + CEPSTRA :], np.square(every).sum(0))


def test_matrix_products_take_one_thread_while_it_climbs_and_as_many_as_before_after() -> None:
    """Shared out among threads they would round otherwise on another machine, and wait for each other."""

    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    seen = []

    def track(items, name, total):
        for item in items:
            seen.append(threads())
            yield item

    heard, _ = corpus(1, 8, 2)
    with threadpool_limits(3, user_api="blas"):
        Ladder(TOPOLOGY, SAYINGS, heard, OPTIONS, words=False, track=track).climb("mono")
        assert threads() == {3}
    assert seen == [{1}] * OPTIONS.mono.iterations


def test_every_rung_fits_better_at_its_end_and_transforms_are_no_way_to_look_better(climbed) -> None:
    """With alignments fixed an estimate never fits worse; where Gaussians are split, frames aligned or transforms found it may."""
    ladder, _ = climbed
    rungs = {}
    for one in ladder.iterations:
        rungs.setdefault(one.rung, []).append(one)
    assert list(rungs) == ["mono", "tri", "lda (first tree)", "lda", "sat (first tree)", "sat"]
    for steps in rungs.values():
        assert steps[-1].log_likelihood > steps[0].log_likelihood
        fixed = [b.log_likelihood - a.log_likelihood for a, b in pairwise(steps) if a.gaussians == b.gaussians]
        assert len(fixed) > 2
        assert np.median(fixed) >= -1e-6
    # A transform that shrinks the space by half in every direction makes frames denser by its volume, and no model better.
    view = replace(ladder._below.view, matrix=0.5 * ladder._below.view.matrix)
    dims = len(view.matrix)
    assert ladder._volume(view) == pytest.approx(ladder._volume(ladder._below.view) - dims * np.log(2))
