"""The options by which ``speechrnn lm`` is told what texts hold."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from speechrnn.lm.units import UnitOptions

TEXT_OPTIONS = ("unit", "lexicon", "tokens", "word_boundary", "case", "remove")
"""Parameters that say how texts become tokens."""


class Unit(StrEnum):
    """What a model's tokens are."""

    WORD = "word"
    PHONE = "phone"
    LETTER = "letter"


class Case(StrEnum):
    """Upper and lower case."""

    KEEP = "keep"
    LOWER = "lower"
    UPPER = "upper"


TEXTS = typer.Argument(..., metavar="TEXT...", help="Texts with a sentence a line (.gz too), or manifests (.jsonl.gz).")
UNIT = typer.Option(Unit.WORD, help="What the tokens are.")
LEXICON = typer.Option(None, metavar="FILE", help="phone: pronunciations by which words become phones.")
TOKENS = typer.Option(None, metavar="FILE", help="letter: tokens.txt by whose longest match words are split.")
BOUNDARY = typer.Option(False, "--word-boundary", help="letter: keep the spaces, as the token <space>.")
CASE = typer.Option(Case.KEEP, help="Applied to the texts first.")
REMOVE = typer.Option("", metavar="CHARS", help="Characters dropped from the texts, such as .,?")


def units(unit: Unit, case: Case, remove: str, lexicon: Path | None, tokens: Path | None, word_boundary: bool) -> UnitOptions:
    """How texts become tokens.

    Raises:
        UsageError: what is given is of use for other units.
    """
    from speechrnn.lm.units import UnitOptions
    from speechrnn.text.normalize import TextOptions

    return UnitOptions(unit.value, TextOptions(case=case.value, remove=remove), lexicon, tokens, word_boundary)


def given(context: typer.Context, parameters: Iterable[str]) -> list[str]:
    """Those of the options that stand on the command line, as they are written there."""
    sources = {name: context.get_parameter_source(name) for name in parameters}
    return [
        f"--{name.replace('_', '-')}" for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"
    ]
