"""Estimates against the formulas of Chen and Goodman (1999), written down once more in plain Python."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechrnn.errors import DataError, UsageError
from speechrnn.lm.arpa_writer import write_arpa
from speechrnn.lm.counting import count_ngrams, encode
from speechrnn.lm.estimate import EstimateOptions, discounts_of, estimate
from speechrnn.lm.ngram import NgramModel

Ngram = tuple[str, ...]


def chain(number: int = 200, seed: int = 1, n_words: int = 12) -> list[list[str]]:
    """Sentences in which every word depends on the one before."""
    generator = random.Random(seed)
    sentences = []
    for _ in range(number):
        place, words = generator.randrange(n_words), []
        for _ in range(generator.randint(1, 8)):
            words.append(f"w{place:02}")
            place = (place * 5 + int(generator.expovariate(0.7))) % n_words
        sentences.append(words)
    return sentences


class Formulas:
    """p(word | history), recursively."""

    def __init__(self, sentences: list[list[str]], options: EstimateOptions) -> None:
        self.options = options
        self.counts: list[Counter[Ngram]] = [Counter() for _ in range(options.order + 1)]
        for words in sentences:
            padded = ["<s>", *words, "</s>"]
            for n in range(1, options.order + 1):
                self.counts[n].update(tuple(padded[i : i + n]) for i in range(len(padded) - n + 1))
        self.vocabulary = sorted({word for (word,) in self.counts[1]} - {"<s>"} | {"<unk>"})
        self.adjusted = [Counter[Ngram]()] + [self._adjusted(n) for n in range(1, options.order + 1)]
        del self.adjusted[1][("<s>",)]
        self.followers: dict[Ngram, list[str]] = defaultdict(list)
        for adjusted in self.adjusted[1:]:
            for ngram in adjusted:
                self.followers[ngram[:-1]].append(ngram[-1])
        self.discounts = [self._discounts(adjusted) for adjusted in self.adjusted]

    def _adjusted(self, n: int) -> Counter[Ngram]:
        if n == self.options.order or self.options.smoothing == "witten-bell":
            return Counter(self.counts[n])
        preceding = Counter(ngram[1:] for ngram in self.counts[n + 1])
        return Counter({ngram: count if ngram[0] == "<s>" else preceding[ngram] for ngram, count in self.counts[n].items()})

    @staticmethod
    def _discounts(adjusted: Counter[Ngram]) -> list[float]:
        n = Counter(adjusted.values())
        if n[1] and n[2] and n[3]:
            y = n[1] / (n[1] + 2 * n[2])
            found = [i - (i + 1) * y * n[i + 1] / n[i] for i in (1, 2, 3)]
            if all(0 < discount <= i for i, discount in enumerate(found, 1)):
                return found
        return [0.5, 1.0, 1.5]

    def kept(self, ngram: Ngram) -> bool:
        return self.counts[len(ngram)][ngram] > self.options.threshold(len(ngram))

    def weight(self, history: Ngram) -> float:
        """Of the shorter history; 1 where nothing follows."""
        n = len(history) + 1
        followers = self.followers.get(history, [])
        if not followers:
            return 1.0
        adjusted = [self.adjusted[n][(*history, word)] for word in followers]
        kept = [n == 1 or self.kept((*history, word)) for word in followers]
        if self.options.smoothing == "witten-bell":
            passed_on = len(followers) + sum(count for count, keep in zip(adjusted, kept, strict=True) if not keep)
            return passed_on / (sum(adjusted) + len(followers))
        discounts = self.discounts[n]
        passed_on = sum(discounts[min(count, 3) - 1] if keep else count for count, keep in zip(adjusted, kept, strict=True))
        return passed_on / sum(adjusted)

    def probability(self, history: Ngram, word: str) -> float:
        n = len(history) + 1
        shorter = self.probability(history[1:], word) if history else 1 / len(self.vocabulary)
        own = 0.0
        count = self.adjusted[n][(*history, word)]
        if count and (n == 1 or self.kept((*history, word))):
            total = sum(self.adjusted[n][(*history, other)] for other in self.followers[history])
            if self.options.smoothing == "witten-bell":
                own = count / (total + len(self.followers[history]))
            else:
                own = (count - self.discounts[n][min(count, 3) - 1]) / total
        return own + self.weight(history) * shorter


def written(sentences: Sequence[Sequence[str]], options: EstimateOptions, folder: Path) -> Path:
    path = folder / "lm.arpa"
    write_arpa(path, estimate(sentences, options))
    return path


SETTINGS = [
    *(EstimateOptions(order, smoothing) for order in range(1, 7) for smoothing in ("kneser-ney", "witten-bell")),
    *(
        EstimateOptions(4, smoothing, prune)
        for smoothing in ("kneser-ney", "witten-bell")
        for prune in ((0, 1), (0, 0, 2), (0, 1, 2, 4))
    ),
]


def named(options: EstimateOptions) -> str:
    return f"{options.smoothing} {options.order} {options.prune}"


@pytest.mark.parametrize("options", SETTINGS, ids=named)
def test_every_listed_ngram_has_the_probability_of_the_formulas(options: EstimateOptions, tmp_path: Path, twin: type) -> None:
    sentences = chain()
    found = twin(written(sentences, options, tmp_path).read_text(encoding="utf-8"))
    expected = Formulas(sentences, options)
    for ngram, log_prob in found.log_probs.items():
        if ngram != ("<s>",):
            assert 10**log_prob == pytest.approx(expected.probability(ngram[:-1], ngram[-1]), rel=1e-6)
        if len(ngram) < options.order:
            assert 10 ** found.backoffs[ngram] == pytest.approx(expected.weight(ngram), rel=1e-6)
    listed = {ngram for n in range(1, options.order + 1) for ngram in expected.counts[n] if n == 1 or expected.kept(ngram)}
    assert found.log_probs.keys() == listed | {("<unk>",)}


@pytest.mark.parametrize(
    "options", [*SETTINGS, EstimateOptions(4, entropy=1e-4), EstimateOptions(3, "witten-bell", (0, 1), 1e-3)], ids=str
)
def test_after_every_history_the_probabilities_sum_to_one(options: EstimateOptions, tmp_path: Path, twin: type) -> None:
    found = twin(written(chain(), options, tmp_path).read_text(encoding="utf-8"))
    words = [word for word in found.words if word != "<s>"]
    listed = [ngram for ngram in found.log_probs if len(ngram) < options.order]
    unlisted = [tuple(history) for history in itertools.product([*words, "never"], repeat=2)][:300]
    for history in [(), *listed, *unlisted]:
        total = math.fsum(10 ** found.log_prob(history, word) for word in words)
        assert total == pytest.approx(1, abs=3e-6), history


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=6), min_size=1, max_size=12),
    st.integers(1, 6),
    st.sampled_from(["kneser-ney", "witten-bell"]),
    st.sampled_from([(), (0, 1), (0, 0, 1, 3)]),
    st.sampled_from([0.0, 1e-3, 0.1]),
)
def test_any_sentences_give_a_model_whose_probabilities_sum_to_one(
    tmp_path_factory, sentences, order, smoothing, prune, entropy
) -> None:
    options = EstimateOptions(order, smoothing, prune[:order], entropy)
    path = tmp_path_factory.getbasetemp() / "any.arpa"
    write_arpa(path, estimate(sentences, options))
    model = NgramModel.read_arpa(path)
    predicted = [index for index, word in enumerate(model.vocabulary) if word != "<s>"]
    states = {0, model.start_state()}
    for words in sentences:
        state = model.start_state()
        for word in words:
            state = model.advance(state, model.word_id(word))[1]
            states.add(state)
    for state in states:
        assert sum(math.exp(model.advance(state, word)[0]) for word in predicted) == pytest.approx(1, abs=3e-6)


def test_counts_are_those_of_a_dictionary() -> None:
    sentences = chain(50)
    corpus = encode(sentences)
    expected = Formulas(sentences, EstimateOptions(5))
    rows: list[list[Ngram]] = []
    for n, order in enumerate(count_ngrams(corpus, 5), 1):
        words = [corpus.vocabulary[word] for word in order.words]
        found = [(*(rows[-1][parent] if n > 1 else ()), word) for parent, word in zip(order.parents, words, strict=True)]
        counted = {ngram: count for ngram, count in zip(found, order.counts.tolist(), strict=True) if count}
        assert counted == expected.counts[n]
        assert order.begins.tolist() == [ngram[0] == "<s>" for ngram in found]
        if n > 1:
            assert [rows[-1][suffix] for suffix in order.suffixes] == [ngram[1:] for ngram in found]
            assert found == sorted(found, key=lambda ngram: [corpus.vocabulary.index(word) for word in ngram])
        rows.append(found)


def test_sentences_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    sentences = chain()
    first = written(sentences, EstimateOptions(4, entropy=1e-5), tmp_path).read_bytes()
    assert written(sentences[::-1], EstimateOptions(4, entropy=1e-5), tmp_path).read_bytes() == first


def test_gz_is_the_same_model_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    model = estimate(chain(), EstimateOptions(3))
    for name in ("a.arpa", "b.arpa.gz", "c.arpa.gz"):
        write_arpa(tmp_path / name, model)
    assert (tmp_path / "b.arpa.gz").read_bytes() == (tmp_path / "c.arpa.gz").read_bytes()
    assert (tmp_path / "b.arpa.gz").stat().st_size < 0.5 * (tmp_path / "a.arpa").stat().st_size
    plain, packed = NgramModel.read_arpa(tmp_path / "a.arpa"), NgramModel.read_arpa(tmp_path / "b.arpa.gz")
    assert all(np.array_equal(one, other) for one, other in zip(plain.arrays, packed.arrays, strict=True))


def test_discounts_are_those_of_the_paper_and_the_fallback_is_said() -> None:
    adjusted = np.repeat([1, 2, 3, 4, 9], [100, 40, 20, 10, 5])
    y = 100 / 180
    discounts, note = discounts_of(adjusted, 2)
    assert discounts == pytest.approx((1 - 2 * y * 40 / 100, 2 - 3 * y * 20 / 40, 3 - 4 * y * 10 / 20))
    assert note == []
    for adjusted in (np.array([5, 9]), np.repeat([1, 2, 3, 4], [2, 1, 9, 1])):
        discounts, note = discounts_of(adjusted, 2)
        assert discounts == (0.5, 1.0, 1.5)
        assert "order 2: " in note[0]
        assert "0.5, 1 and 1.5" in note[0]


def test_rare_words_are_counted_as_unknown() -> None:
    sentences = [["a", "b"], ["a", "c"], ["a", "a"]]
    options = EstimateOptions(2, "witten-bell", min_count=2)
    model = estimate(sentences, options)
    assert model.vocabulary == ("<unk>", "<s>", "</s>", "a")
    assert model.orders[0].counted.counts.tolist() == [2, 3, 3, 4]
    assert model.orders[0].probabilities[0] > model.orders[0].probabilities[2] / 2


def test_orders_without_ngrams_are_left_out_and_that_is_said() -> None:
    model = estimate([["a"], ["b"]], EstimateOptions(6, "witten-bell"))
    assert model.counts == (5, 4, 2)
    assert model.notes == ("no 4-grams are left: the model has order 3, not 6",)
    model = estimate([["a"], ["b"]], EstimateOptions(3, "witten-bell", prune=(0, 0, 5)))
    assert model.counts == (5, 4)


def test_sentences_without_words_are_skipped() -> None:
    assert estimate([[], ["a"], []], EstimateOptions(2)).counts == estimate([["a"]], EstimateOptions(2)).counts


@pytest.mark.parametrize(
    ("sentences", "message"), [([], "no words"), ([[]], "no words"), ([["a", "</s>"]], "the word </s> stands")]
)
def test_texts_that_give_no_model(sentences: list[list[str]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        estimate(sentences)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 7}, "the order is 7"),
        ({"order": 0}, "the order is 0"),
        ({"smoothing": "good-turing"}, "the smoothing is 'good-turing'"),
        ({"prune": (1,)}, "pruning by 1 would leave out words"),
        ({"prune": (0, 2, 1)}, "pruning by 0,2,1 falls"),
        ({"prune": (0, 0, 0, 1)}, "more values than the order 3"),
        ({"entropy": -1.0}, "the entropy threshold is -1.0"),
        ({"entropy": math.nan}, "the entropy threshold is nan"),
        ({"min_count": 0}, "the minimum count is 0"),
    ],
)
def test_options_out_of_range_are_refused(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EstimateOptions(**options)
