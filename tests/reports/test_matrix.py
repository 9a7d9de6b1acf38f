from __future__ import annotations

import random

from speechrnn.reports.matrix import matrix
from speechrnn.scoring.rates import count, total
from speechrnn.scoring.results import Item


def test_sums_of_the_table_are_the_counts() -> None:
    generator = random.Random(1)
    items = [
        Item(f"u{n}", "", "", *(tuple(generator.choices("abcd", k=generator.randint(0, 9))) for _ in range(2))) for n in range(200)
    ]
    found = matrix(items, ["d", "c", "b", "a", "never"])
    assert found.columns == ("d", "c", "b", "a")
    counts = total(count(*item.sides("per")) for item in items)
    cells = {(row.label, column): cell.count for row in found.rows for column, cell in zip(found.columns, row.cells, strict=True)}
    assert sum(times for (reference, heard), times in cells.items() if reference != heard) == counts.substitutions
    assert sum(row.deleted.count for row in found.rows) == counts.deletions
    assert sum(cell.count for cell in found.inserted) == counts.insertions
    assert sum(row.total for row in found.rows) == counts.tokens
    assert all(sum(cell.count for cell in row.cells) + row.deleted.count == row.total for row in found.rows)


def test_labels_that_are_only_heard_have_a_column_and_shades_grow_with_the_share() -> None:
    items = [Item("u", "", "", ("a",) * 10, ("a",) * 6 + ("b",) * 3 + ("c",))]
    (row,) = matrix(items, ["a", "b", "c"]).rows
    assert [cell.count for cell in row.cells] == [6, 3, 1]
    shades = [cell.shade for cell in row.cells]
    assert shades == sorted(shades, reverse=True)
    assert len(set(shades)) == 3
