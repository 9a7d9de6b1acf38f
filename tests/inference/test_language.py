"""A recurrent language model as users hold it, and as a rescorer of a beam."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import speechrnn
from speechrnn.decoding.decoder import make_decoder
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import DataError, Unsupported, UsageError
from speechrnn.inference.language import with_rescorer
from speechrnn.lm.generate import GenerateOptions
from speechrnn.models.language import LanguageNetwork, LanguageOptions
from speechrnn.models.language_export import LEXICON, LanguageModelOptions, write_language
from speechrnn.recognizer import LanguageModel, Recognizer
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import BLANK, SPACE, Tokenizer

CPU = torch.device("cpu")
CHARS = Tokenizer((BLANK, SPACE, *"abcot"), "chars")


def store(path: Path, words: tuple[str, ...], unit: str = "word", weights: dict[str, float] | None = None, **files: bytes) -> Path:
    """A small model; of those named in ``weights`` the log odds are raised by so much, whatever came before."""
    torch.manual_seed(1)
    tokens = ("<unk>", "<s>", "</s>", *words)
    options = LanguageOptions(hidden=8, embedding=6)
    network = LanguageNetwork(options, len(tokens))
    with torch.no_grad():
        for word, odds in (weights or {}).items():
            network.bias[tokens.index(word)] += odds
    named = {LEXICON: files["lexicon"]} if files else {}
    write_language(path, LanguageModelOptions(options, unit), tokens, network.state_dict(), {"name": path.name}, named)
    return path


def test_it_is_a_language_model_and_no_recognizer(tmp_path: Path) -> None:
    model = speechrnn.load(store(tmp_path / "m", ("a", "b")), "cpu")
    assert isinstance(model, LanguageModel)
    assert not isinstance(model, Recognizer)
    assert model.info()["kind"] == "lm"
    assert model.info()["id"] == model.id == f"m@{model.checksum[:8]}"
    assert [model.knows(token) for token in ("a", "x", "<s>", "<unk>")] == [True, False, False, False]
    for more in ({"decoding": DecodingOptions()}, {"helpers": Helpers()}, {"vad": True}):
        with pytest.raises(Unsupported, match="hears no recordings"):
            speechrnn.load(tmp_path / "m", "cpu", **more)


def test_scores_are_of_tokens_and_of_the_end_and_unknown_ones_are_one(tmp_path: Path) -> None:
    model = speechrnn.load(store(tmp_path / "m", ("a", "b")), "cpu")
    alone, both = model.score(["a", "x"]), model.score_many([["a", "y"], [], ["b"] * 300])
    assert (alone.shape, alone.dtype) == ((3,), np.float64)
    np.testing.assert_allclose(both[0], alone, atol=1e-5)
    assert [len(found) for found in both] == [3, 1, 301]
    first, _ = model.begin(2)
    assert first.shape == (2, 5)
    np.testing.assert_allclose(first[:, 3], alone[0], atol=1e-5)
    assert np.exp(first).sum(1) == pytest.approx(1, abs=1e-5)


def test_drawing_is_repeatable_and_cold_drawing_takes_the_likeliest(tmp_path: Path) -> None:
    model = speechrnn.load(store(tmp_path / "m", tuple("abcdefgh"), weights={"</s>": -2.0}), "cpu")
    many = model.generate(12, GenerateOptions(1.0))
    assert model.generate(5, GenerateOptions(1.0)) == many[:5]
    assert model.generate(12, GenerateOptions(1.0, seed=3)) != many
    (cold,) = model.generate(1, GenerateOptions(0.0, max_length=9), ["c", "a"])
    log_probs, states = model.begin(1)
    for place, token in enumerate(cold.tokens):
        if place >= 2:
            best = log_probs[0].copy()
            best[0] = -np.inf
            assert model.vocabulary[best.argmax()] == token
        log_probs, states = model.go_on(states, np.array([model.vocabulary.index(token)]))
    with pytest.raises(UsageError, match="does not know the token 'x'"):
        model.generate(start=["x"])


def test_texts_become_tokens_as_in_training(tmp_path: Path) -> None:
    model = speechrnn.load(store(tmp_path / "m", ("w", "a"), "phone", lexicon=b"wa\tw a\n"), "cpu")
    assert model.units.unit == "phone"
    assert model.units.lexicon == tmp_path / "m" / LEXICON
    with pytest.raises(DataError, match=r"config\.yaml: the unit is 'syllable'"):
        speechrnn.load(store(tmp_path / "s", ("w",), "syllable"), "cpu")


def frames(*shares: dict[str, float]) -> np.ndarray:
    """Log posteriors (T, K) that give the symbols of each frame so much, the blank the rest."""
    probabilities = np.full((len(shares), len(CHARS)), 1e-6)
    for row, frame in zip(probabilities, shares, strict=True):
        for symbol, share in frame.items():
            row[CHARS.tokens.index(symbol)] = share
        row[0] = max(1 - row[1:].sum(), 1e-6)
    return np.log(probabilities).astype(np.float32)


COT = frames({"c": 0.99}, {"o": 0.7, "a": 0.3}, {"t": 0.99})


@pytest.mark.parametrize("remember", [False, True])
@pytest.mark.parametrize(
    ("words", "odds", "expected"),
    [(("cat", "cot"), {"cat": 9.0}, "cat"), (("cat", "cot"), {"cot": 9.0}, "cot"), ((SPACE, *"abcot"), {"o": -4.0}, "cat")],
)
def test_it_ranks_the_readings_of_a_beam(tmp_path: Path, words, odds: dict, expected: str, remember: bool) -> None:
    folder = store(tmp_path / "m", words, weights=odds)
    helpers = with_rescorer(Helpers(rescore=folder), CPU, remember=remember)
    decoder = make_decoder(CHARS, TextOptions(), DecodingOptions(rescore_weight=1.0, nbest=2), helpers)
    assert decoder(COT).text == expected
    assert decoder.weights == ("rescore_weight",)
    assert "rescored by LSTM of 1 x 8 m (" in decoder.description
    assert decoder.reweighted(DecodingOptions(rescore_weight=0.0))(COT).text == "cot"
    # The model's odds are what tells them apart, to the nat.
    model = speechrnn.load(folder, "cpu")
    tokens = [list(word) if len(words) > 2 else [word] for word in ("cat", "cot")]
    gain = float(np.subtract(*(found.sum() for found in model.score_many(tokens))))
    heard = math.log(0.7 / 0.3)
    if gain > 0:
        for share, text in ((0.95, "cot"), (1.05, "cat")):
            weighed = decoder.reweighted(DecodingOptions(rescore_weight=share * heard / gain))
            assert weighed(COT).text == text


def test_what_is_no_directory_stays_as_it_is(tmp_path: Path) -> None:
    for helpers in (None, Helpers(), Helpers(rescore=tmp_path / "lm.arpa")):
        assert with_rescorer(helpers, CPU) is helpers
    with pytest.raises(DataError, match="no model in it"):
        with_rescorer(Helpers(rescore=tmp_path), CPU)


def test_a_model_over_other_words_is_refused(tmp_path: Path) -> None:
    helpers = with_rescorer(Helpers(rescore=store(tmp_path / "m", ("DOG", "HEN"))), CPU)
    with pytest.raises(DataError, match="none of its 2 words can be read"):
        make_decoder(CHARS, TextOptions(), DecodingOptions(), helpers)
