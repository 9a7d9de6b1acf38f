"""From planted steps to readings: stretches between pauses, words, alternatives, what is refused."""

import numpy as np
import pytest
from stepped import Planted, numbered

from speechrnn.decoding.decoder import make_decoder
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.neural import beam_transducer, greedy_transducer
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.stepwise import heard_spans
from speechrnn.errors import Unsupported, UsageError
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import Tokenizer

CHARS = Tokenizer(("<blank>", "<space>", "a", "b"), "chars")
LETTERS = Tokenizer(("<blank>", "a", "b", "c"), "letters")
PAUSE = np.full((6, 1), np.nan, np.float32)


def decoder(tokenizer, steps=None, helpers=None, **options):
    return make_decoder(tokenizer, TextOptions(), DecodingOptions(**options), helpers, steps=steps or Planted(seed=2, blank=2.0))


@pytest.mark.parametrize("kind", ["greedy", "beam"])
@pytest.mark.parametrize("tokenizer", [CHARS, LETTERS], ids=lambda t: t.unit)
def test_each_stretch_is_read_from_the_start_and_boundaries_stand_in_pauses(tokenizer, kind):
    first, second = numbered(9), numbered(7, 50)
    reading = decoder(tokenizer, kind=kind, beam=5)(np.concatenate([PAUSE, first, PAUSE, second, PAUSE]))
    one, two = (decoder(tokenizer, kind=kind, beam=5)(each).path for each in (first, second))
    between = [1] if tokenizer is CHARS else []
    assert reading.path.ids.tolist() == [*one.ids, *between, *two.ids]
    assert reading.path.starts.tolist() == [*(one.starts + 6), *([18] if between else []), *(two.starts + 21)]
    assert (reading.path.ends == reading.path.starts + 1).all()
    assert reading.text == tokenizer.decode(reading.path.ids.tolist())
    assert len(one)
    assert len(two)


def test_words_are_those_between_boundaries():
    reading = decoder(CHARS)(numbered(40))
    assert " ".join(word for word, _, _ in reading.words) == reading.text
    assert len(reading.words) > 1
    for (_, start, end), sure in zip(reading.words, reading.confidences, strict=True):
        assert sure == pytest.approx(reading.path.confidences[start:end].min())


def test_further_readings_are_alternatives_and_changes_are_counted():
    frames, steps = numbered(8), Planted(seed=2, blank=2.0)
    reading = decoder(LETTERS, kind="beam", beam=20, nbest=4)(frames)
    found = beam_transducer(frames, steps, 20, 25.0, 4)
    assert [reading.text, *reading.alternatives] == [LETTERS.decode(one.path.ids.tolist()) for one in found]
    (greedy,) = greedy_transducer([frames], steps)
    assert reading.changed == int(LETTERS.decode(greedy.ids.tolist()) != reading.text)


def test_nothing_heard_is_an_empty_reading():
    for frames in (PAUSE, PAUSE[:0]):
        for kind in ("greedy", "beam"):
            reading = decoder(CHARS, kind=kind)(frames)
            assert (reading.text, reading.words, len(reading.path)) == ("", (), 0)


def test_tokens_a_frame_are_bounded():
    """Where a blank is all but impossible: greedy decoding says as many as it may; the most probable are none in a frame."""
    for most in (1, 2):
        path = decoder(LETTERS, Planted(blank=-60.0), per_frame=most)(numbered(4)).path
        assert np.bincount(path.starts).tolist() == [most] * 4
    every = beam_transducer(numbered(2), Planted(3, blank=-60.0), 99, nbest=99, most=2)
    assert max(len(one.path) for one in every) == 4


def test_helpers_are_refused(tmp_path):
    with pytest.raises(Unsupported, match="without language models") as caught:
        decoder(CHARS, helpers=Helpers(letter_lm=tmp_path / "lm.arpa"))
    assert "ctc" in caught.value.remedy
    with pytest.raises(UsageError, match="per_frame"):
        DecodingOptions(per_frame=0)


@pytest.mark.parametrize(("heard", "spans"), [("", []), ("110", [(0, 2)]), ("0100110", [(1, 2), (4, 6)]), ("00", [])])
def test_spans(heard, spans):
    frames = np.array([[0.5 if one == "1" else np.nan] for one in heard], np.float32).reshape(-1, 1)
    assert heard_spans(frames) == spans
