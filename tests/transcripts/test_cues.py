"""Subtitles that can be read: lines, lengths, pauses, and nothing beside the recording."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechrnn.errors import DataError
from speechrnn.records import Segment, Token, Transcript, Word
from speechrnn.text.graphemes import graphemes
from speechrnn.transcripts.cues import LINE, PER_SECOND, Cue, make_cues

sys.path.insert(0, str(Path(__file__).resolve().parent))
from transcript_strategies import transcripts

times = st.floats(0, 100)


def spoken(text: str, start: float = 0.0, per_word: float = 0.3, gap: float = 0.1) -> tuple[Word, ...]:
    """Words one after the other (s); a ``|`` stands for a pause of a second."""
    words, clock = [], start
    for part in text.split():
        if part == "|":
            clock += 1.0
            continue
        words.append(Word(part, round(clock, 3), round(clock + per_word, 3), 1.0))
        clock += per_word + gap
    return tuple(words)


def said(text: str, duration: float = 0.0, **options: float) -> list[Cue]:
    return make_cues(Transcript("x", text.replace("| ", ""), duration, words=spoken(text, **options)))


def check(cues: list[Cue], transcript: Transcript) -> None:
    """What holds for all cues of words with sound times."""
    before = 0
    last = round(transcript.duration * 1000)
    for index, cue in enumerate(cues):
        assert before <= cue.start < cue.end
        assert 1 <= len(cue.lines) <= 2
        assert all(line and len(graphemes(line)) <= LINE for line in cue.lines)
        assert cue.end - cue.start <= 7000
        room = cues[index + 1].start if index + 1 < len(cues) else last
        assert cue.end - cue.start >= 1000 or (cue.end == room and cue.start == before), "shorter only where there is no room"
        before = cue.end
    assert before <= last or not cues


@settings(deadline=None)
@given(transcripts())
def test_cues_of_any_transcript_can_be_read_and_lose_nothing(transcript: Transcript) -> None:
    cues = make_cues(transcript)
    check(cues, transcript)
    shown = "".join(line for cue in cues for line in cue.lines).replace(" ", "")
    assert shown == transcript.text.replace(" ", "")


@settings(deadline=None)
@given(st.lists(st.builds(Word, st.sampled_from(["a", "b" * 50, "."]), times, times, st.just(1.0)), max_size=12), times)
def test_times_without_sense_do_no_harm(words: list[Word], duration: float) -> None:
    cues = make_cues(Transcript("x", "", duration, words=tuple(words)))
    assert all(a.end <= b.start for a, b in pairwise(cues))
    assert all(cue.start < cue.end for cue in cues)
    if duration > 1:
        assert all(cue.end <= duration * 1000 + 1e-3 for cue in cues)


def test_a_pause_and_the_end_of_a_sentence_part_cues() -> None:
    cues = said("one two three | four five six. seven eight nine", 20)
    assert [cue.lines for cue in cues] == [("one two three",), ("four five six.",), ("seven eight nine",)]
    assert cues[1].start == 2200
    assert [cue.end for cue in cues[:2]] == [1100, 3300], "a cue ends with its words where they leave time to read"


def test_a_word_alone_stays_for_a_second_and_for_as_long_as_it_takes_to_read() -> None:
    (cue,) = said("yes", 20)
    assert (cue.start, cue.end) == (0, 1000)
    (cue,) = said("a remarkably fast speaker indeed", 20, per_word=0.05, gap=0.0)
    assert cue.end - cue.start == 1000 * len("a remarkably fast speaker indeed") // PER_SECOND
    (cue,) = said("yes", 5.0, start=4.7)
    assert (cue.start, cue.end) == (4000, 5000), "at the end of the recording it comes earlier"
    (cue,) = said("yes", 0.4)
    assert (cue.start, cue.end) == (0, 400)


def test_sentences_too_short_to_be_read_stay_together() -> None:
    assert [cue.lines for cue in said("no. no. no. no.", 20, per_word=0.2)] == [("no. no. no. no.",)]


def test_long_speech_is_cut_at_commas_and_in_two_balanced_lines() -> None:
    text = "it was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness"
    cues = said(text, 100, per_word=0.15, gap=0.05)
    assert all(cue.lines[-1].endswith(",") for cue in cues[:-1])
    for cue in cues:
        if len(cue.lines) == 2:
            assert abs(len(cue.lines[0]) - len(cue.lines[1])) <= 12
    assert " ".join(line for cue in cues for line in cue.lines) == text


def test_slow_speech_is_cut_at_seven_seconds() -> None:
    cues = said("a b c d e f g h", 100, per_word=1.5, gap=0.1)
    assert all(cue.end - cue.start <= 7000 for cue in cues)
    assert len(cues) > 1


@pytest.mark.parametrize("letter", ["x", "คิ", "語", "e\u0301\u0323"])
def test_a_word_longer_than_the_screen_is_shown_in_parts_that_keep_their_marks(letter: str) -> None:
    word = letter * 200
    transcript = Transcript("x", word, 30.0, words=(Word(word, 0.0, 20.0, 1.0),))
    cues = make_cues(transcript)
    check(cues, transcript)
    assert "".join(line for cue in cues for line in cue.lines) == word
    assert all(line.startswith(letter) for cue in cues for line in cue.lines)
    assert cues[-1].start > 10_000, "its time is shared out"


def test_one_word_that_lasts_longer_than_a_cue_may() -> None:
    (cue,) = make_cues(Transcript("x", "a", 60.0, words=(Word("a", 1.0, 50.0, 1.0),)))
    assert (cue.start, cue.end) == (1000, 8000)


def test_words_are_shown_as_the_text_writes_them() -> None:
    words = spoken("hello world")
    transcript = Transcript("x", "Hello, world!", 9.0, (Segment("Hello, world!", 0.0, 0.7, 1.0),), words)
    assert [cue.lines for cue in make_cues(transcript)] == [("Hello, world!",)]


def test_segments_without_words_share_out_their_time() -> None:
    text = " ".join(["word"] * 40)
    cues = make_cues(Transcript("x", text, 60.0, (Segment(text, 10.0, 30.0, 1.0),)))
    assert cues[0].start == 10_000
    assert cues[-1].end <= 31_000
    assert " ".join(line for cue in cues for line in cue.lines) == text


def test_a_text_of_letters_without_spaces_stays_a_word() -> None:
    """As models of letters write it: tokens are its letters, and no word has a time."""
    tokens = tuple(Token(letter, 0.2 * i, 0.2 * i + 0.1, 1.0) for i, letter in enumerate("wakoba"))
    assert [cue.lines for cue in make_cues(Transcript("x", "wakoba", 3.0, tokens=tokens))] == [("wakoba",)]


def test_segments_begin_cues() -> None:
    words = spoken("a b c d e f g h")
    parts = (Segment("a b c d", 0.0, 1.5, 1.0), Segment("e f g h", 1.6, 3.1, 1.0))
    transcript = Transcript("x", "a b c d e f g h", 9.0, parts, words)
    assert [cue.lines for cue in make_cues(transcript)] == [("a b c d",), ("e f g h",)]
    assert [cue.lines for cue in make_cues(replace(transcript, segments=()))] == [("a b c d e f g h",)]


def test_no_speech_and_no_times() -> None:
    assert make_cues(Transcript("x", "", 3.0)) == []
    assert [(cue.start, cue.end) for cue in make_cues(Transcript("x", "a", 3.0))] == [(0, 3000)]
    with pytest.raises(DataError, match="text without times"):
        make_cues(Transcript("x", "a", 0.0))


def test_an_hour_is_quick() -> None:
    words = tuple(Word("word", 0.3 * i, 0.3 * i + 0.25, 1.0) for i in range(12_000))
    cues = make_cues(Transcript("x", " ".join(["word"] * len(words)), 3600.0, words=words))
    check(cues, Transcript("x", "", 3600.0))
