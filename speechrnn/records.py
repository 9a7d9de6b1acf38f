"""What flows between the rooms: frozen records of plain values. Times are in seconds, intervals half-open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Token:
    """One output symbol of a model: a letter, a phone, a subword.

    Attributes:
        text: the symbol as in ``tokens.txt``.
        start: seconds from the start of the recording.
        end: seconds, exclusive.
        confidence: posterior probability in [0, 1].
    """

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its time span (s) and confidence in [0, 1]."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech (s): a sentence, a turn, a window of a long recording."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recognizer says about one recording, whatever kind the recognizer is.

    Attributes:
        id: utterance id, or the path as given.
        text: the words, or the phones separated by spaces.
        duration: seconds of audio.
        segments, words, tokens: the same content at three grains, each in order of time.
        language: BCP 47 tag or empty.
        channel: channel index the transcript belongs to; ``None`` where channels were mixed or mono.
        speaker: label or empty.
        model: id of the model that made it (name and checksum).
        alternatives: further hypotheses, best first.
        unit: what the tokens are: chars, letters, phones, states; classes or value (one token that tells of the whole recording);
            empty where that is not known.
    """

    id: str
    text: str
    duration: float
    segments: tuple[Segment, ...] = ()
    words: tuple[Word, ...] = ()
    tokens: tuple[Token, ...] = ()
    language: str = ""
    channel: int | None = None
    speaker: str = ""
    model: str = ""
    alternatives: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Classification:
    """What class a recording is of.

    Attributes:
        labels: all classes, the most probable first.
        probabilities: of each, in [0, 1]; they sum to 1.
    """

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.labels[0]

    @property
    def probability(self) -> float:
        """Its probability."""
        return self.probabilities[0]


@dataclass(frozen=True, slots=True, eq=False)
class Posteriors:
    """Log posteriors of one utterance.

    Attributes:
        log_probs: float32, shape (T, K): T frames, K tokens with the blank first.
        tokens: K symbols; ``tokens[0]`` is ``<blank>``.
        frame_shift: seconds between two frames.
        offset: seconds from the start of the recording to what frame 0 tells of; may be below 0.
    """

    log_probs: np.ndarray
    tokens: tuple[str, ...]
    frame_shift: float
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Alignment:
    """A transcript laid over its recording.

    Attributes:
        words, tokens: in order of time; gaps between them are silence.
        score: log odds, a token, of this text against what the model would rather hear: 0 where that is the text, far below
            where text and audio disagree.
    """

    id: str
    words: tuple[Word, ...] = ()
    tokens: tuple[Token, ...] = ()
    score: float = field(default=0.0)
