from __future__ import annotations

import logging
import sys
from pathlib import Path

import numpy as np
import pytest

from speechrnn.decoding.decoder import Reading, make_decoder
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import DataError, SpeechrnnError, UsageError
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import BLANK, SPACE, Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parent))
from spoken import heard

CHARS = Tokenizer((BLANK, SPACE, *"abcot"), "chars")
PHONES = Tokenizer((BLANK, "AE", "K", "OW", "T"), "phones")


def spell(tokenizer: Tokenizer, text: str) -> np.ndarray:
    return heard(tokenizer, *(frame for symbol in text for frame in ({symbol: 0.99}, {})))


def arpa(path: Path, unigrams: dict[str, float], unknown: bool = False) -> Path:
    extra = {"<s>": -99.0, "</s>": -1.0, **({"<unk>": -2.0} if unknown else {})}
    lines = "".join(f"{p}\t{word}\n" for word, p in {**unigrams, **extra}.items())
    path.write_text(f"\\data\\\nngram 1={len(unigrams) + len(extra)}\n\n\\1-grams:\n{lines}\n\\end\\\n", encoding="utf-8")
    return path


def read(tokenizer: Tokenizer, log_probs: np.ndarray, helpers: Helpers, **options: object) -> Reading:
    return make_decoder(tokenizer, TextOptions(), DecodingOptions(**options), helpers)(log_probs)  # type: ignore[arg-type]


CAT_OR_COT = heard(CHARS, {"c": 0.99}, {"o": 0.6, "a": 0.4}, {"t": 0.99}, {}, {" ": 0.99}, {"a": 0.99})


def test_greedy_without_helpers() -> None:
    found = read(CHARS, CAT_OR_COT, Helpers())
    assert (found.text, found.words, found.changed) == ("cot a", (("cot", 0, 3), ("a", 4, 5)), 0)


def test_a_word_model_is_told_from_a_letter_model_by_its_vocabulary(tmp_path: Path) -> None:
    words = arpa(tmp_path / "words.arpa", {"cat": -0.5, "cot": -3.0, "a": -1.0})
    found = read(CHARS, CAT_OR_COT, Helpers(lm=words))
    assert (found.text, found.words, found.changed) == ("cat a", (("cat", 0, 3), ("a", 4, 5)), 1)
    letters = arpa(tmp_path / "letters.arpa", {"a": -0.5, "c": -1.0, "o": -3.0, "t": -1.0, "<space>": -1.0, "b": -1.0})
    assert read(CHARS, CAT_OR_COT, Helpers(lm=letters)).text == "cat a"
    assert read(CHARS, CAT_OR_COT, Helpers(lm=letters), letter_weight=0.0).text == "cot a"


def test_times_are_those_of_the_best_alignment(tmp_path: Path) -> None:
    found = read(CHARS, CAT_OR_COT, Helpers(lm=arpa(tmp_path / "w", {"cat": -0.5, "a": -1.0})))
    assert [CHARS.tokens[i] for i in found.path.ids] == ["c", "a", "t", SPACE, "a"]
    assert found.path.starts.tolist() == [0, 1, 2, 4, 5]
    assert found.path.ends.tolist() == [1, 2, 3, 5, 6]
    assert found.path.confidences.tolist() == pytest.approx([0.99, 0.4, 0.99, 0.99, 0.99], abs=1e-3)


def test_a_last_boundary_counts_where_it_was_heard(tmp_path: Path) -> None:
    lm = arpa(tmp_path / "w", {"cat": -0.5, "a": -1.0})
    assert [CHARS.tokens[i] for i in read(CHARS, spell(CHARS, "cat "), Helpers(lm=lm)).path.ids] == ["c", "a", "t", SPACE]
    assert [CHARS.tokens[i] for i in read(CHARS, spell(CHARS, "cat"), Helpers(lm=lm)).path.ids] == ["c", "a", "t"]


def test_phones_become_words_by_a_lexicon(tmp_path: Path) -> None:
    (tmp_path / "lexicon.txt").write_text("COAT\tK OW T\nCAT\tK AE T\nCAT\tAE T\nAT\tAE T\n")
    log_probs = heard(PHONES, {"K": 0.9}, {"AE": 0.9}, {"T": 0.9}, {}, {"K": 0.1, "AE": 0.9}, {"T": 0.9})
    found = read(PHONES, log_probs, Helpers(lexicon=tmp_path / "lexicon.txt", lm=arpa(tmp_path / "w", {"CAT": -0.1, "AT": -2.0})))
    assert found.words == (("CAT", 0, 3), ("CAT", 3, 5)), "the pronunciation that was heard"
    with pytest.raises(UsageError, match="the model writes phones"):
        read(PHONES, log_probs, Helpers(lm=tmp_path / "w"))


