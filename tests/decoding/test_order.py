"""Selection and sorting inside compiled loops, against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from speechrnn.decoding.order_kernels import RUN, nth_greatest, sort_falling

KINDS = ["random", "ties", "equal", "rising", "falling", "impossible", "infinite", "huge", "close", "skewed"]
SIZES = [1, 2, 3, RUN - 1, RUN, RUN + 1, 2 * RUN, 3 * RUN + 5, 1000]


def values(kind: str, n: int) -> np.ndarray:
    random = np.random.default_rng(n)
    return {
        "random": random.standard_normal(n),
        "ties": random.integers(0, 4, n).astype(np.float64),
        "equal": np.zeros(n),
        "rising": np.arange(n, dtype=np.float64),
        "falling": -np.arange(n, dtype=np.float64),
        "impossible": np.where(random.random(n) < 0.5, -np.inf, random.standard_normal(n)),
        "infinite": random.choice([-np.inf, -1.0, 2.0, np.inf], n),
        "huge": random.choice([-1.7e308, 0.0, 1.7e308], n),
        "close": 5e-324 * random.integers(0, 3, n),
        "skewed": -np.exp(20 * random.random(n)),
    }[kind]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", SIZES)
def test_the_nth_greatest_is_what_sorting_finds(kind: str, n: int) -> None:
    given = values(kind, n)
    before, falling = given.copy(), np.sort(given)[::-1]
    for nth in sorted({1, 2, n // 2, n - 1, n} & set(range(1, n + 1))):
        assert nth_greatest(given, nth) == falling[nth - 1]
    assert np.array_equal(given, before), "what is asked stays as it is"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [0, *SIZES])
def test_rows_fall_and_equal_ones_keep_their_order(kind: str, n: int) -> None:
    scores = values(kind, n)
    rows = np.random.default_rng(1).permutation(n)
    expected = rows[np.argsort(-scores[rows], kind="stable")]
    sort_falling(rows, scores)
    assert np.array_equal(rows, expected)
