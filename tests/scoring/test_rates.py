from __future__ import annotations

import pytest

from speechrnn.scoring.rates import NONE, Counts, count, kaldi_line, total


def test_corpus_rate_sums_before_it_divides() -> None:
    counts = total([count("a", "b"), count("abcdefghi", "abcdefghi")])
    assert counts.percent == pytest.approx(10), "the mean of the two utterance rates would be 50"


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected", "percent"),
    [
        ("", "", NONE, 0),
        ("", "x y", Counts(2, 0, 2, 0, 0), 200),
        ("a b", "", Counts(2, 2, 0, 2, 0), 100),
        ("a", "a b c", Counts(2, 1, 2, 0, 0), 200),
    ],
)
def test_edge_rules(reference: str, hypothesis: str, expected: Counts, percent: float) -> None:
    counts = count(reference.split(), hypothesis.split())
    assert counts == expected
    assert counts.percent == percent


def test_an_empty_reference_adds_errors_but_no_tokens() -> None:
    counts = total([count([], ["x"]), count(["a", "b"], ["a", "b"])])
    assert (counts.errors, counts.tokens, counts.percent) == (1, 2, 50)


def test_counts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="5 errors"):
        Counts(5, 10, 1, 1, 1)


def test_kaldi_line() -> None:
    assert kaldi_line(Counts(411, 5643, 58, 38, 315)) == "%WER 7.28 [ 411 / 5643, 58 ins, 38 del, 315 sub ]"
    assert kaldi_line(NONE, "PER") == "%PER 0.00 [ 0 / 0, 0 ins, 0 del, 0 sub ]"
