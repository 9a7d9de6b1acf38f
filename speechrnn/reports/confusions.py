"""Which words, characters or tokens are taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from speechrnn.scoring.align import align
from speechrnn.scoring.results import Item


@dataclass(frozen=True, slots=True)
class Confusions:
    """Errors by kind, the most frequent first, equal counts in alphabetical order.

    Attributes:
        substitutions: ((reference, hypothesis), count).
        deletions, insertions: (token, count).
        examples: the first utterance in which an error occurs, by (reference or ``None``, hypothesis or ``None``).
    """

    substitutions: tuple[tuple[tuple[str, str], int], ...]
    deletions: tuple[tuple[str, int], ...]
    insertions: tuple[tuple[str, int], ...]
    examples: dict[tuple[str | None, str | None], str]


def confusions(items: Iterable[Item], metric: str) -> Confusions:
    """Count the errors of a system's utterances by what they are."""
    substitutions: Counter[tuple[str, str]] = Counter()
    deletions: Counter[str] = Counter()
    insertions: Counter[str] = Counter()
    examples: dict[tuple[str | None, str | None], str] = {}
    for item in items:
        for pair in align(*item.sides(metric)):
            if pair.reference == pair.hypothesis:
                continue
            examples.setdefault((pair.reference, pair.hypothesis), item.id)
            if pair.reference is None:
                insertions[str(pair.hypothesis)] += 1
            elif pair.hypothesis is None:
                deletions[pair.reference] += 1
            else:
                substitutions[pair.reference, pair.hypothesis] += 1
    return Confusions(
        tuple(sorted(substitutions.items(), key=lambda entry: (-entry[1], entry[0]))),
        tuple(sorted(deletions.items(), key=lambda entry: (-entry[1], entry[0]))),
        tuple(sorted(insertions.items(), key=lambda entry: (-entry[1], entry[0]))),
        examples,
    )
