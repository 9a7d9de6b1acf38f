"""Searches through a decoder with attention, against enumeration of all it can write, on planted step functions."""

import itertools
import math

import numpy as np
import pytest

from speechrnn.decoding.attention import MOST, beam_attention, greedy_attention
from speechrnn.decoding.decoder import make_decoder
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.prefixes import Prefixes
from speechrnn.errors import Unsupported, UsageError
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import Tokenizer


class Planted:
    """What is written next is a random function of the recording's first number and what was written.

    With ``ctc`` the columns behind the first are CTC's log posteriors.
    """

    def __init__(self, n_tokens=3, seed=0, end=0.0, ctc=False):
        self.n_tokens, self.seed, self.end, self.hears_ctc = n_tokens, seed, end, ctc
        self.asked = 0

    def one(self, recording, history):
        draw = np.random.default_rng([self.seed, int(recording), *history, 99])
        logits = 2 * draw.standard_normal(self.n_tokens) + self.end * (np.arange(self.n_tokens) == 0)
        return logits - np.logaddexp.reduce(logits)

    def begin(self, frames):
        return [(each[0, 0], None, len(each)) for each in frames]

    def step(self, states, tokens):
        self.asked += len(states)
        after = [
            (one, () if written is None else (*written, int(token)), n)
            for (one, written, n), token in zip(states, tokens, strict=True)
        ]
        longest = max(n for _, _, n in after)
        # Token u is looked for in frame 2 u, as far as there are frames.
        looked = np.array([np.arange(longest) == min(2 * len(written), n - 1) for _, written, n in after], float)
        return np.array([self.one(one, written) for one, written, _ in after]), looked, after

    def take(self, states, rows):
        return [states[row] for row in rows]

    def ctc(self, frames):
        return frames[:, 1:] if self.hears_ctc else None


def recording(length, number=0, seed=0, n_tokens=3):
    """Frames (T, 1 + K): a number, and log posteriors."""
    logits = 2 * np.random.default_rng([seed, number]).standard_normal((length, n_tokens))
    return np.column_stack([np.full(length, number), logits - np.logaddexp.reduce(logits, 1)[:, None]])


def ctc_totals(log_probs):
    """Log probability of every transcript, over all alignments."""
    found = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        ids = tuple(token for token, _ in itertools.groupby(path) if token)
        score = sum(log_probs[t, token] for t, token in enumerate(path))
        found[ids] = np.logaddexp(found.get(ids, -math.inf), score)
    return found


def totals(steps, frames):
    """What the decoder holds of every transcript that may be written."""
    found, written = {}, {(): 0.0}
    for _ in range(MOST * len(frames) + 1):
        longer = {}
        for ids, score in written.items():
            row = steps.one(frames[0, 0], ids)
            found[ids] = score + row[0]
            longer |= {(*ids, token): score + row[token] for token in range(1, steps.n_tokens)}
        written = longer
    return found


