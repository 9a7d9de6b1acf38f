"""Segments by hand and against SCTK's sc_stats."""

from __future__ import annotations

import json
import math
import random
import re
import subprocess
from pathlib import Path

import pytest

from speechrnn.scoring.matched_pairs import MatchedPairs, matched_pairs, segments
from speechrnn.scoring.rates import count

SC_STATS = Path("/usr/lib/sctk/bin/sc_stats")
needs_sctk = pytest.mark.skipif(not SC_STATS.is_file(), reason="no sctk on this machine (Debian: apt-get install sctk)")
AN4 = Path(__file__).parents[2] / "recipes/an4/results"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("a b c d e", "a b c d e", []),
        ("x b c d e", "a b c d x", [(1, 0), (0, 1)]),
        ("x b y d e", "a b c d e", [(2, 0)]),
        ("x b c y e", "a b c d e", [(1, 0), (1, 0)]),
        ("a b x c d e", "a b c d e", [(1, 0)]),
        ("x b new c d e", "a b c d e", [(2, 0)]),
        ("a b c d e new", "x b c d e", [(0, 1), (1, 0)]),
        ("", "a b c d e", [(5, 0)]),
    ],
)
def test_two_right_words_part_segments_and_an_insertion_parts_right_words(a: str, b: str, expected: list[tuple[int, int]]) -> None:
    assert segments(["a", "b", "c", "d", "e"], a.split(), b.split()) == expected


def test_segments_keep_every_error() -> None:
    generator = random.Random(5)
    for _ in range(300):
        reference, a, b = (generator.choices("abcd", k=generator.randint(0, 12)) for _ in range(3))
        sums = [sum(side) for side in zip(*segments(reference, a, b), strict=True)] or [0, 0]
        assert sums == [count(reference, hypothesis).errors for hypothesis in (a, b)]


def test_the_statistic_by_hand() -> None:
    found = matched_pairs([1, 1, -1, 2])
    deviation = math.sqrt((0.25**2 * 2 + 1.75**2 + 1.25**2) / 3)
    assert found.z == pytest.approx(0.75 / (deviation / 2))
    assert (found.segments, found.mean) == (4, 0.75)
    # Two-sided probability of a standard normal beyond 1.959964 is 0.05.
    scaled = matched_pairs([0, 1])
    assert scaled.z == pytest.approx(1)
    assert scaled.p == pytest.approx(0.317311, abs=1e-6)


@pytest.mark.parametrize("differences", [[], [3], [1, -1], [0, 0]])
def test_no_evidence_is_p_1(differences: list[int]) -> None:
    found = matched_pairs(differences)
    assert (found.z, found.p) == (0, 1)


def test_equal_differences_everywhere_are_certain() -> None:
    assert matched_pairs([-1, -1, -1]) == MatchedPairs(3, -1, -math.inf, 0)


def sc_stats(folder: Path, reference: list[str], **hypotheses: list[str]) -> tuple[int, float, float]:
    """Segments, mean and z as SCTK finds them."""
    (folder / "ref").write_text("".join(f"{text} (s-{n})\n" for n, text in enumerate(reference)))
    sgml = ""
    for name, texts in hypotheses.items():
        (folder / name).write_text("".join(f"{text} (s-{n})\n" for n, text in enumerate(texts)))
        call = [SC_STATS.with_name("sclite"), "-r", "ref", "trn", "-h", name, "trn", "-i", "spu_id", "-o", "sgml"]
        subprocess.run(call, cwd=folder, check=True, capture_output=True)
        sgml += (folder / f"{name}.sgml").read_text()
    printed = subprocess.run(
        [SC_STATS, "-p", "-t", "mapsswe", "-v", "-n", "-"], cwd=folder, input=sgml, text=True, check=True, capture_output=True
    ).stdout
    found = re.search(r"# segs: (\d+)\).*\(mean: (\S+)\).*\(Z Stat: (\S+)\)", printed)
    assert found, printed
    return int(found[1]), float(found[2]), float(found[3])


def ours(reference: list[str], a: list[str], b: list[str]) -> MatchedPairs:
    texts = zip(reference, a, b, strict=True)
    return matched_pairs([x - y for r, h, i in texts for x, y in segments(r.split(), h.split(), i.split())])


@needs_sctk
def test_an4_equals_sc_stats(tmp_path: Path) -> None:
    read = {
        name: [json.loads(line) for line in (AN4 / name / "hypotheses.jsonl").read_text().splitlines()]
        for name in ("full", "small-1")
    }
    reference = [record["reference"] for record in read["full"]]
    a, b = ([record["hypothesis"] for record in records] for records in read.values())
    found = ours(reference, a, b)
    assert (found.segments, round(found.mean, 3), round(found.z, 3)) == sc_stats(tmp_path, reference, a=a, b=b)


@needs_sctk
@pytest.mark.parametrize("seed", range(3))
def test_random_errors_of_every_kind_equal_sc_stats(seed: int, tmp_path: Path) -> None:
    # Every wrong word is one of its own, so there is only one cheapest alignment, whatever the costs.
    generator = random.Random(seed)
    fresh = iter(f"n{n}" for n in range(100_000))

    def heard(words: list[str], rate: float) -> str:
        found = []
        for word in words:
            found += [next(fresh)] if generator.random() < rate / 4 else []
            draw = generator.random()
            found += [next(fresh)] if draw < rate / 2 else [] if draw < 0.7 * rate else [word]
        return " ".join(found) or next(fresh)

    references = [[f"w{number}-{n}" for n in range(generator.randint(1, 25))] for number in range(150)]
    a, b = ([heard(words, rate) for words in references] for rate in (0.15, 0.2))
    texts = [" ".join(words) for words in references]
    found = ours(texts, a, b)
    assert (found.segments, round(found.mean, 3), round(found.z, 3)) == sc_stats(tmp_path, texts, a=a, b=b)
