from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

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


def test_compiling_for_long_is_said_once_and_compiling_briefly_is_not(tmp_path: Path) -> None:
    loops = "from speechrnn.jit import kernel\n" + "".join(
        f"@kernel\ndef {name}(x):\n    return {value}\n" for name, value in (("first", "x + 1"), ("second", "first(x)"))
    )
    (tmp_path / "loops_kernels.py").write_text(loops)
    script = """
import logging, sys, time
from speechrnn import jit
logging.basicConfig(level=logging.INFO, format="%(message)s")
jit.PATIENCE = float(sys.argv[1])
import loops_kernels as loops
for f in (loops.second, loops.first):
    f(1)
    f(1.0)
time.sleep(0.1)
"""

    def said(patience: float) -> list[str]:
        command = [sys.executable, "-c", script, str(patience)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stderr.splitlines()

    assert said(1000.0) == [], "compiled within the patience"
    assert said(0.0) == [], "kept from the call before, so nothing is compiled"
    (tmp_path / "loops_kernels.py").write_text(loops + "\n")
    (line,) = said(0.0)
    assert line.startswith("compiling loops")


def test_a_kernel_is_compiled_anew_when_one_that_it_calls_in_another_file_has_changed(tmp_path: Path) -> None:
    package = tmp_path / "loops"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "outer_kernels.py").write_text(
        "from loops.inner_kernels import inner\nfrom speechrnn.jit import kernel\n\n\n@kernel\ndef outer(x):\n    return inner(x)\n"
    )
    script = "from loops.outer_kernels import outer; print(outer(1), sum(outer.stats.cache_hits.values()))"
    said = []
    for factor in (2, 2, 31):
        (package / "inner_kernels.py").write_text(
            f"from speechrnn.jit import kernel\n\n\n@kernel\ndef inner(x):\n    return {factor} * x\n"
        )
        if factor == 2:
            os.utime(package / "inner_kernels.py", (1e9, 1e9))
        done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
        said.append(done.stdout.split())
    assert said == [["2", "0"], ["2", "1"], ["31", "0"]], "what it gives, and whether the machine code of the run before served"
