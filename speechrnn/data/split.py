"""Splits that nobody has to store: whole groups in the order of a hash of their names."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from speechrnn.data.utterance import Utterance

T = TypeVar("T")


def hash_order(names: Iterable[str]) -> list[str]:
    """Distinct names in the order of their SHA-256: as good as shuffled, and the same on every machine.

    >>> hash_order(["a", "b", "c", "b"])
    ['c', 'b', 'a']
    """
    return sorted(set(names), key=lambda name: (hashlib.sha256(name.encode("utf-8")).hexdigest(), name))


def take_groups(items: Iterable[T], key: Callable[[T], str], at_least: int) -> tuple[list[T], list[T]]:
    """Whole groups (items of equal ``key``) in hash order until there are ``at_least`` items.

    Returns:
        the items taken and the rest, each in the order given.
    """
    items = list(items)
    sizes: dict[str, int] = {}
    for item in items:
        sizes[key(item)] = sizes.get(key(item), 0) + 1
    taken: set[str] = set()
    count = 0
    for name in hash_order(sizes):
        if count >= at_least:
            break
        taken.add(name)
        count += sizes[name]
    return [item for item in items if key(item) in taken], [item for item in items if key(item) not in taken]


def overlap(splits: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], set[str]]:
    """Names that two splits share, by pair of splits; pairs without any are left out."""
    names = {split: set(values) for split, values in splits.items()}
    order = list(names)
    pairs = [(a, b) for index, a in enumerate(order) for b in order[index + 1 :]]
    return {(a, b): names[a] & names[b] for a, b in pairs if names[a] & names[b]}


def split_in_three(utterances: Sequence[Utterance], by: str, dev: float, test: float) -> tuple[dict[str, list[Utterance]], str]:
    """Cut dev and test from utterances that come without a split.

    Whole groups go in the order of the hash of their names until each share is reached; a group too large for its
    share is passed over. Where that leaves a share empty, the smallest speaker is taken all the same, as long as one is left; where
    that cannot be (all say the same sentence, there is one speaker), single utterances are. Train is never empty; with one
    utterance there is nothing else, with two no test.

    Args:
        utterances: all of them.
        by: ``sentence`` (equal texts stay together) or ``speaker``.
        dev, test: shares of the utterances.

    Returns:
        train, dev and test (those that have any), and the rule in words.
    """

    def group(utterance: Utterance) -> str:
        return utterance.speaker if by == "speaker" else utterance.text

    wanted = {"test": _share(len(utterances), test, 3), "dev": _share(len(utterances), dev, 2)}
    splits: dict[str, list[Utterance]] = {}
    rest, large, single = list(utterances), [], []
    for split, count in wanted.items():
        taken, rest = _take_fitting(rest, group, count)
        if count and not taken and by == "speaker":
            taken, rest = _take_smallest(rest, group)
            if taken:
                large.append(split)
        if count and not taken:
            taken, rest = _take_fitting(rest, lambda utterance: utterance.id, count)
            single.append(split)
        splits[split] = taken
    rule = (
        f"{wanted['dev']} utterances or more for dev and {wanted['test']} for test: whole {by}s in the order of the SHA-256 of"
        f" {'the speaker' if by == 'speaker' else 'the text'}, groups too large passed over"
    )
    if large:
        rule += f"; {' and '.join(sorted(large))} a whole {by}, the smallest, as none fits"
    if single:
        rule += f"; {' and '.join(sorted(single))} by single utterances, as no {by} fits: {by}s are in several splits"
    named = {"train": rest, "dev": splits["dev"], "test": splits["test"]}
    return {split: chosen for split, chosen in named.items() if chosen}, rule


def _take_smallest(items: list[Utterance], key: Callable[[Utterance], str]) -> tuple[list[Utterance], list[Utterance]]:
    """The smallest of several groups, the first by hash of equal ones; of a single group nothing."""
    sizes = Counter(key(item) for item in items)
    if len(sizes) < 2:
        return [], items
    name = min(hash_order(sizes), key=lambda name: sizes[name])
    return [item for item in items if key(item) == name], [item for item in items if key(item) != name]


def _share(count: int, share: float, at_least: int) -> int:
    """How many of ``count`` a share is; at least one, from ``at_least`` utterances on."""
    return 0 if share == 0 or count < at_least else max(1, round(count * share))


def _take_fitting(items: list[Utterance], key: Callable[[Utterance], str], count: int) -> tuple[list[Utterance], list[Utterance]]:
    """Whole groups until there are ``count`` items, none that overshoots by more than half (or two) or takes all."""
    sizes: dict[str, int] = {}
    for item in items:
        sizes[key(item)] = sizes.get(key(item), 0) + 1
    limit = min(max(count, min(max(count + 2, count * 3 // 2), len(items) // 3)), len(items) - 1)
    taken: set[str] = set()
    total = 0
    for name in hash_order(sizes):
        if total >= count:
            break
        if total + sizes[name] <= limit:
            taken.add(name)
            total += sizes[name]
    return [item for item in items if key(item) in taken], [item for item in items if key(item) not in taken]