def test_words_outside_the_lexicon_are_spelled(tmp_path: Path) -> None:
    letters = arpa(tmp_path / "letters", dict.fromkeys("abcot", -0.7))
    (tmp_path / "lexicon.txt").write_text("cat c a t\n")
    helpers = Helpers(lexicon=tmp_path / "lexicon.txt")
    assert read(CHARS, spell(CHARS, "cat boa"), helpers).text != "cat boa"
    helpers = Helpers(lexicon=tmp_path / "lexicon.txt", letter_lm=letters)
    assert read(CHARS, spell(CHARS, "cat boa"), helpers).words == (("cat", 0, 3), ("boa", 4, 7))


def test_alternatives_are_different_and_of_falling_score() -> None:
    found = read(CHARS, CAT_OR_COT, Helpers(), kind="beam", nbest=4)
    assert (found.text, found.alternatives[0], len({found.text, *found.alternatives})) == ("cot a", "cat a", 4)


def test_hotwords_of_letters_words_and_new_words(tmp_path: Path) -> None:
    lm = arpa(tmp_path / "w", {"cot": -0.5, "a": -1.0})
    assert read(CHARS, CAT_OR_COT, Helpers(hotwords=(("cat", 3.0),))).text == "cat a"
    assert read(CHARS, CAT_OR_COT, Helpers(lm=lm)).text == "cot a"
    assert read(CHARS, CAT_OR_COT, Helpers(lm=lm, hotwords=(("cat", 3.0),))).text == "cat a", "a word the model does not know"
    assert read(PHONES, heard(PHONES, {"K": 0.6, "T": 0.4}), Helpers(hotwords=(("T", 1.0),))).text == "T"


def refused(kind: type[SpeechrnnError], message: str, helpers: Helpers, tokenizer: Tokenizer = CHARS) -> None:
    with pytest.raises(kind, match=message) as caught:
        make_decoder(tokenizer, TextOptions(), DecodingOptions(), helpers)
    assert caught.value.remedy


def test_helpers_that_do_not_fit_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    letters = arpa(tmp_path / "letters", {"a": -1.0, "b": -1.0})
    other_script = arpa(tmp_path / "кот", {"кот": -1.0, "да": -1.0})
    words = arpa(tmp_path / "words", {"cat": -1.0, "dog": -1.0})
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("CAT\tK AE T\nDOG\tD AO G\n")
    refused(DataError, r"(?s)none of its 2 words.*кот", Helpers(lm=other_script))
    refused(DataError, "no token of the model: cat dog", Helpers(letter_lm=words))
    refused(UsageError, "both over the model's tokens", Helpers(lm=letters, letter_lm=letters))
    refused(UsageError, "over the model's tokens", Helpers(lm=letters, lexicon=lexicon))
    refused(DataError, r"D \(in DOG\), AO \(in DOG\), G \(in DOG\)", Helpers(lexicon=lexicon), PHONES)
    refused(
        UsageError,
        r"^the hotword 'xyz' cannot be written in the model's tokens: [^\n]*\nwrite it in the tokens of",
        Helpers(hotwords=(("xyz", 1.0),)),
    )
    refused(UsageError, "hotword '  ' is empty", Helpers(hotwords=(("  ", 1.0),)))
    refused(DataError, "no such file", Helpers(lm=tmp_path / "none"))
    (tmp_path / "k").write_text("COAT\tK OW T\n")
    refused(UsageError, "the lexicon lacks cat", Helpers(lexicon=tmp_path / "k", hotwords=(("cat", 1.0),)), PHONES)
    refused(DataError, "none of the 1 words of the lexicon", Helpers(lexicon=tmp_path / "k", lm=words), PHONES)
    with caplog.at_level(logging.WARNING, "speechrnn"):
        make_decoder(CHARS, TextOptions(), DecodingOptions(), Helpers(lm=words))
    assert "1 words left out" in caplog.text
    assert "dog" in caplog.text


@pytest.mark.parametrize(
    "options",
    [{"beam": 0}, {"beam": 10, "nbest": 11}, {"kind": "bream"}, {"threshold": 0.0}, {"lm_weight": -1.0}, {"tokens": -1}],
)
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        DecodingOptions(**options)  # type: ignore[arg-type]
    assert next(iter(options)) in caught.value.message or "nbest" in caught.value.message


def test_the_description_names_every_choice(tmp_path: Path) -> None:
    lm = arpa(tmp_path / "words.arpa", {"cat": -1.0})
    decoder = make_decoder(CHARS, TextOptions(), DecodingOptions(beam=7, lm_weight=0.6), Helpers(lm=lm, hotwords=(("cat", 1.0),)))
    assert all(part in decoder.description for part in ("beam 7", "words.arpa", "weight 0.6", "1 words", "1 hotwords"))
