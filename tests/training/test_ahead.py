"""Work done ahead, by threads."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from speechrnn.training.ahead import ahead


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_results_come_in_the_order_of_the_items(threads):
    def slow_at_first(n: int) -> int:
        time.sleep(0.002 * (8 - n) if n < 8 else 0)
        return n * n

    assert list(ahead(slow_at_first, range(20), threads)) == [n * n for n in range(20)]


def test_no_more_is_made_than_is_soon_taken():
    made: list[int] = []
    results = ahead(lambda n: made.append(n) or n, range(1000), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    time.sleep(0.05)
    assert len(made) <= 3 + 2 * 2 + 1


def test_an_error_reaches_the_reader():
    def fail(n: int) -> float:
        return 1 / (n - 2)

    results = ahead(fail, range(5), 2)
    assert [next(results), next(results)] == [-0.5, -1.0]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_helpers_have_one_thread_each_and_the_reader_keeps_its_own():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert set(ahead(lambda n: torch.get_num_threads(), range(8), 2)) == {1}
        assert torch.get_num_threads() == 3
        # Backward passes run in threads that begin later.
        found: list[int] = []
        later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        later.start()
        later.join()
        assert found == [3]
    finally:
        torch.set_num_threads(before)
