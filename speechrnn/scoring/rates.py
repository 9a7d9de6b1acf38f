"""Error counts and the rates made of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from speechrnn.scoring.align import NAMES, steps


@dataclass(frozen=True, slots=True)
class Counts:
    """Errors of one utterance or of many; ``a + b`` adds them.

    Attributes:
        errors: insertions + deletions + substitutions.
        tokens: reference tokens.
    """

    errors: int
    tokens: int
    insertions: int
    deletions: int
    substitutions: int

    def __post_init__(self) -> None:
        if self.errors != self.insertions + self.deletions + self.substitutions:
            raise ValueError(
                f"{self.errors} errors are not the sum of {self.insertions} ins, {self.deletions} del, {self.substitutions} sub"
            )

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.errors + other.errors,
            self.tokens + other.tokens,
            self.insertions + other.insertions,
            self.deletions + other.deletions,
            self.substitutions + other.substitutions,
        )

    @property
    def percent(self) -> float:
        """100 x errors / tokens; more than 100 where insertions abound.

        An empty reference adds its insertions to the errors and nothing to the tokens. Where there is no reference token at all,
        it is 0 without errors and 100 per insertion with them, as if there were one token (jiwer's rule): always finite.
        """
        return 100 * self.errors / max(self.tokens, 1)


NONE = Counts(0, 0, 0, 0, 0)


def count(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> Counts:
    """Errors of one hypothesis, by the alignment of :func:`speechrnn.scoring.align.align`.

    Edge rules: an empty hypothesis is all deletions, an empty reference all insertions, two empty ones no error.

    >>> count("a b c".split(), "a x c c".split())
    Counts(errors=2, tokens=3, insertions=1, deletions=0, substitutions=1)
    """
    import numpy as np

    found = np.bincount(steps(reference, hypothesis), minlength=len(NAMES))
    _, substitutions, deletions, insertions = (int(number) for number in found)
    return Counts(insertions + deletions + substitutions, len(reference), insertions, deletions, substitutions)


def total(counts: Iterable[Counts]) -> Counts:
    """The corpus level: errors and tokens are summed before they are divided; no mean of utterance rates."""
    return sum(counts, NONE)


def kaldi_line(counts: Counts, name: str = "WER") -> str:
    """The line that Kaldi's compute-wer prints.

    >>> kaldi_line(Counts(411, 5643, 58, 38, 315))
    '%WER 7.28 [ 411 / 5643, 58 ins, 38 del, 315 sub ]'
    """
    return (
        f"%{name} {counts.percent:.2f} [ {counts.errors} / {counts.tokens}, "
        f"{counts.insertions} ins, {counts.deletions} del, {counts.substitutions} sub ]"
    )
