"""What one or several systems did on the same utterances: the records that reports are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from speechrnn.scoring.bootstrap import Difference
from speechrnn.scoring.calibration import Reliability
from speechrnn.scoring.matched_pairs import MatchedPairs
from speechrnn.scoring.rates import Counts
from speechrnn.scoring.units import characters, hypothesis_tokens, words
from speechrnn.scoring.values import ValueScores


@dataclass(frozen=True, slots=True)
class Item:
    """One utterance as one system heard it.

    Attributes:
        id: utterance id.
        reference, hypothesis: normalized texts, labels, or numbers as text.
        reference_tokens: letters or phones of the reference; empty where words and characters are counted.
        tokens: letters or phones of the hypothesis.
        times: start and end of each token (s from the start of the utterance, half-open), or nothing.
        confidences: of each token, in [0, 1], or nothing.
        speaker: label or empty.
        duration: seconds; 0 where unknown.
        snr: estimated ratio of speech to noise (dB); ``None`` where unknown.
        reference_times: of each reference token, where they are known and scored.
        failure: why there is no hypothesis; empty where there is one. A failed utterance counts as all deleted; where numbers are
            given, it is left out of the figures.
    """

    id: str
    reference: str
    hypothesis: str
    reference_tokens: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    times: tuple[tuple[float, float], ...] = ()
    confidences: tuple[float, ...] = ()
    speaker: str = ""
    duration: float = 0.0
    failure: str = ""
    snr: float | None = None
    reference_times: tuple[tuple[float, float], ...] = ()

    def sides(self, metric: str) -> tuple[list[str], list[str]]:
        """Reference and hypothesis as ``wer``, ``cer``, ``per`` or, of classes, ``error`` compares them."""
        if metric == "error":
            return [self.reference], [self.hypothesis] if self.hypothesis else []
        if metric == "wer":
            return words(self.reference), words(self.hypothesis)
        if metric == "cer":
            return characters(self.reference), characters(self.hypothesis)
        return list(self.reference_tokens), list(hypothesis_tokens(self.tokens))


@dataclass(frozen=True, slots=True)
class System:
    """A recognizer, or a file of hypotheses, over all utterances.

    Attributes:
        name: as shown; unique on a page.
        model: path of its model directory or hypothesis file, as given.
        unit: ``chars``, ``letters``, ``phones``, ``classes``, ``frames``, ``value`` of a model; ``word``, ``char``, ``token`` of
            a file.
        metrics: rates that make sense, the headline first; none where numbers are given (``value``), of which no error is counted.
        items: the utterances, in the order of the references.
        seconds: wall-clock time of recognition, reading of audio included, loading of the model not; ``None`` where not measured.
        facts: what else a report says of it: checksum, parameters, normalization.
        reliability: what its confidences of ``words`` and ``tokens`` are worth, where it gives any.
        source: what it writes: ``text``, or the field of the manifest that holds it, such as a translation or a number.
    """

    name: str
    model: str
    unit: str
    metrics: tuple[str, ...]
    items: tuple[Item, ...] = field(repr=False)
    seconds: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    reliability: Mapping[str, Reliability] = field(default_factory=dict)
    source: str = "text"

    @property
    def failed(self) -> list[Item]:
        """Utterances without hypothesis."""
        return [item for item in self.items if item.failure]

    @property
    def audio_seconds(self) -> float:
        """Audio of all utterances (s)."""
        return sum(item.duration for item in self.items)

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of work per second of audio; ``None`` where either is unknown."""
        return self.seconds / self.audio_seconds if self.seconds is not None and self.audio_seconds else None


@dataclass(frozen=True, slots=True)
class Measure:
    """One rate of one system.

    Attributes:
        metric: ``wer``, ``cer``, ``per`` or ``error``.
        counts: over all utterances.
        low, high: 95 % interval in percent.
        by_utterance: counts in the order of the items.
    """

    metric: str
    counts: Counts
    low: float
    high: float
    by_utterance: tuple[Counts, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems by one rate, or by ``rmse``, for which there are no matched pairs: a minus b."""

    a: str
    b: str
    metric: str
    difference: Difference
    matched: MatchedPairs | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything a page of results shows.

    Attributes:
        measures: by system name, then metric.
        pairs: each two systems that share a metric, or give numbers.
        drawn: ``utterances`` or ``speakers``: what the bootstrap drew.
        values: of systems that give numbers, by name: of all or of none.
    """

    systems: tuple[System, ...]
    measures: Mapping[str, Mapping[str, Measure]]
    pairs: tuple[Comparison, ...]
    drawn: str
    values: Mapping[str, ValueScores] = field(default_factory=dict)

    def errors(self, system: System) -> tuple[float, ...]:
        """Of each utterance the errors by a system's headline rate, or how far its number is off: 0 where there is none."""
        if system.name in self.values:
            return tuple(0.0 if item.failure else abs(float(item.hypothesis) - float(item.reference)) for item in system.items)
        return tuple(counts.errors for counts in self.measures[system.name][system.metrics[0]].by_utterance)

    def right(self, system: System) -> int:
        """Utterances without any error by the system's headline rate; failed ones are not among them."""
        return sum(errors == 0 and not item.failure for errors, item in zip(self.errors(system), system.items, strict=True))