@pytest.mark.parametrize("n_tokens", [2, 3])
@pytest.mark.parametrize("length", [1, 2, 5])
def test_prefixes_have_the_probability_of_all_that_begins_so(length, n_tokens):
    log_probs = recording(length, n_tokens=n_tokens)[:, 1:]
    every = ctc_totals(log_probs)
    prefixes, written = Prefixes.start(log_probs), [()]
    for _ in range(length + 1):
        expected = [[every.get(ids, -math.inf)] for ids in written]
        np.testing.assert_allclose(prefixes.ended()[:, None], expected, atol=1e-9)
        grown = prefixes.grown()
        assert (grown[:, 0] == -math.inf).all()
        for ids, row in zip(written, grown, strict=True):
            for token in range(1, n_tokens):
                longer = (*ids, token)
                begins = [score for other, score in every.items() if other[: len(longer)] == longer]
                assert row[token] == pytest.approx(np.logaddexp.reduce([-math.inf, *begins]), abs=1e-9)
        rows, tokens = (part.ravel() for part in np.mgrid[0 : len(written), 1:n_tokens])
        prefixes = prefixes.take(rows, tokens)
        written = [(*written[row], int(token)) for row, token in zip(rows, tokens, strict=True)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("length", [1, 3, 5])
def test_a_wide_beam_finds_the_best_of_all(length, weight, seed):
    steps, frames = Planted(seed=seed, ctc=True), recording(length, seed=seed)
    said, heard = totals(steps, frames), ctc_totals(frames[:, 1:])
    # Without CTC the mean over tokens counts, the end among them.
    both = {
        ids: weight * heard.get(ids, -math.inf) + (1 - weight) * said[ids] if weight else said[ids] / (len(ids) + 1) for ids in said
    }
    expected = sorted(((score, ids) for ids, score in both.items() if score > -math.inf), reverse=True)[:6]
    found = beam_attention(frames, steps, 10_000, nbest=6, ctc_weight=weight)
    assert [tuple(one.path.ids.tolist()) for one in found] == [ids for _, ids in expected]
    assert [one.score for one in found] == pytest.approx([score for score, _ in expected])


def test_ctc_weighs_nothing_where_it_was_not_trained():
    alone, beside = Planted(seed=4), Planted(seed=4, ctc=True)
    frames = recording(5)
    assert beam_attention(frames, alone, 9, ctc_weight=0.7)[0].score == beam_attention(frames, beside, 9)[0].score


@pytest.mark.parametrize("seed", range(5))
def test_what_a_narrow_beam_finds_has_the_score_it_says(seed):
    steps, frames = Planted(seed=seed), recording(6)
    every = {ids: score / (len(ids) + 1) for ids, score in totals(steps, frames).items()}
    for beam in (1, 2, 4):
        found = beam_attention(frames, steps, beam, nbest=beam)
        for one in found:
            assert one.score == pytest.approx(every[tuple(one.path.ids.tolist())])
    assert found[0].score > max(every.values()) - 1.0


def test_without_ctc_a_reading_is_not_cut_short_by_its_length():
    """The end is never likely before five tokens are written, but likelier than all five together."""

    class Slow(Planted):
        def one(self, recording, history):
            shares = [0.02, 0.01, 0.97] if len(history) == 5 else [0.15, 0.45, 0.40]
            return np.log([shares[2], shares[0], shares[1]] if len(history) == 5 else shares)

    steps, frames = Slow(), recording(4)
    every = totals(steps, frames)
    assert max(every, key=every.__getitem__) == ()
    found = beam_attention(frames, steps, 10)[0]
    assert found.path.ids.tolist() == [1] * 5
    assert greedy_attention([frames], steps)[0].ids.tolist() == [1] * 5


def test_the_search_stops_when_nothing_can_get_better():
    sure, unsure = Planted(seed=1, end=6.0), Planted(seed=1, end=-60.0)
    for steps in (sure, unsure):
        beam_attention(recording(40), steps, 5)
    assert sure.asked < 20 < unsure.asked
    wide, near = Planted(seed=1, end=-60.0), Planted(seed=1, end=-60.0)
    best = beam_attention(recording(40), wide, 20)[0]
    assert beam_attention(recording(40), near, 20, threshold=6.0)[0].score == best.score
    assert near.asked < wide.asked


LENGTHS = [3, 0, 12, 1, 7]


@pytest.mark.parametrize("end", [-3.0, 0.0, 3.0])
def test_greedy_equals_a_plain_loop_in_any_batch(end):
    steps = Planted(4, 7, end)
    recordings = [recording(length, number) if length else np.zeros((0, 4)) for number, length in enumerate(LENGTHS)]
    for frames, path in zip(recordings, greedy_attention(recordings, steps), strict=True):
        (alone,) = greedy_attention([frames], steps)
        ids, sure = [], []
        while len(ids) < MOST * len(frames):
            log_probs = steps.one(frames[0, 0], tuple(ids))
            if log_probs.argmax() == 0:
                break
            ids.append(int(log_probs.argmax()))
            sure.append(math.exp(log_probs.max()))
        places = [min(2 * u, len(frames) - 1) for u in range(len(ids))]
        for one in (path, alone):
            assert one.ids.tolist() == ids
            assert one.confidences == pytest.approx(sure)
            assert one.starts.tolist() == places
            assert one.ends.tolist() == [place + 1 for place in places]


def test_ctc_says_where_a_token_is():
    """CTC hears token 1 in frames 2 and 3 and token 2 in frame 6; the attention looks to frames 0 and 2."""

    class Certain(Planted):
        def one(self, recording, history):
            script = {(): 1, (1,): 2, (1, 2): 0}
            return np.log(np.where(np.arange(3) == script.get(history, 0), 0.98, 0.01))

    heard = [0, 0, 1, 1, 0, 0, 2, 0]
    frames = np.column_stack([np.zeros(8), np.log(np.where(np.arange(3) == np.array(heard)[:, None], 0.98, 0.01))])
    for ctc, starts, ends in ((True, [2, 6], [4, 7]), (False, [0, 2], [1, 3])):
        steps = Certain(ctc=ctc)
        for path in (*greedy_attention([frames], steps), beam_attention(frames, steps, 4, ctc_weight=0.3)[0].path):
            assert (path.ids.tolist(), path.starts.tolist(), path.ends.tolist()) == ([1, 2], starts, ends)
            assert path.confidences == pytest.approx([0.98] * 2)


def test_nothing_is_written_of_nothing():
    empty = np.zeros((0, 4))
    assert greedy_attention([], Planted()) == []
    assert [len(path) for path in greedy_attention([empty, empty], Planted())] == [0, 0]
    assert [len(one.path) for one in beam_attention(empty, Planted(), 5)] == [0]


def test_the_decoder_reads_stretches_and_refuses_what_helps_others(tmp_path):
    tokenizer = Tokenizer(("<blank>", "<space>", "a"), "chars")
    steps, options = Planted(seed=3, ctc=True), DecodingOptions(kind="beam", beam=6, nbest=2, ctc_weight=0.4)
    decoder = make_decoder(tokenizer, TextOptions(), options, steps=steps)
    assert decoder.description == "beam 6, threshold 25, CTC weight 0.4"
    pause = np.full((4, 4), np.nan)
    first, second = recording(5, 1), recording(6, 2)
    reading = decoder(np.concatenate([first, pause, second]))
    one, two = (decoder(each).path.ids.tolist() for each in (first, second))
    assert reading.path.ids.tolist() == [*one, 1, *two]
    found = beam_attention(first, steps, 6, 25.0, 2, 0.4)
    assert [decoder(first).text, *decoder(first).alternatives] == [tokenizer.decode(one.path.ids.tolist()) for one in found]
    with pytest.raises(Unsupported, match="attention encoder-decoder"):
        make_decoder(tokenizer, TextOptions(), options, Helpers(letter_lm=tmp_path / "lm.arpa"), steps=steps)
    with pytest.raises(UsageError, match="ctc_weight"):
        DecodingOptions(ctc_weight=1.5)
