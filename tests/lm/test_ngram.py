"""The arrays and kernels against the definition of an ARPA file."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speechrnn.errors import DataError
from speechrnn.lm.ngram import NgramModel


def random_sentences(words: list[str], number: int = 100, seed: int = 3) -> list[list[str]]:
    generator = random.Random(seed)
    choices = [word for word in words if word not in {"<s>", "</s>"}] + ["never-seen"]
    return [[generator.choice(choices) for _ in range(generator.randint(0, 9))] for _ in range(number)]


@pytest.mark.parametrize("order", range(1, 7))
def test_sentences_score_as_the_definition_says(order: int, make_arpa: Callable[..., str], twin: type, tmp_path: Path) -> None:
    for seed in range(5):
        text = make_arpa(seed, order, n_words=6 if order < 5 else 3)
        (tmp_path / "lm.arpa").write_text(text, encoding="utf-8")
        model, expected = NgramModel.read_arpa(tmp_path / "lm.arpa"), twin(text)
        assert model.order == order
        sentences = random_sentences(expected.words)
        for words, scores in zip(sentences, model.score_many(sentences), strict=True):
            np.testing.assert_allclose(scores, expected.score(words), atol=2e-6)
            np.testing.assert_array_equal(scores, model.score(words))


def test_all_that_may_follow_is_foretold_at_once(tiny: Path) -> None:
    model = NgramModel.read_arpa(tiny)
    state = model.start_state()
    for word in ("a", "b", "x"):
        expected = [model.advance(state, index)[0] for index in range(len(model.vocabulary))]
        assert model.foretell(state).tolist() == expected
        state = model.advance(state, model.word_id(word))[1]
    assert model.description == "3-gram"


def test_advance_and_finish_walk_through_a_sentence(tiny: Path, twin: type) -> None:
    model = NgramModel.read_arpa(tiny)
    state, total = model.start_state(), 0.0
    for word in ("a", "b"):
        log_prob, state = model.advance(state, model.word_id(word))
        total += log_prob
    total += model.finish(state)
    assert total == pytest.approx(np.log(10) * (-0.25 - 0.12 - 0.13), abs=1e-6)
    assert model.score(["b", "b"])[0] == pytest.approx(np.log(10) * (-0.30103 - 0.6), abs=1e-6), "backs off from <s>"


def test_equal_states_score_every_continuation_equally(make_arpa: Callable[..., str], twin: type, tmp_path: Path) -> None:
    text = make_arpa(1, 4, n_words=3)
    (tmp_path / "lm.arpa").write_text(text, encoding="utf-8")
    model, expected = NgramModel.read_arpa(tmp_path / "lm.arpa"), twin(text)
    words = [word for word in expected.words if word not in {"<s>", "</s>"}]
    histories: dict[int, tuple[str, ...]] = {}
    merged = 0
    for history in itertools.product(words, repeat=3):
        state = model.start_state()
        for word in history:
            state = model.advance(state, model.word_id(word))[1]
        if state in histories:
            merged += 1
            for word in words:
                same = expected.log_prob(histories[state], word)
                assert expected.log_prob(history, word) == pytest.approx(same, abs=1e-9)
        histories.setdefault(state, history)
    assert merged > 10, "histories that no n-gram tells apart share a state"


def test_words_outside_the_vocabulary_are_unknown(tiny: Path) -> None:
    model = NgramModel.read_arpa(tiny)
    assert model.vocabulary == ("<unk>", "<s>", "</s>", "a", "b")
    assert model.counts == (5, 4, 2)
    assert model.unknown(["a", "x", "<unk>", "x"]) == ["x", "<unk>", "x"]
    assert model.word_id("x") == 0
    np.testing.assert_array_equal(model.score(["a", "x"]), model.score(["a", "<unk>"]))


def test_a_model_without_unk_gives_unknown_words_what_kenlm_gives(tmp_path: Path, tiny: Path) -> None:
    text = tiny.read_text(encoding="utf-8").replace("ngram 1=5", "ngram 1=4").replace("-0.8\t<unk>\t-0.05\n", "")
    (tmp_path / "lm.arpa").write_text(text, encoding="utf-8")
    model = NgramModel.read_arpa(tmp_path / "lm.arpa")
    assert not model.lists_unknown
    assert model.score(["x"])[0] == pytest.approx(np.log(10) * (-100 - 0.30103))
    assert model.score(["a"])[0] == pytest.approx(np.log(10) * -0.25)


def test_no_sentences_and_empty_sentences(tiny: Path, twin: type) -> None:
    model = NgramModel.read_arpa(tiny)
    assert model.score_many([]) == []
    expected = twin(tiny.read_text(encoding="utf-8"))
    for scores in model.score_many([[], []]):
        np.testing.assert_allclose(scores, expected.score([]), atol=1e-6)


def test_an_ngram_without_its_beginning_is_refused_by_name(tiny: Path) -> None:
    text = tiny.read_text(encoding="utf-8")
    tiny.write_text(text.replace("<s> a b\n", "b b a\n"), encoding="utf-8")
    with pytest.raises(DataError, match="the n-gram 'b b a' is listed, its beginning 'b b' is not"):
        NgramModel.read_arpa(tiny)


def test_an_ngram_twice_is_refused_by_name(tiny: Path) -> None:
    text = tiny.read_text(encoding="utf-8")
    tiny.write_text(text.replace("<s> a b\n", "a b </s>\n"), encoding="utf-8")
    with pytest.raises(DataError, match="the n-gram 'a b </s>' is listed twice"):
        NgramModel.read_arpa(tiny)


@pytest.mark.parametrize("word", ["<s>", "</s>"])
def test_a_model_without_sentence_borders_is_refused(word: str, tmp_path: Path) -> None:
    words = [other for other in ("<s>", "</s>", "a") if other != word]
    lines = "".join(f"-1\t{other}\n" for other in words)
    (tmp_path / "lm.arpa").write_text(f"\\data\\\nngram 1=2\n\n\\1-grams:\n{lines}\n\\end\\\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"{word} is not among the unigrams"):
        NgramModel.read_arpa(tmp_path / "lm.arpa")


def test_the_checksum_is_that_of_the_file(tiny: Path) -> None:
    first = NgramModel.read_arpa(tiny).checksum
    assert len(first) == 64
    tiny.write_text(tiny.read_text(encoding="utf-8").replace("-0.13", "-0.14"), encoding="utf-8")
    assert NgramModel.read_arpa(tiny).checksum != first
