"""Two sequences of tokens laid over each other with the fewest errors."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

NAMES = ("match", "substitution", "deletion", "insertion")


@dataclass(frozen=True, slots=True)
class Pair:
    """One column of an alignment: a reference token over a hypothesis token; ``None`` is the gap of an insertion or deletion."""

    reference: str | None
    hypothesis: str | None

    @property
    def kind(self) -> str:
        """match, substitution, deletion or insertion."""
        if self.reference is None:
            return "insertion"
        if self.hypothesis is None:
            return "deletion"
        return "match" if self.reference == self.hypothesis else "substitution"


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> list[Pair]:
    """The columns of an alignment with the fewest errors; substitution, deletion and insertion cost 1 each.

    Where several alignments are cheapest, the last step to any point is an insertion rather than a deletion rather than a match or
    substitution. That is the rule of Kaldi's compute-wer, so the three counts equal Kaldi's, not only their sum.

    >>> [(pair.reference, pair.hypothesis) for pair in align("a b c".split(), "b c c".split())]
    [('a', None), ('b', 'b'), ('c', 'c'), (None, 'c')]
    """
    pairs = []
    i = j = 0
    for step in steps(reference, hypothesis):
        kind = NAMES[step]
        pairs.append(Pair(None if kind == "insertion" else reference[i], None if kind == "deletion" else hypothesis[j]))
        i += kind != "insertion"
        j += kind != "deletion"
    return pairs


def steps(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> np.ndarray:
    """The same alignment as int8 indices into ``NAMES``, first to last."""
    import numpy as np

    from speechrnn.scoring.align_kernels import trace

    ids: dict[Hashable, int] = {}

    def numbers(tokens: Sequence[Hashable]) -> np.ndarray:
        return np.array([ids.setdefault(token, len(ids)) for token in tokens], np.int32)

    return trace(numbers(reference), numbers(hypothesis))
