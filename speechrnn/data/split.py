"""Splits that nobody has to store: whole groups in the order of a hash of their names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

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
