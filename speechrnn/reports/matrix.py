"""Which label is heard as which: a table with a row for each label of the references and a column for each that was heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from speechrnn.scoring.align import align
from speechrnn.scoring.results import Item


@dataclass(frozen=True, slots=True)
class Cell:
    """How often, as a share of its row, and a shade from 0 (never) to 9."""

    count: int
    share: float
    shade: int


@dataclass(frozen=True, slots=True)
class Row:
    """A label of the references: how often it occurs, what it is heard as (in the order of the columns), how often left out."""

    label: str
    total: int
    cells: tuple[Cell, ...]
    deleted: Cell


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows and columns in the same order; labels that are only heard have a column and no row."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    inserted: tuple[Cell, ...]


def matrix(items: Iterable[Item], order: Sequence[str], metric: str = "per") -> Matrix:
    """Count the aligned tokens of utterances.

    Args:
        items: of a system whose tokens are counted.
        order: of labels; those that occur nowhere are left out.
        metric: what is counted.
    """
    pairs = Counter((pair.reference, pair.hypothesis) for item in items for pair in align(*item.sides(metric)))
    totals: Counter[str | None] = Counter()
    heard: Counter[str | None] = Counter()
    for (reference, hypothesis), times in pairs.items():
        totals[reference] += times
        heard[hypothesis] += times
    columns = tuple(label for label in order if heard[label] or totals[label])
    inserted = totals[None]
    return Matrix(
        columns,
        tuple(
            Row(
                label,
                totals[label],
                tuple(_cell(pairs[label, other], totals[label]) for other in columns),
                _cell(pairs[label, None], totals[label]),
            )
            for label in columns
            if totals[label]
        ),
        tuple(_cell(pairs[None, other], inserted) for other in columns),
    )


def _cell(count: int, total: int) -> Cell:
    share = count / total if total else 0.0
    return Cell(count, share, min(9, 1 + int(12 * share**0.6)) if count else 0)
