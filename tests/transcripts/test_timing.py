"""Times as whole ticks: in order, apart, inside the recording; and what stands in for what a transcript lacks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechrnn.errors import DataError
from speechrnn.records import Segment, Token, Transcript, Word
from speechrnn.transcripts.plain import plain
from speechrnn.transcripts.timing import in_ticks, segments_of, ticks, words_of

times = st.floats(0, 1e5)


@given(st.lists(st.builds(Word, st.just("a"), times, times, st.just(1.0)), max_size=20), st.just(0.0) | st.floats(0.001, 1e5))
def test_ticks_are_in_order_apart_and_inside_whatever_the_times_are(words: list[Word], duration: float) -> None:
    found = in_ticks(words, duration, 1000)
    assert sorted(id(word) for _, _, word in found) == sorted(map(id, words)), "none is lost"
    before = 0
    for start, end, _ in found:
        assert before <= start < end
        before = end
    if duration and ticks(duration, 1000) >= len(words):
        assert before <= duration * 1000 + 1e-6


@given(st.lists(st.integers(1, 400), max_size=20), st.integers(0, 500))
def test_times_without_fault_stay_as_they_are(lengths: list[int], spare: int) -> None:
    words, clock = [], 0
    for length in lengths:
        words.append(Word("a", clock / 1000, (clock + length) / 1000, 1.0))
        clock += length
    found = in_ticks(words, (clock + spare) / 1000, 1000)
    assert [(start / 1000, end / 1000) for start, end, _ in found] == [(word.start, word.end) for word in words]


def test_what_overlaps_ends_where_the_next_begins() -> None:
    long, short = Word("long", 0, 10, 1.0), Word("short", 2, 3, 1.0)
    assert in_ticks([short, long], 0, 1) == [(0, 2, long), (2, 3, short)]


def test_words_and_segments_stand_in_for_each_other() -> None:
    tokens = (Token("a", 0.1, 0.2, 0.5), Token("<space>", 0.2, 0.3, 0.1), Token("b", 0.3, 0.4, 0.75))
    phones = Transcript("x", "a b", 1.0, tokens=tokens)
    assert words_of(phones) == (Word("a", 0.1, 0.2, 0.5), Word("b", 0.3, 0.4, 0.75))
    assert segments_of(phones) == (Segment("a b", 0.1, 0.4, 0.5),)
    assert segments_of(Transcript("x", "a b", 1.5)) == (Segment("a b", 0.0, 1.5, 1.0),)
    assert segments_of(Transcript("x", " \n", 0.0)) == ()
    with pytest.raises(DataError, match="x: text without times") as caught:
        segments_of(Transcript("x", "a", 0.0))
    assert "txt or json" in caught.value.remedy


@given(st.text())
def test_plain_text_is_one_line_that_xml_holds(text: str) -> None:
    from xml.etree import ElementTree

    found = plain(text + "\ud800\x00\ufffe")
    assert len(found.splitlines()) == 1
    assert plain(found) == found
    element = ElementTree.Element("a")
    element.text = found
    assert ElementTree.fromstring(ElementTree.tostring(element, "utf-8")).text == found
