"""Tied states: what the trees ask for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted import contextual_tying

from speechrnn.hmm.phones import ALONE, FIRST, INNER, LAST, SILENCE_NAME, Topology, placed
from speechrnn.hmm.tree import LEFT, PLACE, RIGHT, ContextStatistics, Tying, grow_tree, log_likelihood, phone_sets

TOPOLOGY = Topology((SILENCE_NAME, *"abcdef"), 1, 1)
A, B, C, D, E, F = range(1, 7)


def planted(kind: int, members: set[int], n: int = 80) -> ContextStatistics:
    """Frames of ``a`` that differ by its left or right neighbour, or place; neighbours that differ alike sound alike themselves."""
    rng = np.random.default_rng(kind)
    seen = ContextStatistics()
    for left in range(7):
        for right in range(7):
            for place in range(4):
                yes = (left, right, place)[kind] in members
                seen.add((A, 0, place, left, right), rng.normal(2.0 if yes else 0.0, 1.0, (n, 2)))
    for phone in (B, C, D, E, F):
        mean = 5.0 if phone in members else -5.0
        seen.add((phone, 0, ALONE, 0, 0), rng.normal(mean + 0.1 * phone, 1.0, (400, 2)))
    return seen


@pytest.mark.parametrize(("kind", "members"), [(LEFT, {B, D}), (RIGHT, {C, E, F}), (PLACE, {FIRST})])
def test_a_planted_context_is_found(kind: int, members: set[int]) -> None:
    tying = grow_tree(TOPOLOGY, planted(kind, members), 500.0, 100)
    root = tying.roots[A, 0]
    assert tying.kinds[root] == kind
    # Neighbours are told apart just as they were planted; of silence and of a itself as neighbours no question knows more.
    answers = {member: tying.members[root, member] for member in (range(4) if kind == PLACE else (B, C, D, E, F))}
    yes = {member for member, answer in answers.items() if answer}
    assert yes in (members, set(answers) - members)
    context = [ALONE, C, C]
    seen = {}
    for member in answers:
        context[{PLACE: 0, LEFT: 1, RIGHT: 2}[kind]] = member
        seen.setdefault(tying.states(A, *context), set()).add(member)
    assert sorted(map(len, seen.values())) == sorted([len(members), len(answers) - len(members)])


def test_more_gain_asked_for_makes_fewer_states_and_most_bounds_them() -> None:
    sizes = [contextual_tying(TOPOLOGY, 1, most).num_states for most in (7, 12, 30)]
    assert sizes == [7, 12, 30]
    assert grow_tree(TOPOLOGY, planted(LEFT, {B}), 1e9, 100).num_states == 7


def test_the_likelihood_is_that_of_the_best_gaussian() -> None:
    rng = np.random.default_rng(0)
    frames = rng.normal(1.0, 2.0, (500, 3))
    sums = np.concatenate([[len(frames)], frames.sum(0), np.square(frames).sum(0)])
    mean, variance = frames.mean(0), frames.var(0)
    expected = (-0.5 * (np.log(2 * np.pi * variance) + np.square(frames - mean) / variance)).sum()
    assert log_likelihood(sums) == pytest.approx(expected)


def test_phones_that_sound_alike_are_asked_for_together() -> None:
    means = [0.0, 0.2, 10.0, 10.3, -20.0]
    rng = np.random.default_rng(2)
    frames = [rng.normal(mean, 1.0, (300, 2)) for mean in means]
    sums = np.array([[np.concatenate([[len(f)], f.sum(0), np.square(f).sum(0)])] for f in frames])
    sets = {tuple(np.flatnonzero(members)) for members in phone_sets(sums)}
    assert {(0,), (4,), (0, 1), (2, 3)} <= sets


def test_states_of_monophones_are_numbered_in_order() -> None:
    tying = Tying.monophones(Topology((SILENCE_NAME, "a", "b")))
    assert tying.states(0, ALONE, 0, 0) == (0, 1, 2, 3, 4)
    assert tying.states(2, ALONE, 1, 1) == (8, 9, 10)
    assert tying.owners[[0, 4, 5, 10]].tolist() == [[0, 0], [0, 4], [1, 0], [2, 2]]
    tying.check()


def test_left_contexts_that_no_question_tells_apart_are_one() -> None:
    tying = contextual_tying(TOPOLOGY, 4, 12)
    for phone in range(7):
        other = tying.left_class(phone)
        for center in range(1, 7):
            for place in range(4):
                assert tying.states(center, place, phone, 3) == tying.states(center, place, other, 3)


def test_places() -> None:
    assert placed((5, 6, 7), True) == [(5, FIRST), (6, INNER), (7, LAST)]
    assert placed((5,), True) == [(5, ALONE)]
    assert placed((5, 6), False) == [(5, ALONE), (6, ALONE)]


def test_arrays_that_are_no_trees_are_refused() -> None:
    tying = contextual_tying(TOPOLOGY, 1)
    tying.check()
    inner = int(np.flatnonzero(tying.kinds >= 0)[0])
    leaf = int(np.flatnonzero(tying.kinds < 0)[0])
    for name, index, value in (
        ("yes", inner, inner),
        ("no", inner, int(tying.yes[inner])),
        ("yes", leaf, 10**6),
        ("kinds", inner, 9),
    ):
        wrong = getattr(tying, name).copy()
        wrong[index] = value
        with pytest.raises(ValueError, match=r"tree|tied states"):
            replace(tying, **{name: wrong}).check()
