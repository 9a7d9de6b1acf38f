from __future__ import annotations

import logging

import pytest

from speechrnn import jit


def double(number: int) -> int:
    return 2 * number


def test_a_kernel_computes_what_its_function_computes() -> None:
    assert jit.kernel(double)(21) == 42


def test_without_a_writable_cache_it_works_and_warns_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from numba.core.caching import CacheImpl

    # No locator finds a folder: what numba sees in a read-only installation without a home.
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    monkeypatch.setattr(jit, "_warned", False)
    monkeypatch.setattr(logging.getLogger("speechrnn"), "propagate", True)
    assert jit.kernel(double)(4) == 8
    assert jit.kernel(double)(5) == 10
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "NUMBA_CACHE_DIR" in caplog.text
