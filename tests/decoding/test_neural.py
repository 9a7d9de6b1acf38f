"""Searches through a transducer, against enumeration of all alignments and a plain loop, on planted step functions."""

import itertools
import math

import numpy as np
import pytest
from stepped import Planted, numbered

from speechrnn.decoding.neural import AHEAD, beam_transducer, greedy_transducer


def totals(steps, frames, most):
    """Log probability of every transcript that is said with at most so many tokens a frame."""
    found = {(): 0.0}
    for (number,) in frames:
        after = {}
        for history, score in found.items():
            for count in range(most + 1):
                for more in itertools.product(range(1, steps.n_tokens), repeat=count):
                    whole = score
                    for i, token in enumerate(more):
                        whole += steps.one(number, history + more[:i])[token]
                    whole += steps.one(number, history + more)[0]
                    after[history + more] = np.logaddexp(after.get(history + more, -math.inf), whole)
        found = after
    return found


def plain_greedy(steps, frames, most):
    history, places, sure = (), [], []
    for t, (number,) in enumerate(frames):
        for _ in range(most):
            log_probs = steps.one(number, history)
            token = int(log_probs.argmax())
            if token == 0:
                break
            history = (*history, token)
            places.append(t)
            sure.append(math.exp(log_probs[token]))
    return history, places, sure


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("length", "n_tokens", "most"), [(1, 4, 3), (3, 3, 2), (4, 4, 1), (5, 2, 2)])
def test_a_wide_beam_finds_every_transcript_with_its_whole_probability(length, n_tokens, most, seed):
    steps, frames = Planted(n_tokens, seed), numbered(length)
    expected = totals(steps, frames, most)
    found = beam_transducer(frames, steps, 10_000, nbest=10_000, most=most)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    by_ids = {tuple(one.path.ids.tolist()): one.score for one in found}
    assert len(found) == len(by_ids)
    assert by_ids == pytest.approx(expected)
    for one in found:
        assert len(one.path.ids) == len(one.path.starts)
        assert (np.diff(one.path.starts) >= 0).all()
        assert (np.bincount(one.path.starts, minlength=length) <= most).all()


def test_a_token_is_laid_where_it_is_said():
    """Certain steps: a token in frame 2, two in frame 5, blanks elsewhere."""

    class Certain(Planted):
        def one(self, frame, history):
            script = {(2, ()): 1, (5, (1,)): 2, (5, (1, 2)): 2}
            return np.log(np.where(np.arange(3) == script.get((int(frame), history), 0), 0.98, 0.01))

    found = beam_transducer(numbered(7), Certain(3), 8, most=4)[0]
    (path,) = greedy_transducer([numbered(7)], Certain(3), most=4)
    for one in (found.path, path):
        assert one.ids.tolist() == [1, 2, 2]
        assert one.starts.tolist() == [2, 5, 5]
        assert one.ends.tolist() == [3, 6, 6]
        assert one.confidences == pytest.approx([0.98] * 3)


@pytest.mark.parametrize("seed", range(5))
def test_what_a_narrow_beam_finds_is_no_more_probable_than_it_is(seed):
    steps, frames = Planted(3, seed), numbered(5)
    expected = totals(steps, frames, 2)
    for beam in (1, 2, 5):
        found = beam_transducer(frames, steps, beam, nbest=beam, most=2)
        assert 1 <= len(found) <= beam
        assert all(one.score <= expected[tuple(one.path.ids.tolist())] + 1e-9 for one in found)
    assert found[0].score > max(expected.values()) - 1.0


def test_a_threshold_saves_steps_and_keeps_the_best():
    every, few = Planted(3, 1, blank=4.0), Planted(3, 1, blank=4.0)
    wide = beam_transducer(numbered(12), every, 30)
    near = beam_transducer(numbered(12), few, 30, threshold=5.0)
    assert wide[0].path.ids.tolist() == near[0].path.ids.tolist()
    assert few.asked < every.asked / 2


LENGTHS = [3, 0, 25, 1, AHEAD, 2 * AHEAD, 17]


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("blank", [0.0, 3.0])
def test_greedy_equals_a_plain_loop_in_any_batch(most, blank):
    steps = Planted(4, 7, blank)
    frames = [numbered(length, 100 * i) for i, length in enumerate(LENGTHS)]
    together = greedy_transducer(frames, steps, most)
    assert len(together) == len(frames)
    for each, path in zip(frames, together, strict=True):
        (alone,) = greedy_transducer([each], steps, most)
        ids, places, sure = plain_greedy(steps, each, most)
        for one in (path, alone):
            assert tuple(one.ids.tolist()) == ids
            assert one.starts.tolist() == places
            assert one.ends.tolist() == [place + 1 for place in places]
            assert one.confidences == pytest.approx(sure)
    assert any(len(path) > length for path, length in zip(together, LENGTHS, strict=True)) == (most > 1 and not blank)


def test_nothing_is_said_of_nothing():
    empty = np.zeros((0, 1), np.float32)
    assert greedy_transducer([], Planted()) == []
    assert len(greedy_transducer([empty], Planted())[0]) == 0
    assert [len(one.path) for one in beam_transducer(empty, Planted(), 5)] == [0]
