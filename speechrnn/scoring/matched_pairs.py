"""The matched-pairs sentence-segment word error test (MAPSSWE), the one that sclite's users expect beside a comparison.

Gillick and Cox, "Some statistical issues in the comparison of speech recognition algorithms", ICASSP 1989. Errors of neighbouring
words depend on each other, so utterances are cut into segments with stretches of words between them that both systems have right:
at least two such words, or the edge of the utterance, stand on either side of a segment. Differences of the two systems' errors
in a segment are taken as independent, and their mean as normal.

Segments and probability equal those of ``sc_stats -t mapsswe`` (SCTK) where sclite's alignments are ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from speechrnn.scoring.align import NAMES, steps

BUFFER = 2
"""Reference tokens in a row that both have right, between two segments."""


@dataclass(frozen=True, slots=True)
class MatchedPairs:
    """The test's outcome for two systems.

    Attributes:
        segments: stretches with an error of either system.
        mean: errors of the first minus errors of the second, a segment; negative where the first is better.
        z: mean over its standard error; 0 where there is no difference at all or only one segment, infinite where every segment
            has the same difference.
        p: two-sided probability of a z as far from 0 if the systems were equally good.
    """

    segments: int
    mean: float
    z: float
    p: float


def segments(
    reference: Sequence[str], hypothesis_a: Sequence[str], hypothesis_b: Sequence[str], least: int = BUFFER
) -> list[tuple[int, int]]:
    """Errors of both systems in each segment of an utterance, in order; segments without any error do not exist.

    >>> segments("a b c d e".split(), "x b c d".split(), "a b c d x".split())
    [(1, 0), (1, 1)]
    """
    found: list[tuple[int, int]] = []
    right = least
    for (before_a, wrong_a), (before_b, wrong_b) in zip(
        _slots(reference, hypothesis_a), _slots(reference, hypothesis_b), strict=True
    ):
        for errors_a, errors_b, is_token in ((before_a, before_b, False), (wrong_a, wrong_b, True)):
            if errors_a or errors_b:
                if right >= least:
                    found.append((0, 0))
                found[-1] = (found[-1][0] + errors_a, found[-1][1] + errors_b)
                right = 0
            elif is_token:
                right += 1
    return found


def _slots(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[int, int]]:
    """For each reference token insertions before it and whether it is wrong (0 or 1); last, insertions at the end."""
    slots = []
    insertions = 0
    for step in steps(reference, hypothesis):
        if NAMES[step] == "insertion":
            insertions += 1
        else:
            slots.append((insertions, int(NAMES[step] != "match")))
            insertions = 0
    return [*slots, (insertions, 0)]


def matched_pairs(differences: Sequence[int]) -> MatchedPairs:
    """The test over differences of errors, one a segment (first minus second system)."""
    n = len(differences)
    mean = sum(differences) / n if n else 0.0
    if not mean or n < 2:
        return MatchedPairs(n, mean, 0.0, 1.0)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in differences) / (n - 1))
    z = mean / (deviation / math.sqrt(n)) if deviation else math.copysign(math.inf, mean)
    return MatchedPairs(n, mean, z, math.erfc(abs(z) / math.sqrt(2)))
