"""What hypothesis tries on every format: texts of many scripts, and transcripts whose times are plausible."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from speechrnn.records import Segment, Token, Transcript, Word

_PIECES = (
    "a b é ɔ̀ ŋ ʔ ǃ ǀ ɓ ŋ͡m \u0301 שלום مرحبا \u200f \u202e हिन्दी \u200d 你好 ไทย 👩\u200d👩\u200d👧 𝒳 \u2060 \u00a0 \u3000 \ufeff "
    '< > & " \'\' " \' --> --\u2060> <i> </b> <unk> {\\an8} {x} \\N \\n [laughs] ;; # % %41 %zz | = @ + - =1+1 =HYPERLINK("x") '
    "'=f(1) @U ]]> &amp; &lt; <!-- . ? ! , ; : … 。 1 42 00:00:01,000 <exists> intervals WEBVTT NOTE unknown <O>"
)
PIECES = _PIECES.split(" ")
"""Letters, marks, scripts from right to left, and whatever some format takes for its own."""
texts = st.lists(st.sampled_from([*PIECES, " ", "\n", "\t", "\r\n", "\x0b", "\u2028"]) | st.characters(), max_size=8).map("".join)
"""Texts of any kind, line ends, control characters and halves of characters among them."""


def _seen(text: str) -> bool:
    return bool(text.strip()) and not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in " \ufffe\uffff" for c in text)


_LETTERS = st.sampled_from(PIECES) | st.characters(exclude_categories=["Cc", "Cs", "Z"])
words = st.lists(_LETTERS, min_size=1, max_size=4).map("".join).filter(_seen)
"""Words: something, without spaces and line ends."""


@st.composite
def transcripts(draw: Any, speaker: bool = False, channel: bool = False) -> Transcript:
    """A transcript as a recognizer makes it: words one after the other (ms), in segments, each word a token too."""
    number = draw(st.integers(0, 12))
    spoken, clock = [], draw(st.integers(1, 2000))
    for _ in range(number):
        start = clock + draw(st.sampled_from([0, 1, 20, 300, 900, 4000]))
        clock = start + draw(st.sampled_from([1, 30, 200, 999, 2500]))
        spoken.append(Word(draw(words), start / 1000, clock / 1000, draw(st.integers(0, 1000)) / 1000))
    cuts = sorted(draw(st.sets(st.integers(1, max(number - 1, 1)), max_size=2))) if number > 1 else []
    borders = [0, *cuts, number]
    segments = tuple(
        Segment(" ".join(w.text for w in part), part[0].start, part[-1].end, min(w.confidence for w in part))
        for first, last in pairwise(borders)
        if (part := spoken[first:last])
    )
    return Transcript(
        draw(st.sampled_from(["call.wav", "day 1/été (2).wav", "100%.flac", "; a", "a\tb", "caf\udce9.wav", "<x>", "-x"])),
        " ".join(word.text for word in spoken),
        (clock + draw(st.sampled_from([0, 1, 500, 5000]))) / 1000,
        segments,
        tuple(spoken),
        tuple(Token(w.text, w.start, w.end, w.confidence) for w in spoken),
        channel=draw(st.none() | st.integers(0, 7)) if channel else None,
        speaker=draw(st.sampled_from(["", "mary", "O'Neil & <sons>", 'ŋa "x"', "two words", "=f(x)", "%41"])) if speaker else "",
    )
