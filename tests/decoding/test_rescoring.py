"""Readings of a beam ranked once more, and words of equal sound told apart by how often they occur."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from speechrnn.decoding.beam import BeamSearch, Hypothesis
from speechrnn.decoding.decoder import make_decoder
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.rescoring import Remembering, rescore
from speechrnn.errors import DataError, UsageError
from speechrnn.lm.ngram import NgramModel
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import BLANK, SPACE, Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parent))
from spoken import heard

CHARS = Tokenizer((BLANK, SPACE, *"abcot"), "chars")
PHONES = Tokenizer((BLANK, "OW", "T"), "phones", {"O": [("OW",)], "OH": [("OW",)], "TOE": [("T", "OW")]}, {"O": 6, "OH": 2})


def bigrams(path: Path) -> Path:
    """A bigram model in which *cat* is rare, but not after *a*."""
    path.write_text(
        "\\data\\\nngram 1=5\nngram 2=1\n\n\\1-grams:\n-99\t<s>\t0\n-1\t</s>\n-3\tcat\n-1\tcot\n-1\ta\t-1\n\n"
        "\\2-grams:\n-0.01\ta cat\n\n\\end\\\n",
        encoding="utf-8",
    )
    return path


COT = ({"c": 0.99}, {"o": 0.7, "a": 0.3}, {"t": 0.99})


@pytest.mark.parametrize(("before", "expected"), [((), "cot"), (({"a": 0.99}, {" ": 0.99}), "a cat")])
def test_the_beam_is_ranked_by_the_sentences_as_a_whole(before, expected, tmp_path):
    log_probs = heard(CHARS, *before, *COT)
    helpers = Helpers(rescore=bigrams(tmp_path / "lm.arpa"))
    decoder = make_decoder(CHARS, TextOptions(), DecodingOptions(rescore_weight=1.0, nbest=3), helpers)
    reading = decoder(log_probs)
    assert reading.text == expected
    assert len(reading.alternatives) == 2
    assert decoder.weights == ("rescore_weight",)
    assert "rescored by 2-gram lm.arpa" in decoder.description
    assert decoder.reweighted(DecodingOptions(rescore_weight=0.0))(log_probs).text == "a cot"[-len(expected) :]


def test_scores_are_those_of_the_search_and_of_the_model_together(tmp_path):
    model = NgramModel.read_arpa(bigrams(tmp_path / "lm.arpa"))
    log_probs = heard(CHARS, {"a": 0.99}, {" ": 0.99}, *COT)
    found = BeamSearch(len(CHARS), DecodingOptions(kind="beam", nbest=50), space=1)(log_probs)
    sentences = [CHARS.decode(one.ids.tolist()).split() for one in found]
    ranked = rescore(found, sentences, model, 0.7)
    expected = {tuple(one.ids): one.score + 0.7 * model.score(words).sum() for one, words in zip(found, sentences, strict=True)}
    assert [one.score for one in ranked] == sorted(expected.values(), reverse=True)
    assert all(one.score == expected[tuple(one.ids)] for one in ranked)
    assert rescore([], [], model, 1.0) == []


def test_what_was_scored_is_not_asked_again(tmp_path, monkeypatch):
    model = NgramModel.read_arpa(bigrams(tmp_path / "lm.arpa"))
    asked = []

    class Counting:
        vocabulary, checksum, description = model.vocabulary, model.checksum, "counting"

        def score_many(self, sentences):
            asked.extend(sentences)
            return model.score_many(sentences)

    remembering = Remembering(Counting())
    for sentences in ([["a", "cat"], ["cot"], ["a", "cat"]], [["cot"], []], [["a", "cat"], ["cot", "a"]], []):
        found = remembering.score_many(sentences)
        assert [one.tolist() for one in found] == [one.tolist() for one in model.score_many(sentences)]
    assert asked == [("a", "cat"), ("cot",), (), ("cot", "a")]
    monkeypatch.setattr("speechrnn.decoding.rescoring.REMEMBERED", 4)
    for _ in range(2):
        assert remembering.score_many([["a"]])[0].tolist() == model.score(["a"]).tolist()
    assert asked[4:] == [("a",), ("a",)], "no more than so many are kept"


def test_equal_ones_keep_their_order(tmp_path):
    model = NgramModel.read_arpa(bigrams(tmp_path / "lm.arpa"))
    two = [Hypothesis(np.array([index]), ("a",), (1,), -1.0, -1.0) for index in range(2)]
    assert [int(one.ids[0]) for one in rescore(two, [["a"], ["a"]], model, 1.0)] == [0, 1]


def test_a_model_over_tokens_rescores_letters_and_words_need_words(tmp_path):
    letters = Tokenizer((BLANK, *"abcot"), "letters")
    over_tokens = tmp_path / "letters.arpa"
    over_tokens.write_text(
        "\\data\\\nngram 1=7\n\n\\1-grams:\n-99\t<s>\n-1\t</s>\n-1\ta\n-1\tb\n-1\tc\n-9\to\n-1\tt\n\n\\end\\\n", encoding="utf-8"
    )
    decoder = make_decoder(letters, TextOptions(), DecodingOptions(), Helpers(rescore=over_tokens))
    assert decoder(heard(letters, *COT)).text == "cat"
    with pytest.raises(UsageError, match="is over words, and the model writes letters"):
        make_decoder(letters, TextOptions(), DecodingOptions(), Helpers(rescore=bigrams(tmp_path / "lm.arpa")))
    (tmp_path / "half.arpa").write_text("\\data\\\nngram 1=7\n\n\\1-grams:\n-99\t<s>\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"half\.arpa"):
        make_decoder(CHARS, TextOptions(), DecodingOptions(), Helpers(rescore=tmp_path / "half.arpa"))


def test_words_of_equal_sound_are_told_apart_by_their_counts(tmp_path):
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("OH\tOW\nO\tOW\nTOE\tT OW\n", encoding="utf-8")
    log_probs = heard(PHONES, {"OW": 0.9}, {}, {"T": 0.9}, {"OW": 0.9})
    decoder = make_decoder(PHONES, TextOptions(), DecodingOptions(nbest=2), Helpers(lexicon=lexicon))
    assert decoder(log_probs).text == "O TOE"
    assert decoder(log_probs).alternatives == ("OH TOE",)


def test_all_but_the_most_frequent_word_of_a_sound_lose_by_their_rarity():
    lexicon = {"O": [[1]], "OH": [[1]], "TOE": [[2, 1]]}
    options = DecodingOptions(kind="beam", nbest=10)
    log_probs = heard(PHONES, {"T": 0.5}, {"OW": 0.9})

    def scores(counts):
        return {one.words: one.acoustic for one in BeamSearch(3, options, lexicon=lexicon, counts=counts)(log_probs)}

    without, with_counts = scores(None), scores(PHONES.counts)
    assert without["O",] == without["OH",]
    assert with_counts["O",] == pytest.approx(without["O",])
    assert with_counts["OH",] == pytest.approx(without["OH",] + math.log(3 / 7))
    assert with_counts["TOE",] == pytest.approx(without["TOE",])


@pytest.mark.parametrize(("p_oh", "expected"), [(-1.0, "O"), (-0.5, "OH")])
def test_a_language_model_that_tells_words_of_equal_sound_apart_needs_no_counts(p_oh, expected, tmp_path):
    lm = tmp_path / "lm.arpa"
    lm.write_text(f"\\data\\\nngram 1=4\n\n\\1-grams:\n-99\t<s>\n-1\t</s>\n-1\tO\n{p_oh}\tOH\n\n\\end\\\n", encoding="utf-8")
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("OH\tOW\nO\tOW\n", encoding="utf-8")
    decoder = make_decoder(PHONES, TextOptions(), DecodingOptions(word_bonus=5.0), Helpers(lm=lm, lexicon=lexicon))
    assert decoder(heard(PHONES, {"OW": 0.9})).text == expected


def test_a_model_that_knows_none_of_the_words_is_refused(tmp_path):
    upper = tmp_path / "upper.arpa"
    upper.write_text(
        bigrams(tmp_path / "lm.arpa")
        .read_text(encoding="utf-8")
        .replace("cat", "CAT")
        .replace("cot", "COT")
        .replace("\ta", "\tA")
        .replace("a CAT", "A CAT"),
        encoding="utf-8",
    )
    with pytest.raises(DataError, match=r"upper\.arpa: none of its 3 words can be read"):
        make_decoder(CHARS, TextOptions(), DecodingOptions(), Helpers(rescore=upper))
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("boat\tb o a t\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"none of its 3 words"):
        make_decoder(CHARS, TextOptions(), DecodingOptions(), Helpers(rescore=tmp_path / "lm.arpa", lexicon=lexicon))
