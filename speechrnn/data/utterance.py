"""One utterance of a data set: which stretch of which recording, and what is said in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speechrnn.audio import Clip


@dataclass(frozen=True, slots=True)
class AlignedItem:
    """A word or phone with its time: start and duration in s from the start of the utterance; score if there is one."""

    symbol: str
    start: float
    duration: float
    score: float | None = None

    @property
    def end(self) -> float:
        """Seconds, exclusive."""
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance of a data set.

    Attributes:
        id: unique within a manifest.
        audio: absolute path of the recording.
        sampling_rate: the recording's own (Hz).
        offset: first sample.
        num_samples: how many, at the recording's own rate.
        channel: index from 0; ``None`` is the mean of all channels (or the only one).
        text: transcript as its corpus writes it.
        speaker, language: labels or empty.
        alignment: known times by level, ``word`` and ``phone``.
        custom: further plain values: a translation, a class label.
        channels: how many the recording has.
        recording_samples: length of the whole recording; ``None``: it ends where the utterance does.
    """

    id: str
    audio: Path
    sampling_rate: int
    offset: int
    num_samples: int
    channel: int | None
    text: str
    speaker: str = ""
    language: str = ""
    alignment: Mapping[str, tuple[AlignedItem, ...]] = field(default_factory=dict)
    custom: Mapping[str, Any] = field(default_factory=dict)
    channels: int = 1
    recording_samples: int | None = None

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.num_samples / self.sampling_rate

    @property
    def clip(self) -> Clip:
        """What :func:`speechrnn.audio.read_clip` takes."""
        return Clip(self.id, self.audio, self.offset, self.num_samples, self.channel, self.speaker)
