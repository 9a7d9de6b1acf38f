"""Graph and search together against the definition: every sentence, silence, pronunciation and duration tried."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from planted import acoustic

from speechrnn.hmm.alignment import segments
from speechrnn.hmm.grammar import Grammar, linear
from speechrnn.hmm.graph import END, HALF, Graph, build
from speechrnn.hmm.model import Acoustic
from speechrnn.hmm.phones import ALONE, SILENCE, placed


def chain_score(model: Acoustic, log_likes: np.ndarray, phones: list[tuple[int, int]]) -> tuple[float, list[int]]:
    """The best path through phones (with their places) in this order, in plain Python; score and tied states by frame."""
    sounds = [SILENCE, *(phone for phone, _ in phones), SILENCE]
    steps: list[tuple[int, int, int]] = []
    arcs: dict[tuple[int, int], float] = {}
    exits: list[tuple[int, float]] = []
    for i, (phone, place) in enumerate(phones):
        states = model.tying.states(phone, place, sounds[i], sounds[i + 2])
        base = len(steps)
        steps += [(i, k, state) for k, state in enumerate(states)]
        for node, weight in exits:
            arcs[node, base] = weight
        exits = []
        for k, to, transition in model.tying.arcs(phone, states):
            weight = float(model.transitions[transition])
            if to == len(states):
                exits.append((base + k, weight))
            else:
                arcs[base + k, base + to] = weight
    best = {0: (float(log_likes[0, steps[0][2]]), [steps[0][2]])}
    for row in log_likes[1:]:
        following: dict[int, tuple[float, list[int]]] = {}
        for (node, to), weight in arcs.items():
            if node in best:
                score = best[node][0] + weight + float(row[steps[to][2]])
                if to not in following or score > following[to][0]:
                    following[to] = (score, [*best[node][1], steps[to][2]])
        best = following
    ends = [(best[node][0] + weight, best[node][1]) for node, weight in exits if node in best]
    return max(ends, default=(-math.inf, []))


def best_by_definition(model: Acoustic, grammar: Grammar, log_likes: np.ndarray, longest: int, silence: bool) -> float:
    """The best score over all sentences up to a length, their pronunciations and silences."""

    def sentences(state: int, tokens: tuple[int, ...]):
        if len(tokens) <= longest:
            ending, at = 0.0, state
            while at not in grammar.finals and at in grammar.backoff:
                ending += grammar.backoff[at][1]
                at = grammar.backoff[at][0]
            if at in grammar.finals:
                yield tokens, ending + grammar.finals[at]
        if len(tokens) < longest:
            vocabulary = {token for arcs in grammar.arcs.values() for token, _, _ in arcs}
            for token in vocabulary:
                weight, at = 0.0, state
                while all(arc[0] != token for arc in grammar.arcs.get(at, ())):
                    if at not in grammar.backoff:
                        break
                    weight += grammar.backoff[at][1]
                    at = grammar.backoff[at][0]
                else:
                    _, after, log_prob = next(arc for arc in grammar.arcs[at] if arc[0] == token)
                    for rest, more in sentences(after, (*tokens, token)):
                        yield rest, weight + log_prob + more

    best = -math.inf
    for tokens, language in sentences(grammar.start, ()):
        slots = len(tokens) + 1
        for ways in itertools.product(*(grammar.pronunciations[token] for token in tokens)):
            for quiet in itertools.product((False, True), repeat=slots) if silence else [(False,) * slots]:
                phones: list[tuple[int, int]] = []
                saying = slots * HALF if silence else 0.0
                for slot in range(slots):
                    if quiet[slot]:
                        phones.append((SILENCE, ALONE))
                    if slot < len(tokens):
                        said, likely = ways[slot]
                        phones += placed(said, grammar.words)
                        saying += likely
                if phones:
                    best = max(best, language + saying + chain_score(model, log_likes, phones)[0])
    return best


def run(model: Acoustic, grammar: Grammar, log_likes: np.ndarray, beam: float = np.inf, most: int = 10**6, *, silence: bool = True):
    graph = build(grammar, model.tying, silence=silence)
    arcs = graph.arcs(model.transitions)
    return graph, model.scored_path(graph, log_likes, arcs, beam, most)


def found_by_search(model: Acoustic, grammar: Grammar, log_likes: np.ndarray, silence: bool) -> tuple[float, np.ndarray]:
    graph, (path, score, whole) = run(model, grammar, log_likes, silence=silence)
    assert whole or score == -np.inf
    # The path's own weight is the score: nothing is lost on the way back.
    heard = segments(graph, path)
    assert len(heard.states) == len(log_likes)
    return score, heard.tokens[(heard.tokens >= 0) & (heard.indices == 0)]


SAYINGS = {0: [((1,), 0.0), ((2, 1), -0.3)], 1: [((2,), -0.1)], 2: [((1, 2, 1), 0.0)]}
UNIGRAM = Grammar(0, {0: [(0, 0, -1.0), (1, 0, -1.5), (2, 0, -0.7)]}, {0: -2.0}, SAYINGS)
BIGRAM = Grammar(
    1,
    {0: [(0, 2, -1.2), (1, 3, -1.0), (2, 0, -0.9)], 1: [(0, 2, -0.3)], 2: [(1, 3, -0.4), (0, 2, -1.9)], 3: [(2, 0, -0.2)]},
    {0: -1.5, 3: -0.2},
    SAYINGS,
    {1: (0, -0.6), 2: (0, -0.8), 3: (0, -0.5)},
)


@pytest.mark.parametrize("contextual", [False, True])
@pytest.mark.parametrize("silence", [False, True])
@pytest.mark.parametrize(("name", "grammar"), [("unigram", UNIGRAM), ("bigram", BIGRAM)])
@pytest.mark.parametrize(("states", "frames", "longest"), [(1, 4, 4), (2, 7, 3), (3, 8, 2)])
def test_the_best_sentence_is_found(
    name: str, grammar: Grammar, silence: bool, contextual: bool, states: int, frames: int, longest: int
) -> None:
    model = acoustic("ab", 1, contextual=contextual, phone_states=states, silence_states=1)
    for seed in range(2):
        log_likes = np.random.default_rng(seed).normal(0, 2, (frames, model.gmm.num_states)).astype(np.float32)
        expected = best_by_definition(model, grammar, log_likes, longest, silence)
        score, _ = found_by_search(model, grammar, log_likes, silence)
        # With backoff a longer detour may be taken where the explicit way is worse, as in any backoff graph; never less is found.
        assert score >= expected - 1e-4
        if name == "unigram":
            assert score == pytest.approx(expected, abs=1e-4)


def test_letters_in_every_context_are_found() -> None:
    said = {i: [((i + 1,), 0.0)] for i in range(3)}
    grammar = Grammar(0, {0: [(i, 0, -0.5 * i) for i in range(3)]}, {0: -1.0}, said, words=False)
    model = acoustic("abc", 2, phone_states=2, silence_states=1)
    for seed in range(8):
        log_likes = np.random.default_rng(seed).normal(0, 3, (7, model.gmm.num_states)).astype(np.float32)
        score, _ = found_by_search(model, grammar, log_likes, True)
        assert score == pytest.approx(best_by_definition(model, grammar, log_likes, 3, True), abs=1e-4)


@pytest.mark.parametrize("states", [(3, 5), (2, 4), (3, 3)])
def test_a_text_is_aligned_as_by_hand(states: tuple[int, int]) -> None:
    model = acoustic("abc", 2, phone_states=states[0], silence_states=states[1])
    tokens, said = (0, 1), {0: [((1, 3), 0.0)], 1: [((2,), 0.0)]}
    log_likes = np.random.default_rng(5).normal(0, 2, (26, model.gmm.num_states)).astype(np.float32)
    score, heard = found_by_search(model, linear(tokens, said), log_likes, True)
    every = []
    for quiet in itertools.product((False, True), repeat=3):
        phones = [(SILENCE, ALONE)] * quiet[0] + placed((1, 3), True) + [(SILENCE, ALONE)] * quiet[1] + placed((2,), True)
        every.append(3 * HALF + chain_score(model, log_likes, [*phones, *[(SILENCE, ALONE)] * quiet[2]])[0])
    assert score == pytest.approx(max(every), abs=1e-3)
    assert heard.tolist() == [0, 1]


def ways_through(graph: Graph, node: int) -> Iterator[tuple[int, ...]]:
    """The tied states of each way from a node to the end of its phone."""
    if node >= len(graph.states):
        yield ()
        return
    state, number = int(graph.states[node]), graph.numbers[node]
    for target in set(graph.targets[graph.first_arc[node] : graph.first_arc[node + 1]].tolist()) - {node}:
        inside = target < len(graph.states) and graph.numbers[target] == number + 1
        for rest in ways_through(graph, target) if inside else [()]:
            yield (state, *rest)


def test_nodes_of_equal_states_are_shared_and_no_context_is_lost() -> None:
    said = {i: [((i + 1,), 0.0)] for i in range(4)}
    grammar = Grammar(0, {0: [(i, 0, -1.4) for i in range(4)]}, {0: -1.4}, said, words=False)
    model = acoustic("abcd", 3, contextual=False, phone_states=3, silence_states=3)
    # Three nodes for each phone and for silence.
    assert len(build(grammar, model.tying).states) == 15
    tying = acoustic("abcd", 3, phone_states=3, silence_states=3).tying
    graph = build(grammar, tying)
    entries = np.flatnonzero((graph.numbers == 0) & (graph.labels[graph.units, 0] != SILENCE))
    seen = {way for node in entries.tolist() for way in ways_through(graph, node)}
    everywhere = {tying.states(p, ALONE, left, right) for p in range(1, 5) for left in range(5) for right in range(5)}
    assert seen == everywhere
    assert END not in graph.labels[:, 0]


@pytest.mark.parametrize("grammar", [UNIGRAM, BIGRAM, linear((1, 0, 2), SAYINGS)], ids=["unigram", "bigram", "text"])
def test_no_two_nodes_are_alike(grammar: Grammar) -> None:
    graph = build(grammar, acoustic("ab", 3, phone_states=3).tying)
    labels = [(int(graph.states[n]), int(graph.numbers[n]), int(graph.units[n])) for n in range(len(graph.states))]
    ends = zip(graph.first_arc[:-1].tolist(), graph.first_arc[1:].tolist(), strict=True)
    leads = [list(zip(graph.targets[a:b].tolist(), graph.language[a:b].tolist(), strict=True)) for a, b in ends]
    # What goes on alike is one node.
    spoken = [n for n in range(len(labels)) if graph.labels[labels[n][2], 2] >= 0]
    futures = [(labels[n], tuple(sorted(set(leads[n]) - {(n, 0.0)}))) for n in spoken]
    assert len(futures) == len(set(futures)) > 10
    # What begins alike is one node as long as it is alike.
    for targets in leads:
        # One word may be come to by its own arc and by falling back.
        reached = [labels[n] for n, _ in targets if n < len(labels) and (labels[n][1] > 0 or not grammar.backoff)]
        assert len(reached) == len(set(reached))


def test_a_long_word_is_a_graph() -> None:
    said = {0: [((1, 2) * 3000, 0.0)]}
    graph = build(linear((0,), said), acoustic("ab", 1, phone_states=3).tying)
    assert (graph.labels[:, 2] == 0).sum() == 6000


def test_a_narrow_beam_finds_no_more_and_a_wide_one_all() -> None:
    model = acoustic("ab", 4)
    log_likes = np.random.default_rng(1).normal(0, 2, (30, model.gmm.num_states)).astype(np.float32)
    exact = run(model, UNIGRAM, log_likes)[1]
    assert exact[2]
    wide = run(model, UNIGRAM, log_likes, beam=200.0)[1]
    assert (wide[1], wide[0].tolist()) == (exact[1], exact[0].tolist())
    for beam, most in ((4.0, 10**6), (8.0, 10**6), (np.inf, 3), (np.inf, 8)):
        path, score, whole = run(model, UNIGRAM, log_likes, beam, most)[1]
        assert len(path) == 30
        # A path that does not end where it may has no end to pay for.
        assert score <= exact[1] + 1e-9 or not whole


@pytest.mark.parametrize("grammar", [UNIGRAM, linear((1, 0, 2), SAYINGS)], ids=["unigram", "text"])
def test_states_are_scored_where_a_path_comes_to_them_as_if_all_had_been(grammar: Grammar) -> None:
    model = acoustic("ab", 7)
    frames = np.random.default_rng(7).normal(0, 2, (40, model.gmm.means.shape[1])).astype(np.float32)
    graph = build(grammar, model.tying)
    arcs = graph.arcs(model.transitions)
    for beam in (np.inf, 30.0, 10.0):
        path, score, whole = model.best_path(graph, frames, arcs, beam, 10**6)
        expected = model.scored_path(graph, model.gmm.score(frames), arcs, beam, 10**6)
        assert whole is expected[2]
        assert path.tolist() == expected[0].tolist()
        assert score == pytest.approx(expected[1], abs=1e-2)


def test_too_few_frames_reach_no_end() -> None:
    model = acoustic("ab", 5, phone_states=3)
    for frames, fits in ((8, False), (9, True)):
        log_likes = np.zeros((frames, model.gmm.num_states), np.float32)
        assert run(model, linear((2,), SAYINGS), log_likes)[1][2] is fits


def test_a_pause_is_where_it_may_be() -> None:
    model = acoustic("ab", 6)
    quiet = list(model.tying.states(SILENCE, ALONE, 0, 0))
    said = {0: [((1,), 0.0)], 1: [((2,), 0.0)]}
    # Silence is loud and clear for four frames before, between and after two letters of four frames.
    log_likes = np.zeros((20, model.gmm.num_states), np.float32)
    for start in (0, 8, 16):
        log_likes[start : start + 4, quiet] = 30.0
    log_likes[4:8, quiet] = log_likes[12:16, quiet] = -30.0
    for pauses, expected in ((None, 3), ((0, 2), 2), ((1,), 1), ((), 0)):
        graph, (path, _, whole) = run(model, linear((0, 1), said, words=False, pauses=pauses), log_likes)
        heard = segments(graph, path)
        assert whole
        assert (heard.tokens == -1).sum() == expected
        silences = (graph.labels[graph.units, 2] == -1) & (graph.numbers == 0)
        assert silences.sum() == expected
