"""The alignment against a plain Python twin, kaldialign and jiwer."""

from __future__ import annotations

import random
import subprocess
import sys
from functools import cache

import jiwer
import kaldialign
import pytest

from speechrnn.scoring.align import NAMES, Pair, align, steps
from speechrnn.scoring.rates import count


def random_pairs(number: int, seed: int = 7, longest: int = 9, alphabet: str = "abcd") -> list[tuple[list[str], list[str]]]:
    generator = random.Random(seed)

    def tokens() -> list[str]:
        return [generator.choice(alphabet) for _ in range(generator.randint(0, longest))]

    return [(tokens(), tokens()) for _ in range(number)]


PAIRS = random_pairs(10_000)


def twin(reference: list[str], hypothesis: list[str]) -> list[str]:
    """The alignment as its definition reads: recursion from the end, ties to insertion, then deletion."""

    @cache
    def best(i: int, j: int) -> tuple[int, str]:
        if i == 0 or j == 0:
            return i + j, "deletion" if i else "insertion"
        matches = reference[i - 1] == hypothesis[j - 1]
        options = [
            (best(i, j - 1)[0] + 1, "insertion"),
            (best(i - 1, j)[0] + 1, "deletion"),
            (best(i - 1, j - 1)[0] + (not matches), "match" if matches else "substitution"),
        ]
        return min(options, key=lambda option: option[0])

    kinds, i, j = [], len(reference), len(hypothesis)
    while i or j:
        kind = best(i, j)[1]
        kinds.append(kind)
        i -= kind != "insertion"
        j -= kind != "deletion"
    return kinds[::-1]


def test_the_kernel_equals_its_plain_twin() -> None:
    for reference, hypothesis in PAIRS[:800]:
        assert [NAMES[step] for step in steps(reference, hypothesis)] == twin(reference, hypothesis)


def test_long_sequences_in_blocks_equal_the_plain_twin() -> None:
    # 64 reference tokens make a block: these cross several borders.
    for reference, hypothesis in random_pairs(6, seed=3, longest=240, alphabet="abcdef"):
        assert [NAMES[step] for step in steps(reference, hypothesis)] == twin(reference, hypothesis)


def test_counts_equal_kaldialign_and_jiwer_on_random_pairs() -> None:
    references, hypotheses = zip(*PAIRS, strict=True)
    assert any(not reference for reference in references)
    assert any(not hypothesis for hypothesis in hypotheses)
    for reference, hypothesis in PAIRS:
        counts = count(reference, hypothesis)
        outside = kaldialign.edit_distance(reference, hypothesis)
        assert (counts.insertions, counts.deletions, counts.substitutions) == (outside["ins"], outside["del"], outside["sub"])
    ours = sum(count(reference, hypothesis).errors for reference, hypothesis in PAIRS)
    theirs = jiwer.process_words([" ".join(tokens) for tokens in references], [" ".join(tokens) for tokens in hypotheses])
    assert ours == theirs.insertions + theirs.deletions + theirs.substitutions
    assert theirs.wer == pytest.approx(ours / sum(map(len, references)))


@pytest.mark.parametrize("reference", ["", "a", "a b"])
@pytest.mark.parametrize("hypothesis", ["", "a", "b a"])
def test_single_rates_equal_jiwer_with_empty_sides(reference: str, hypothesis: str) -> None:
    counts = count(reference.split(), hypothesis.split())
    assert counts.percent == pytest.approx(100 * jiwer.wer(reference, hypothesis))


def test_pairs_spell_both_sides() -> None:
    for reference, hypothesis in PAIRS[:500]:
        pairs = align(reference, hypothesis)
        assert [pair.reference for pair in pairs if pair.reference is not None] == reference
        assert [pair.hypothesis for pair in pairs if pair.hypothesis is not None] == hypothesis
        assert [pair.kind for pair in pairs] == [NAMES[step] for step in steps(reference, hypothesis)]


def test_pair_kinds() -> None:
    assert [Pair("a", "a").kind, Pair("a", "b").kind, Pair("a", None).kind, Pair(None, "a").kind] == list(NAMES)


def test_memory_stays_far_below_the_full_matrix() -> None:
    pytest.importorskip("resource", reason="peak memory is read by a Unix call")
    program = """
import random, resource
from speechrnn.scoring.align import steps
reference, hypothesis = (random.Random(seed).choices(range(30), k=14_000) for seed in (1, 2))
steps(reference[:100], hypothesis[:100])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert len(steps(reference, hypothesis)) >= 14_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = int(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)
    assert grown * 1024 < 60e6, "the full matrix would be 196 MB"
