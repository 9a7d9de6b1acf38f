"""What is written for sclite, and that sclite counts it as we do."""

from __future__ import annotations

import json
import random
import re
import subprocess
from pathlib import Path

import pytest

from speechrnn.reports.trn import trn
from speechrnn.scoring.rates import Counts, count, total
from speechrnn.scoring.results import Item, System

SCLITE = Path("/usr/lib/sctk/bin/sclite")
needs_sctk = pytest.mark.skipif(not SCLITE.is_file(), reason="no sctk on this machine (Debian: apt-get install sctk)")
AN4 = Path(__file__).parents[2] / "recipes/an4/results"


def system(*items: Item, metric: str = "wer") -> System:
    return System("x", "m", "chars", (metric,), items)


def sclite(folder: Path, of: System) -> Counts:
    """What sclite finds in the files."""
    for name, content in zip(("ref", "hyp"), trn(of), strict=True):
        (folder / name).write_text(content, encoding="utf-8")
    call = [SCLITE, "-r", "ref", "trn", "-h", "hyp", "trn", "-i", "spu_id", "-s", "-e", "utf-8", "-o", "rsum", "stdout"]
    printed = subprocess.run(call, cwd=folder, check=True, capture_output=True, text=True).stdout
    found = re.search(r"\| Sum +\| +\d+ +(\d+) \| +\d+ +(\d+) +(\d+) +(\d+) +(\d+)", printed)
    assert found, printed
    tokens, substitutions, deletions, insertions, errors = map(int, found.groups())
    return Counts(errors, tokens, insertions, deletions, substitutions)


def test_lines_hold_words_speaker_and_id() -> None:
    reference, hypothesis = trn(system(Item("u 1(a)", "the cat", "", speaker="s-1"), Item("u2", "a", "{ @ a )")))
    assert reference == "the cat (s%2D1-u%201%28a%29)\na (none-u2)\n"
    assert hypothesis == "(s%2D1-u%201%28a%29)\n%7B %40 a %29 (none-u2)\n"


def test_characters_and_tokens_are_words_of_their_own() -> None:
    assert trn(system(Item("u", "ab c", "ab c"), metric="cer"))[0] == "a b <space> c (none-u)\n"
    assert trn(system(Item("u", "", "", ("kp", "a"), ("a",)), metric="per")) == ("kp a (none-u)\n", "a (none-u)\n")


@needs_sctk
@pytest.mark.parametrize("name", ["full", "full-lm", "small-1", "small-2", "phones"])
def test_counts_of_an4_equal_sclites(name: str, tmp_path: Path) -> None:
    records = [json.loads(line) for line in (AN4 / name / "hypotheses.jsonl").read_text(encoding="utf-8").splitlines()]
    metric = "per" if records[0]["unit"] == "phones" else "wer"
    items = tuple(
        Item(
            r["id"], r["reference"], r["hypothesis"], tuple(r.get("reference_tokens", ())), tuple(r["tokens"]), speaker=r["speaker"]
        )
        for r in records
    )
    ours = total(count(*item.sides(metric)) for item in items)
    scores = json.loads((AN4 / name / "scores.json").read_text())["systems"][0][metric]
    assert ours.errors == scores["errors"] > 0
    theirs = sclite(tmp_path, system(*items, metric=metric))
    assert (theirs.errors, theirs.tokens) == (ours.errors, ours.tokens)
    if metric == "wer":
        assert theirs == ours


@needs_sctk
def test_signs_of_sclites_own_are_counted_as_words(tmp_path: Path) -> None:
    generator = random.Random(4)
    odd = ["{", "}", "/", "@", "(a)", ";", ";;", "*", "-", "%", "a%b", "é", "É", "木"]
    items = tuple(Item(f"u{n}", " ".join(generator.sample(odd, 5)), "", speaker="s") for n in range(40))
    items = tuple(
        Item(item.id, item.reference, " ".join(item.reference.split()[1:]) if n % 2 else item.reference + " new", speaker="s")
        for n, item in enumerate(items)
    )
    assert sclite(tmp_path, system(*items)) == Counts(40, 200, 20, 20, 0)
