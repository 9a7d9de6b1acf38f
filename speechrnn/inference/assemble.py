"""Decoded pieces of a recording to its transcript, with times in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from speechrnn.decoding.decoder import Reading
from speechrnn.decoding.greedy import to_tokens, to_words
from speechrnn.inference.pieces import PAUSE_S
from speechrnn.records import Segment, Token, Transcript, Word
from speechrnn.text.tokenizer import SPACE, Tokenizer


def assemble(
    blank: Transcript, readings: Sequence[tuple[int, Reading]], tokenizer: Tokenizer, frame_shift: float, offset: float
) -> Transcript:
    """The transcript of a recording.

    A segment ends where the next word (of a model without words: the next token) begins ``PAUSE_S`` later or more.
    Alternatives are those of a recording that was decoded in one piece.

    Args:
        blank: its id, duration, channel and model; no text yet.
        readings: first frame and reading of each piece, in order of time.
        tokenizer: of the model.
        frame_shift: seconds between two frames.
        offset: seconds to the start of frame 0.
    """
    tokens: list[Token] = []
    words: list[Word] = []
    segments: list[Segment] = []
    for start, reading in readings:
        timed = to_tokens(reading.path, tokenizer.tokens, frame_shift, offset + start * frame_shift, blank.duration)
        tokens += timed
        words += to_words(timed, reading.words, reading.confidences)
        segments += _segments(timed, reading, tokenizer)
    return replace(
        blank,
        text=" ".join(reading.text for _, reading in readings if reading.text),
        segments=tuple(segments),
        words=tuple(words),
        tokens=tuple(tokens),
        alternatives=readings[0][1].alternatives if len(readings) == 1 else (),
    )


def _segments(tokens: Sequence[Token], reading: Reading, tokenizer: Tokenizer) -> list[Segment]:
    """The stretches between the pauses of a piece."""
    spans = [(first, last) for _, first, last in reading.words] or [
        (index, index + 1) for index, token in enumerate(tokens) if token.text != SPACE
    ]
    groups: list[list[int]] = []
    for index, (first, _) in enumerate(spans):
        if index and tokens[first].start - tokens[spans[index - 1][1] - 1].end < PAUSE_S:
            groups[-1].append(index)
        else:
            groups.append([index])
    found = []
    for group in groups:
        first, last = spans[group[0]][0], spans[group[-1]][1]
        if reading.words:
            text = " ".join(reading.words[index][0] for index in group)
        else:
            text = tokenizer.decode(reading.path.ids[first:last].tolist())
        confidence = min(token.confidence for token in tokens[first:last] if token.text != SPACE)
        found.append(Segment(text, tokens[first].start, tokens[last - 1].end, confidence))
    return found
