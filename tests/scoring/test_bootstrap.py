"""The bootstrap against SciPy's, against theory, and against planted differences."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import stats

from speechrnn.scoring.bootstrap import Bootstrap, Interval, difference, groups, interval
from speechrnn.scoring.rates import Counts, total


def counts_of(errors: np.ndarray, tokens: np.ndarray) -> list[Counts]:
    return [Counts(int(e), int(t), 0, 0, int(e)) for e, t in zip(errors, tokens, strict=True)]


@pytest.fixture
def system() -> list[Counts]:
    generator = np.random.default_rng(3)
    tokens = generator.integers(1, 12, 150)
    return counts_of(generator.binomial(tokens, 0.12), tokens)


def test_interval_equals_scipy_within_the_noise_of_drawing(system: list[Counts]) -> None:
    ours = interval(Bootstrap([""] * len(system)).rates(system))
    errors, tokens = ([count.errors for count in system], [count.tokens for count in system])
    theirs = stats.bootstrap(
        (errors, tokens),
        lambda e, t, axis: 100 * e.sum(axis=axis) / t.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=10_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.25)
    assert ours.high == pytest.approx(theirs.high, abs=0.25)
    assert ours.low < total(system).percent < ours.high


def test_difference_equals_scipy_within_the_noise_of_drawing(system: list[Counts]) -> None:
    generator = np.random.default_rng(5)
    other = [Counts(e := int(generator.binomial(count.tokens, 0.2)), count.tokens, 0, 0, e) for count in system]
    bootstrap = Bootstrap([""] * len(system))
    ours = difference(total(system).percent, total(other).percent, bootstrap.rates(system), bootstrap.rates(other))
    theirs = stats.bootstrap(
        ([c.errors for c in system], [c.errors for c in other], [c.tokens for c in system]),
        lambda a, b, t, axis: 100 * (a - b).sum(axis=axis) / t.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=10_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.35)
    assert ours.high == pytest.approx(theirs.high, abs=0.35)
    assert ours.difference == total(system).percent - total(other).percent


def test_the_interval_covers_the_truth_about_95_times_in_100() -> None:
    generator = np.random.default_rng(11)
    tokens = np.full(80, 8)
    covered = 0
    for _ in range(200):
        drawn = counts_of(generator.binomial(tokens, 0.2), tokens)
        bounds = interval(Bootstrap([""] * 80, resamples=500).rates(drawn))
        covered += bounds.low <= 20 <= bounds.high
    assert 180 <= covered <= 199


def test_p_is_rarely_small_without_a_difference_and_small_with_one() -> None:
    generator = np.random.default_rng(4)
    tokens = np.full(120, 8)
    bootstrap = Bootstrap([""] * 120, resamples=1000)
    chance = []
    for _ in range(100):
        a, b = (counts_of(generator.binomial(tokens, 0.15), tokens) for _ in range(2))
        chance.append(difference(total(a).percent, total(b).percent, bootstrap.rates(a), bootstrap.rates(b)).p)
    assert 1 <= sum(p < 0.1 for p in chance) <= 20
    a, b = (counts_of(generator.binomial(tokens, rate), tokens) for rate in (0.08, 0.2))
    planted = difference(total(a).percent, total(b).percent, bootstrap.rates(a), bootstrap.rates(b))
    assert planted.p < 0.01
    assert planted.high < 0


def test_a_system_does_not_differ_from_itself(system: list[Counts]) -> None:
    rates = Bootstrap([""] * len(system), resamples=200).rates(system)
    same = difference(10.0, 10.0, rates, rates)
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_pairing_makes_a_shared_difficulty_cancel() -> None:
    # Half of the utterances are hard for both; b has one error more in each tenth utterance.
    hard = np.tile([0, 6], 100)
    a, b = counts_of(hard, np.full(200, 10)), counts_of(hard + (np.arange(200) % 10 == 0), np.full(200, 10))
    bootstrap = Bootstrap([""] * 200)
    paired = difference(total(a).percent, total(b).percent, bootstrap.rates(a), bootstrap.rates(b))
    assert paired.p < 0.001
    alone = interval(bootstrap.rates(a))
    assert alone.high > total(b).percent, "the intervals of the two overlap all the same"


def test_speakers_are_drawn_where_there_are_ten_of_them() -> None:
    ten = [f"s{index % 10}" for index in range(40)]
    assert groups(ten) is not None
    assert Bootstrap(ten).drawn == "speakers"
    assert Bootstrap([f"s{index % 9}" for index in range(40)]).drawn == "utterances"
    assert Bootstrap([*ten[:-1], ""]).drawn == "utterances", "one utterance without a speaker"


def test_drawing_speakers_widens_the_interval_where_errors_cluster() -> None:
    speakers = [f"s{index // 10}" for index in range(120)]
    errors = np.repeat([0, 4], [100, 20])
    clustered = counts_of(errors, np.full(120, 5))
    by_speaker, by_utterance = (interval(Bootstrap(s).rates(clustered)) for s in (speakers, [""] * 120))
    assert by_speaker.high - by_speaker.low > 2 * (by_utterance.high - by_utterance.low)
    # With equal shares per speaker, drawing 12 speakers of whom 2 are bad is a binomial draw.
    low, high = stats.binom.ppf([0.025, 0.975], 12, 2 / 12) / 12 * 80
    assert (by_speaker.low, by_speaker.high) == (pytest.approx(low), pytest.approx(high))


def test_edge_cases() -> None:
    assert interval(Bootstrap([""], resamples=10).rates([Counts(1, 4, 1, 0, 0)])) == Interval(25, 25)
    assert interval(Bootstrap([""] * 2, resamples=10).rates([Counts(0, 0, 0, 0, 0)] * 2)) == Interval(0, 0)
    assert interval(Bootstrap([], resamples=10).rates([])) == Interval(0, 0)
    with pytest.raises(ValueError, match="1 counts for 2"):
        Bootstrap(["", ""]).rates([Counts(0, 1, 0, 0, 0)])


def test_the_same_seed_gives_the_same_draws_and_chunks_do_not_matter(system: list[Counts], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Bootstrap([""] * len(system), resamples=100).rates(system)
    monkeypatch.setattr("speechrnn.scoring.bootstrap._CELLS", 150 * 7)
    assert np.array_equal(Bootstrap([""] * len(system), resamples=100).rates(system), whole)


def test_two_thousand_utterances_take_seconds() -> None:
    counts = counts_of(np.arange(2000) % 3, np.full(2000, 9))
    start = time.perf_counter()
    Bootstrap([""] * 2000).rates(counts)
    assert time.perf_counter() - start < 5
