from __future__ import annotations

from pathlib import Path

import pytest

from speechrnn.data.split import hash_order, overlap, split_in_three, take_groups
from speechrnn.data.utterance import Utterance


def make(identity: str, text: str = "", speaker: str = "") -> Utterance:
    return Utterance(identity, Path("/a.wav"), 16_000, 0, 16_000, None, text or identity, speaker)


def sizes(splits) -> dict[str, int]:
    return {split: len(chosen) for split, chosen in splits.items()}


def test_hash_order_is_fixed_for_ever():
    assert hash_order(["an4", "mboshi", "fsdd", "yesno"]) == hash_order(["yesno", "fsdd", "an4", "mboshi"])
    assert hash_order(["a", "b", "c", "b"]) == ["c", "b", "a"]


def test_take_groups_takes_whole_groups_and_keeps_the_order():
    items = [f"{letter}{index}" for index in range(3) for letter in "abcd"]
    taken, rest = take_groups(items, lambda item: item[0], 4)
    assert taken == [item for item in items if item[0] in "dc"]
    assert sorted(taken + rest) == sorted(items)
    assert take_groups(items, lambda item: item[0], 0) == ([], items)
    assert take_groups(items, lambda item: item[0], 99) == (items, [])


def test_overlap():
    assert overlap({"a": "xy", "b": "yz", "c": "w"}) == {("a", "b"): {"y"}}


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, {"train": 1}),
        (2, {"train": 1, "dev": 1}),
        (3, {"train": 1, "dev": 1, "test": 1}),
        (10, {"train": 8, "dev": 1, "test": 1}),
        (100, {"train": 80, "dev": 10, "test": 10}),
    ],
)
def test_shares_of_distinct_sentences(count, expected):
    splits, _ = split_in_three([make(f"u{index}") for index in range(count)], "sentence", 0.1, 0.1)
    assert sizes(splits) == expected
    assert list(splits) == list(expected)


def test_equal_sentences_stay_together():
    many = [make(f"u{index}", text=f"s{index % 40}") for index in range(120)]
    splits, rule = split_in_three(many, "sentence", 0.1, 0.1)
    assert not overlap({split: [one.text for one in chosen] for split, chosen in splits.items()})
    assert sizes(splits) == {"train": 96, "dev": 12, "test": 12}
    assert "single" not in rule


def test_speakers_stay_together():
    many = [make(f"u{index}", speaker=f"s{index % 12}") for index in range(240)]
    splits, rule = split_in_three(many, "speaker", 0.1, 0.1)
    assert not overlap({split: [one.speaker for one in chosen] for split, chosen in splits.items()})
    assert sizes(splits) == {"train": 200, "dev": 20, "test": 20}
    assert "speaker" in rule


@pytest.mark.parametrize(
    ("sizes_of", "shared", "alone"),
    [
        ([40, 40, 40], set(), {"dev": 40, "test": 40}),
        ([90, 20, 30], set(), {"dev": 30, "test": 20}),
        # One speaker is left for train and dev, none of test's.
        ([60, 60], {("train", "dev")}, {"dev": 12, "test": 60}),
        ([60], {("train", "dev"), ("train", "test"), ("dev", "test")}, {"dev": 6, "test": 6}),
    ],
)
def test_few_speakers_stay_together_as_long_as_there_is_another(sizes_of, shared, alone):
    many = [make(f"u{who}-{n}", speaker=f"s{who}") for who, size in enumerate(sizes_of) for n in range(size)]
    splits, rule = split_in_three(many, "speaker", 0.1, 0.1)
    assert set(overlap({split: [one.speaker for one in chosen] for split, chosen in splits.items()})) == shared
    assert {split: n for split, n in sizes(splits).items() if split != "train"} == alone
    assert ("single utterances" in rule) == bool(shared)


@pytest.mark.parametrize("sentences", [1, 2])
def test_few_sentences_are_split_all_the_same_and_it_is_said(sentences):
    many = [make(f"u{index}", text=f"s{index % sentences}") for index in range(60)]
    splits, rule = split_in_three(many, "sentence", 0.1, 0.1)
    assert sizes(splits) == {"train": 48, "dev": 6, "test": 6}
    assert "single utterances" in rule


def test_a_share_of_nothing_and_determinism():
    many = [make(f"u{index}") for index in range(30)]
    assert sizes(split_in_three(many, "sentence", 0.1, 0)[0]) == {"train": 27, "dev": 3}
    first, second = split_in_three(many, "sentence", 0.2, 0.1), split_in_three(many[::-1], "sentence", 0.2, 0.1)
    assert {one.id for one in first[0]["dev"]} == {one.id for one in second[0]["dev"]}
