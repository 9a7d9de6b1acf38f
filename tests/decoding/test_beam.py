from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from speechrnn.decoding.beam import BeamSearch, Hypothesis
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.viterbi import log_probability
from speechrnn.lm.ngram import NgramModel

WIDE = {"kind": "beam", "beam": 10_000, "threshold": 1e9, "nbest": 10_000}


def posteriors(n_frames: int, n_tokens: int, seed: int, spread: float = 2) -> np.ndarray:
    x = np.random.default_rng(seed).normal(0, spread, (n_frames, n_tokens))
    return (x - np.log(np.exp(x).sum(-1, keepdims=True))).astype(np.float32)


def collapse(path: Sequence[int]) -> tuple[int, ...]:
    return tuple(token for token, _ in itertools.groupby(path) if token)


def add(totals: dict, key: object, log_prob: float) -> None:
    totals[key] = np.logaddexp(totals.get(key, -math.inf), log_prob)


def all_readings(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """Log probability of every symbol sequence, summed over all its alignments one by one."""
    totals: dict[tuple[int, ...], float] = {}
    frames = range(len(log_probs))
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        add(totals, collapse(path), float(sum(log_probs[t, path[t]] for t in frames)))
    return totals


def parses(reading: tuple[int, ...], lexicon: dict[str, list[tuple[int, ...]]], space: int) -> Iterator[tuple[str, ...]]:
    """Every way to read symbols as words, each with each of its pronunciations."""
    if space in reading[:1]:
        # Boundaries may stand anywhere between words.
        yield from parses(reading[1:], lexicon, space)
        return
    if not reading:
        yield ()
    for word, pronunciations in lexicon.items():
        for tokens in pronunciations:
            whole = (*tokens, space) if space >= 0 else tokens
            if reading[: len(whole)] == whole:
                yield from ((word, *rest) for rest in parses(reading[len(whole) :], lexicon, space))
            elif reading == tokens:
                yield (word,)


def lm(folder: Path, words: Sequence[str], seed: int) -> NgramModel:
    """A bigram model with arbitrary figures."""
    draw = np.random.default_rng(seed).uniform
    unigrams = "".join(f"{draw(-2, -0.2):.4f}\t{word}\t{draw(-1, 0):.4f}\n" for word in ["<unk>", "<s>", *words])
    pairs = [(a, b) for a in ["<s>", *words] for b in [*words, "</s>"] if draw() < 0.5]
    bigrams = "".join(f"{draw(-2, -0.2):.4f}\t{a} {b}\n" for a, b in pairs)
    head = f"\\data\\\nngram 1={len(words) + 3}\nngram 2={len(pairs)}\n"
    path = folder / "lm.arpa"
    path.write_text(f"{head}\n\\1-grams:\n{unigrams}-1.1\t</s>\n\n\\2-grams:\n{bigrams}\n\\end\\\n")
    return NgramModel.read_arpa(path)


def sentence(model: NgramModel, words: Sequence[str]) -> float:
    state, total = model.start_state(), 0.0
    for word in words:
        found, state = model.advance(state, model.word_id(word))
        total += found
    return total + model.advance(state, model.end)[0]


def parses_with_unknown(reading: tuple[int, ...], lexicon: dict[str, list[tuple[int, ...]]], space: int) -> Iterator[tuple]:
    """The same where a word may also be any letters, which then stand for it."""
    if space in reading[:1]:
        yield from parses_with_unknown(reading[1:], lexicon, space)
        return
    if not reading:
        yield ()
    candidates = [(word, tokens) for word, several in lexicon.items() for tokens in several]
    candidates += [(reading[:n], reading[:n]) for n in range(1, len(reading) + 1) if space not in reading[:n]]
    for word, tokens in candidates:
        whole = (*tokens, space) if space >= 0 else tokens
        if reading[: len(whole)] == whole:
            yield from ((word, *rest) for rest in parses_with_unknown(reading[len(whole) :], lexicon, space))
        elif reading == tokens:
            yield (word,)


def check(found: list[Hypothesis], expected: dict[tuple, float], key: str) -> None:
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    got = {tuple(h.words) if key == "words" else tuple(h.ids.tolist()): h.score for h in found}
    assert len(got) == len(found), "every reading once"
    assert set(got) == set(expected)
    for reading, score in expected.items():
        assert got[reading] == pytest.approx(score, abs=1e-5), reading


@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_is_the_sum_over_all_alignments(seed: int) -> None:
    log_probs = posteriors(5, 4, seed)
    check(BeamSearch(4, DecodingOptions(**WIDE))(log_probs), all_readings(log_probs), "ids")


@pytest.mark.parametrize("seed", range(4))
def test_letter_language_model_and_bonus(seed: int, tmp_path: Path) -> None:
    log_probs = posteriors(5, 4, seed)
    model = lm(tmp_path, ["a", "b", "c"], seed)
    options = DecodingOptions(**WIDE, letter_weight=0.7, letter_bonus=0.3)
    search = BeamSearch(4, options, letter_lm=model, letter_ids=np.array([0, *map(model.word_id, "abc")]))
    expected = {
        reading: total + 0.7 * sentence(model, ["-abc"[i] for i in reading]) + 0.3 * len(reading)
        for reading, total in all_readings(log_probs).items()
    }
    check(search(log_probs), expected, "ids")


LEXICONS = {
    # Homophones, a word within a word, two pronunciations, one that starts as the one before ends.
    "phones": ({"one": [(1, 2)], "won": [(1, 2)], "a": [(1,), (2,)], "ba": [(2, 1)]}, -1),
    "letters": ({"a": [(1,)], "ab": [(1, 2)], "bb": [(2, 2)]}, 3),
}


@pytest.mark.parametrize("kind", LEXICONS)
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_lexicon_beam_is_the_sum_over_alignments_and_pronunciations(kind: str, seed: int, tmp_path: Path) -> None:
    lexicon, space = LEXICONS[kind]
    log_probs = posteriors(6, 3 if space < 0 else 4, seed)
    model = lm(tmp_path, sorted(lexicon)[:-1], seed)
    search = BeamSearch(
        log_probs.shape[1], DecodingOptions(**WIDE, lm_weight=0.8, word_bonus=-0.4), space=space, lexicon=lexicon, word_lm=model
    )
    expected: dict[tuple[str, ...], float] = {}
    for reading, total in all_readings(log_probs).items():
        for words in parses(reading, lexicon, space):
            add(expected, words, total + 0.8 * sentence(model, words) - 0.4 * len(words))
    check(search(log_probs), expected, "words")


@pytest.mark.parametrize("kind", LEXICONS)
@pytest.mark.parametrize("seed", range(4))
def test_unknown_words_are_spelled_by_the_letter_model(kind: str, seed: int, tmp_path: Path) -> None:
    lexicon, space = LEXICONS[kind]
    log_probs = posteriors(5, 3 if space < 0 else 4, seed)
    words_lm = lm(tmp_path, sorted(lexicon), seed)
    letters_lm = lm(tmp_path, ["x", "y"], seed + 1)
    search = BeamSearch(
        log_probs.shape[1],
        DecodingOptions(**WIDE, lm_weight=0.8, word_bonus=-0.4, letter_weight=0.6, unknown_bonus=-1.5),
        space=space,
        lexicon=lexicon,
        word_lm=words_lm,
        letter_lm=letters_lm,
        letter_ids=np.array([0, letters_lm.word_id("x"), letters_lm.word_id("y"), 0][: log_probs.shape[1]]),
    )
    expected: dict[tuple, float] = {}
    for reading, total in all_readings(log_probs).items():
        for words in parses_with_unknown(reading, lexicon, space):
            spelled = [word for word in words if isinstance(word, tuple)]
            letters = sum(sentence(letters_lm, ["-xy"[i] for i in word]) for word in spelled)
            score = 0.8 * sentence(words_lm, [w if isinstance(w, str) else "<unk>" for w in words])
            add(expected, words, total + score - 0.4 * len(words) + 0.6 * letters - 1.5 * len(spelled))
    found = {}
    for h in search(log_probs):
        starts = (0, *h.ends)
        spelling = [tuple(i for i in h.ids[a:b].tolist() if i != space) for a, b in itertools.pairwise(starts)]
        key = tuple(word or letters for word, letters in zip(h.words, spelling, strict=True))
        assert key not in found, "every reading once"
        found[key] = h.score
    assert set(found) == set(expected)
    for reading, score in expected.items():
        assert found[reading] == pytest.approx(score, abs=1e-5), reading


@pytest.mark.parametrize("seed", range(3))
def test_hotwords_add_their_bonus_once_for_each_time(seed: int) -> None:
    log_probs = posteriors(6, 4, seed)
    hotwords = [((1,), 1.5), ((2, 1), 2.0)]
    search = BeamSearch(4, DecodingOptions(**WIDE), space=3, hotwords=hotwords)
    expected = {}
    for reading, total in all_readings(log_probs).items():
        words = [tuple(word) for is_space, word in itertools.groupby(reading, lambda i: i == 3) if not is_space]
        expected[reading] = total + sum(bonus * words.count(phrase) for phrase, bonus in hotwords)
    check(search(log_probs), expected, "ids")


@pytest.mark.parametrize("seed", range(3))
def test_hotwords_of_a_lexicon_are_words(seed: int) -> None:
    lexicon, space = LEXICONS["phones"]
    log_probs = posteriors(6, 3, seed)
    places = {word: index for index, word in enumerate(lexicon)}
    phrases = [(["ba"], 2.0), (["one", "a"], 1.0)]
    search = BeamSearch(3, DecodingOptions(**WIDE), lexicon=lexicon, hotwords=[([places[w] for w in p], b) for p, b in phrases])
    expected: dict[tuple[str, ...], float] = {}
    for reading, total in all_readings(log_probs).items():
        for words in parses(reading, lexicon, space):
            add(expected, words, total)
    for words in expected:
        expected[words] += 2.0 * words.count("ba") + sum(pair == ("one", "a") for pair in itertools.pairwise(words))
    check(search(log_probs), expected, "words")


def test_a_narrow_beam_is_never_better_and_counts_nothing_twice() -> None:
    draw = np.random.default_rng(0)
    for _ in range(6):
        log_probs = posteriors(40, 6, int(draw.integers(1 << 30)), spread=5)
        wide = BeamSearch(6, DecodingOptions(kind="beam", beam=5000, threshold=60.0))(log_probs)[0]
        narrow = BeamSearch(6, DecodingOptions(kind="beam", beam=8, tokens=3, threshold=8.0))(log_probs)[0]
        assert narrow.score <= wide.score + 1e-9
        assert narrow.score <= log_probability(log_probs, narrow.ids) + 1e-5, "no probability is counted twice"
        assert wide.acoustic == pytest.approx(log_probability(log_probs, wide.ids), abs=0.05)


def test_no_frames_and_no_whole_word() -> None:
    nothing = np.zeros((0, 4), np.float32)
    assert BeamSearch(4, DecodingOptions(kind="beam"))(nothing)[0].ids.tolist() == []
    # One frame, in which the two letters of the only word cannot be read.
    only = np.log(np.array([[0.01, 0.98, 0.01]], np.float32))
    (found,) = BeamSearch(3, DecodingOptions(kind="beam", beam=1), lexicon={"ab": [(1, 2)]})(only)
    assert (found.words, found.whole) == ((), False)


def test_of_readings_that_are_nearly_as_good_the_exactly_best_comes_first() -> None:
    lost = 0
    for seed in range(30):
        log_probs = posteriors(40, 8, seed, spread=1.5)
        found = BeamSearch(8, DecodingOptions(kind="beam", beam=4, nbest=4))(log_probs)
        near = [one for one in found if one.score >= found[0].score - 0.5]
        for one in near:
            assert one.acoustic == pytest.approx(log_probability(log_probs, one.ids), abs=1e-4)
        assert [one.score for one in found[: len(near)]] == sorted((one.score for one in near), reverse=True)
        lost += len(near) > 1
    assert lost > 10, "there were readings to choose from"


def narrow(log_probs: np.ndarray, beam: int, threshold: float) -> tuple[int, ...]:
    """A beam over (reading, whether the last frame is blank), as plain as can be; the best reading by its exact sum."""
    parts: dict[tuple[tuple[int, ...], bool], float] = {((), True): 0.0}
    for frame in log_probs:
        found: dict[tuple[tuple[int, ...], bool], float] = {}
        for (reading, blank), mass in parts.items():
            add(found, (reading, True), mass + float(frame[0]))
            for c in range(1, len(frame)):
                again = not blank and reading[-1:] == (c,)
                add(found, (reading if again else (*reading, c), False), mass + float(frame[c]))
        ranked = sorted(found.items(), key=lambda part: -part[1])[:beam]
        parts = {part: mass for part, mass in ranked if mass >= ranked[0][1] - threshold}
    return max({reading for reading, _ in parts}, key=lambda reading: log_probability(log_probs, reading))


@pytest.mark.parametrize(("beam", "threshold"), [(5, 50.0), (8, 50.0), (20, 50.0), (20, 2.0), (20, 0.3)])
def test_a_narrow_beam_counts_readings_that_end_in_blank_and_those_that_do_not_apart(beam: int, threshold: float) -> None:
    for seed in range(40):
        log_probs = posteriors(12, 5, seed)
        found = BeamSearch(5, DecodingOptions(kind="beam", beam=beam, threshold=threshold))(log_probs)[0]
        assert tuple(found.ids.tolist()) == narrow(log_probs, beam, threshold)
