from __future__ import annotations

import random

from speechrnn.scoring.breakdown import breakdowns, labels, ranges
from speechrnn.scoring.compare import compare
from speechrnn.scoring.rates import Counts
from speechrnn.scoring.results import Evaluation, Item, System


def evaluation(*items: Item) -> Evaluation:
    return compare([System("x", "m", "chars", ("wer",), items)], resamples=5)


def test_groups_hold_every_utterance_and_every_error_once() -> None:
    generator = random.Random(2)
    items = [
        Item(
            f"u{n}",
            " ".join(generator.choices("ab", k=generator.randint(1, 9))),
            "a b",
            speaker=f"s{n % 7}",
            duration=generator.choice([0.5, 1.0, 2.5, 4.0, 9.0]),
            snr=generator.choice([10.0, 20.0, 30.5]),
        )
        for n in range(101)
    ]
    found = evaluation(*items)
    all_counts = found.measures["x"]["wer"].counts
    by = {one.by: one for one in breakdowns(found, "wer")}
    assert list(by) == ["speaker", "length", "noise", "rate"]
    for one in by.values():
        assert sum(group.utterances for group in one.groups) == 101
        assert sum((group.counts["x"] for group in one.groups), Counts(0, 0, 0, 0, 0)) == all_counts
    rates = [group.counts["x"].percent for group in by["speaker"].groups]
    assert rates == sorted(rates, reverse=True)
    assert [group.label for group in by["noise"].groups] == ["10.0", "20.0", "30.5"]


def test_a_group_by_hand() -> None:
    found = evaluation(
        Item("u1", "a b", "a b", duration=1.0), Item("u2", "a", "b", duration=2.0), Item("u3", "a", "b", duration=0.0, speaker="s")
    )
    length, rate = breakdowns(found, "wer")
    assert [(group.label, group.utterances, group.counts["x"]) for group in length.groups] == [
        ("1.0", 1, Counts(0, 2, 0, 0, 0)),
        ("2.0", 1, Counts(1, 1, 0, 0, 1)),
    ]
    assert length.unknown == 1
    assert (rate.unit, [group.label for group in rate.groups]) == ("words/s", ["0.5", "2.0"])


def test_labels_tell_ranges_apart() -> None:
    """Rates of quick speech differ in the second decimal."""
    parts = ranges([1.2611 + n / 1e4 for n in range(50)])
    assert len(set(labels(parts))) == len(parts) > 1
    assert labels([(1.0, 2.0), (3.0, 3.0)]) == ["1.0 – 2.0", "3.0"]


def test_ranges_part_values_into_about_equal_groups_without_tearing_ties() -> None:
    generator = random.Random(1)
    for _ in range(200):
        values = [generator.randint(0, 12) for _ in range(generator.randint(0, 40))]
        found = ranges(values)
        assert all(sum(low <= value <= high for low, high in found) == 1 for value in values)
        assert len(found) <= 5
        assert found == sorted(found)
    assert ranges(list(range(10))) == [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
