"""Labels of utterances, wherever a corpus keeps them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from speechrnn.data.labels import label_of, label_source, learn_labels, value_of
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError
from speechrnn.text.labels import Labels, UnknownLabel, read_labels
from speechrnn.text.normalize import TextOptions

RULE = TextOptions()


def utterance(number: int, text: str = "", **changes) -> Utterance:
    return Utterance(f"u{number}", Path("a.wav"), 8000, 0, 8000, None, text, **changes)


def test_labels_come_from_texts_speakers_languages_or_fields():
    one = utterance(1, " yes ", speaker="ann", language="bas", custom={"outcome": "sold  out", "n": 3})
    assert [label_of(one, source, RULE) for source in ("text", "speaker", "language", "outcome", "n", "age")] == [
        "yes", "ann", "bas", "sold out", "3", "",
    ]  # fmt: skip


def test_the_field_label_is_taken_where_there_is_one():
    assert label_source([utterance(1, "x"), utterance(2, "y", custom={"label": "q"})]) == "label"
    assert label_source([utterance(1, "x")]) == "text"


def test_classes_are_those_of_training():
    found = learn_labels([utterance(i, text) for i, text in enumerate(["yes", "no", "yes"])], "text", RULE)
    assert found == Labels(("no", "yes"))
    assert found.encode("yes") == [1]
    assert found.decode([0]) == "no"
    with pytest.raises(UnknownLabel, match="'maybe'"):
        found.encode("maybe")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["yes", "yes"], "all training utterances are of one class, 'yes'"),
        (["yes", "", "no"], "1 of 3 training utterances have no label in 'text': u1"),
        (["a", "b", "c"], "3 utterances with 3 different labels in 'text', such as a, b"),
    ],
)
def test_what_are_no_classes_is_refused_by_name(texts, message):
    with pytest.raises(DataError) as error:
        learn_labels([utterance(i, text) for i, text in enumerate(texts)], "text", RULE)
    assert message in error.value.message


@pytest.mark.parametrize(
    ("value", "number"), [(3, 3.0), ("4.5", 4.5), (True, math.nan), (None, math.nan), ("old", math.nan), ([1], math.nan)]
)
def test_numbers_are_numbers(value, number):
    found = value_of(utterance(1, custom={"age": value}), "age")
    assert found == number or (math.isnan(found) and math.isnan(number))


def test_a_file_of_labels_comes_back_and_a_damaged_one_is_named(tmp_path):
    path = tmp_path / "tokens.txt"
    path.write_text("no\nyes please\n", encoding="utf-8")
    assert read_labels(path, "classes").tokens == ("no", "yes please")
    path.write_text("no\nno\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"tokens\.txt: labels listed twice: no"):
        read_labels(path, "classes")
