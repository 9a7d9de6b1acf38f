from __future__ import annotations

import pytest

from speechrnn.scoring.compare import compare
from speechrnn.scoring.rates import Counts
from speechrnn.scoring.results import Item, System


def system(name: str, hypotheses: list[str], metrics: tuple[str, ...] = ("wer", "cer"), unit: str = "chars") -> System:
    references = ["a b", "c d", ""]
    items = tuple(Item(f"u{i}", reference, text) for i, (reference, text) in enumerate(zip(references, hypotheses, strict=True)))
    return System(name, f"models/{name}", unit, metrics, items)


def test_each_system_has_its_rates_and_each_two_their_difference() -> None:
    found = compare([system("x", ["a b", "c", ""]), system("y", ["a b", "c d", "e"])], resamples=50)
    assert found.measures["x"]["wer"].counts == Counts(1, 4, 0, 1, 0)
    assert found.measures["x"]["cer"].counts == Counts(2, 6, 0, 2, 0), "the space before the lost d counts"
    assert found.measures["y"]["wer"].counts == Counts(1, 4, 1, 0, 0)
    assert [counts.errors for counts in found.measures["y"]["wer"].by_utterance] == [0, 0, 1]
    assert [(pair.a, pair.b, pair.metric, pair.difference.difference) for pair in found.pairs] == [
        ("x", "y", "wer", 0),
        ("x", "y", "cer", pytest.approx(100 / 6)),
    ]
    assert found.drawn == "utterances"


def test_letters_and_phones_are_not_compared() -> None:
    letters, same, phones = (
        System(name, "m", unit, ("per",), (Item("u", "on", "on", reference, reference),))
        for name, unit, reference in (("x", "letters", ("o", "n")), ("y", "letters", ("o", "n")), ("z", "phones", ("AA", "N")))
    )
    assert [(pair.a, pair.b) for pair in compare([letters, same, phones], resamples=10).pairs] == [("x", "y")]


def test_tokens_are_compared_without_word_boundaries() -> None:
    item = Item("u", "kp a", "kp a", ("kp", "a"), ("kp", "<space>", "a"))
    found = compare([System("x", "m", "letters", ("per",), (item,))], resamples=10)
    assert found.measures["x"]["per"].counts == Counts(0, 2, 0, 0, 0)


def test_different_utterances_and_names_taken_twice_are_refused() -> None:
    first, second = system("x", ["", "", ""]), system("y", ["", "", ""])
    with pytest.raises(ValueError, match="different utterances"):
        compare([first, System("y", "m", "chars", ("wer",), second.items[:2])])
    with pytest.raises(ValueError, match="share a name"):
        compare([first, first])


def test_failures_and_the_real_time_factor() -> None:
    items = (Item("a", "x", "", duration=2.0, failure="cut short"), Item("b", "y", "y", duration=2.0))
    timed = System("x", "m", "chars", ("wer",), items, seconds=1.0)
    assert [item.id for item in timed.failed] == ["a"]
    assert timed.real_time_factor == 0.25
    assert System("x", "m", "chars", ("wer",), items).real_time_factor is None
    assert System("x", "m", "chars", ("wer",), (), seconds=1.0).real_time_factor is None


def numbers(name: str, estimates: list[str]) -> System:
    items = tuple(Item(f"u{n}", str(10 * n), said, failure="" if said else "cut short") for n, said in enumerate(estimates))
    return System(name, "m", "value", (), items, source="age")


def test_systems_that_give_numbers_are_scored_by_their_errors_and_compared_by_the_rmse() -> None:
    systems = [numbers("x", ["1", "9", "20"]), numbers("y", ["3", "", "24"]), numbers("z", ["", "10", ""])]
    found = compare(systems, resamples=50)
    assert {name: dict(measures) for name, measures in found.measures.items()} == {"x": {}, "y": {}, "z": {}}
    assert [(found.values[name].number, found.values[name].mae.value) for name in "xyz"] == [
        (3, pytest.approx(2 / 3)),
        (2, pytest.approx(3.5)),
        (1, 0),
    ]
    # No utterance has a number of both y and z.
    assert [(pair.a, pair.b, pair.metric, pair.matched) for pair in found.pairs] == [
        ("x", "y", "rmse", None),
        ("x", "z", "rmse", None),
    ]
    assert found.pairs[0].difference.difference == pytest.approx(0.5**0.5 - 12.5**0.5)
    assert found.errors(systems[1]) == (3, 0, 4)
    with pytest.raises(ValueError, match="some systems give numbers"):
        compare([numbers("x", ["1", "9", "20"]), system("y", ["", "", ""])])
