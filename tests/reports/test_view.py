from __future__ import annotations

import random
from itertools import pairwise

import pytest

from speechrnn.reports import view
from speechrnn.reports.confusions import confusions
from speechrnn.reports.summary import HEADER, header, lines, rows
from speechrnn.reports.utterances import blocks, runs
from speechrnn.scoring.align import align
from speechrnn.scoring.compare import compare
from speechrnn.scoring.results import Evaluation, Item, System


def test_confusions_are_counted_by_kind_most_frequent_first() -> None:
    items = [Item("u1", "a b c", "x b"), Item("u2", "a b", "x b b"), Item("u3", "a", "y"), Item("u4", "b c", "b")]
    found = confusions(items, "wer")
    assert found.substitutions == ((("a", "x"), 2), (("a", "y"), 1))
    assert found.deletions == (("c", 2),)
    assert found.insertions == (("b", 1),)
    assert found.examples == {("a", "x"): "u1", ("c", None): "u1", (None, "b"): "u2", ("a", "y"): "u3"}


def test_intervals_are_drawn_on_a_common_scale_from_zero(evaluation: Evaluation) -> None:
    drawn = [row.whisker for row in view.rate_rows(evaluation) if row.metric == "wer"]
    assert max(whisker.high for whisker in drawn) == 100
    assert all(0 <= whisker.low <= whisker.middle <= whisker.high for whisker in drawn)
    rates = [row.measure.counts.percent for row in view.rate_rows(evaluation) if row.metric == "wer"]
    assert drawn[0].middle / drawn[1].middle == pytest.approx(rates[0] / rates[1])


def test_differences_are_drawn_around_zero_and_read_in_words(evaluation: Evaluation) -> None:
    for row in view.pair_rows(evaluation):
        assert (row.whisker.low < 50) == (row.low < 0)
        assert (row.whisker.middle < 50) == (row.difference < 0)
        assert row.verdict == ("no clear difference: the interval holds 0" if row.low <= 0 <= row.high else "rnn is better")


def test_a_better_second_system_is_named() -> None:
    items = tuple(Item(f"u{n}", "a b", "a") for n in range(20))
    right = tuple(Item(f"u{n}", "a b", "a b") for n in range(20))
    found = compare([System("x", "m", "chars", ("wer",), items), System("y", "m", "chars", ("wer",), right)], resamples=50)
    assert view.pair_rows(found)[0].verdict == "y is better"


def test_worst_utterances_come_first_and_right_ones_last(evaluation: Evaluation) -> None:
    found = blocks(evaluation, {})
    assert [block.id for block in found] == ["u3", "u1", "u2"], "two errors each, a failure first"
    assert [line.errors for line in found[1].lines] == [0, 2]
    items = (Item("t", "a", "a"), Item("u", "", "", failure="cut short"), Item("v", "a", ""))
    right = compare([System("x", "m", "chars", ("wer",), items)], resamples=10)
    assert [block.id for block in blocks(right, {})] == ["v", "u", "t"], "a failure stands before what is right"


def test_running_text_spells_both_sides() -> None:
    generator = random.Random(3)
    for _ in range(200):
        reference, hypothesis = ([generator.choice("abc") for _ in range(generator.randint(0, 9))] for _ in range(2))
        found = runs(align(reference, hypothesis), " ")
        assert [w for run in found for w in run.reference.split()] == reference
        assert [w for run in found for w in run.hypothesis.split()] == hypothesis
        assert all(a.kind != b.kind for a, b in pairwise(found))


def test_failed_utterances_do_not_fill_the_list_of_deletions(evaluation: Evaluation) -> None:
    hmm = next(group for group in view.frequent(evaluation) if group.system == "hmm" and group.metric == "wer")
    assert hmm.found.deletions == (("sat", 1),)
    failed = sum(bool(item.failure) for system in evaluation.systems if system.name == "hmm" for item in system.items)
    assert hmm.failed == failed > 0, "how many are left out is told"


def test_right_utterances_are_counted(evaluation: Evaluation) -> None:
    assert [evaluation.right(system) for system in evaluation.systems] == [2, 0]


def test_summary_for_a_terminal(evaluation: Evaluation) -> None:
    assert [row[:3] for row in rows(evaluation)] == [
        ["rnn", "WER", "25.00"],
        ["rnn", "CER", "20.00"],
        ["hmm", "WER", "62.50"],
        ["hmm", "CER", "48.00"],
    ]
    assert all(len(row) == len(HEADER) for row in rows(evaluation))
    printed = lines(evaluation)
    assert printed[0].startswith("%WER 25.00 [ 2 / 8, 1 ins, 0 del, 1 sub ]  95 % ")
    assert printed[0].endswith("  rnn")
    assert printed[4].startswith("rnn minus hmm: -37.50 WER, 95 % ")


def test_numbers_in_a_terminal(numbers: Evaluation) -> None:
    found = rows(numbers)
    assert [row[1] for row in found] == ["RMSE", "MAE", "r", "R2"] * 2
    assert found[0][2] == f"{numbers.values['rnn'].rmse.value:.5g}"
    assert header(numbers)[1:3] == ["figure", "value"]
    assert all(len(row) == len(header(numbers)) for row in found)
    printed = lines(numbers)
    assert printed[0].startswith("rnn: age <of> them of 39 utterances, 1 failed and left out: RMSE ")
    assert f"RMSE of always saying the mean {numbers.values['rnn'].constant:.5g}" in printed[0]
    assert printed[2].startswith(f"rnn minus constant: {numbers.pairs[0].difference.difference:+.5g} RMSE, 95 % ")
    assert printed[2].endswith("(paired bootstrap over utterances)")
    assert len(printed) == 3


def test_drawings_of_one_figure_share_their_scale(numbers: Evaluation) -> None:
    found = view.value_rows(numbers)
    for name in ("RMSE", "MAE", "r"):
        drawn = [(row.figure, row.whisker) for row in found if row.name == name]
        assert max(whisker.high for _, whisker in drawn) == 100
        assert drawn[0][1].middle / drawn[1][1].middle == pytest.approx(drawn[0][0].value / drawn[1][0].value)
    # Worse than saying the mean: below the left end of the drawing.
    (worse,) = (row for row in found if row.name == "R2" and row.system.name == "constant")
    assert worse.figure.low < 0
    assert worse.whisker.low == 0


def test_missing_numbers_stand_first_then_those_that_are_furthest_off(numbers: Evaluation) -> None:
    found = blocks(numbers, {})
    assert {block.id for block in found[:2]} == {"u03", "u39"}
    off = [max(block.errors) for block in found[2:]]
    assert off == sorted(off, reverse=True)
    block = found[2]
    for line, system in zip(block.lines, numbers.systems, strict=True):
        item = system.items[block.index]
        assert line.errors == pytest.approx(abs(float(item.hypothesis) - float(item.reference)))
        assert line.off == f"off by {float(item.hypothesis) - float(item.reference):+.5g}"
        assert (line.runs[0].reference, line.runs[0].hypothesis) == (item.reference, item.hypothesis)
    failed = next(line for line in found[0].lines if line.failure)
    assert (failed.errors, failed.off) == (0, "no number")
