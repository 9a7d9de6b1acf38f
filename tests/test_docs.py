"""The documentation says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechrnn import errors

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.mark.skipif(not DOCS.is_dir(), reason="installed without its documentation")
def test_the_error_tree_on_the_page_is_that_of_the_module() -> None:
    tree = [line.strip() for line in (errors.__doc__ or "").splitlines() if "  " in line.strip()]
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    assert len(tree) == 6
    for line in tree:
        assert line in page


def test_exit_statuses_are_those_of_the_classes() -> None:
    tree = errors.__doc__ or ""
    for name, error in vars(errors).items():
        if isinstance(error, type) and issubclass(error, errors.SpeechrnnError) and name != "SpeechrnnError":
            line = next(line for line in tree.splitlines() if f"── {name} " in line)
            assert line.split(name)[1].split()[0] == str(error.exit_status)
