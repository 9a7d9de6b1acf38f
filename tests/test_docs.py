"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from speechrnn import errors
from speechrnn.models.cells.registry import CELLS
from speechrnn.models.recurrent import LayerOptions, make_cell

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


def test_cells_have_the_parameters_that_the_page_says():
    """Each formula of docs/cells.md, where letters side by side are multiplied, against a layer."""
    sizes = {"F": 7, "H": 10, "P": 5}
    found = {}
    for line in (DOCS / "cells.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0].strip("`") in CELLS:
            formula = re.sub(r"(?<=[\w)]) (?=[\w(])", "*", cells[2])
            found[cells[0].strip("`")] = eval(formula, {"__builtins__": {}}, sizes)
    made = {name: make_cell(LayerOptions(name, 10, 5 if name == "lstm_projection" else 0), 7) for name in CELLS}
    assert found == {name: sum(parameter.numel() for parameter in layer.parameters()) for name, layer in made.items()}
