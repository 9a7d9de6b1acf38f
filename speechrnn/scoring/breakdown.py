"""Where errors are: the same counts by speaker, by length, by noise, by speaking rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from speechrnn.scoring.rates import Counts, total
from speechrnn.scoring.results import Evaluation, Item
from speechrnn.scoring.units import METRICS

PARTS = 5
"""Groups of about equal size that a quantity is cut into."""


@dataclass(frozen=True, slots=True)
class Group:
    """Utterances that have something in common.

    Attributes:
        label: of all of them: a speaker, a range.
        utterances: how many.
        counts: by system name.
    """

    label: str
    utterances: int
    counts: Mapping[str, Counts]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """All utterances in groups.

    Attributes:
        by: ``speaker``, ``length``, ``noise``, ``rate``.
        unit: of the labels; empty where they are names.
        groups: speakers with the most errors per token first (of the first system), ranges upwards.
        unknown: utterances for which it is not known.
    """

    by: str
    unit: str
    groups: tuple[Group, ...]
    unknown: int


def breakdowns(evaluation: Evaluation, metric: str) -> list[Breakdown]:
    """Every breakdown that tells two groups or more apart, over the systems that have this rate.

    Length is in seconds, noise the estimated ratio of speech to noise in dB, rate the reference's words (characters, tokens) a
    second. Each is cut where a fifth of the utterances lies below, two fifths, and so on; equal values stay together.
    """
    systems = [system for system in evaluation.systems if metric in system.metrics]
    items = systems[0].items
    by_utterance = {system.name: evaluation.measures[system.name][metric].by_utterance for system in systems}

    def group(label: str, members: Sequence[int]) -> Group:
        return Group(label, len(members), {name: total(counts[n] for n in members) for name, counts in by_utterance.items()})

    speakers: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        if item.speaker:
            speakers.setdefault(item.speaker, []).append(number)
    by_speaker = [group(label, members) for label, members in speakers.items()]
    first = systems[0].name
    by_speaker.sort(key=lambda found: (-found.counts[first].percent, found.label))
    found = [Breakdown("speaker", "", tuple(by_speaker), len(items) - sum(map(len, speakers.values())))]
    for by, unit, value in _quantities(metric):
        values = [value(item) for item in items]
        known = [number for number, one in enumerate(values) if one is not None]
        parts = ranges([one for one in values if one is not None])
        groups = tuple(
            group(label, [number for number in known if low <= (values[number] or 0.0) <= high])
            for label, (low, high) in zip(labels(parts), parts, strict=True)
        )
        found.append(Breakdown(by, unit, groups, len(items) - len(known)))
    return [one for one in found if len(one.groups) > 1]


def _quantities(metric: str) -> list[tuple[str, str, Callable[[Item], float | None]]]:
    def rate(item: Item) -> float | None:
        spoken = len(item.sides(metric)[0])
        return spoken / item.duration if item.duration and spoken else None

    found: list[tuple[str, str, Callable[[Item], float | None]]] = [
        ("length", "s", lambda item: item.duration or None),
        ("noise", "dB", lambda item: item.snr),
    ]
    # An utterance of one class is no quicker than it is long.
    return found if metric == "error" else [*found, ("rate", f"{METRICS[metric]}/s", rate)]


def ranges(values: Sequence[float], parts: int = PARTS) -> list[tuple[float, float]]:
    """Least and greatest value of up to ``parts`` groups of about equal size; equal values share a group.

    >>> ranges([1, 2, 2, 2, 3, 9], 3)
    [(1, 2), (3, 9)]
    """
    ordered = sorted(values)
    found: list[tuple[float, float]] = []
    start = 0
    for part in range(1, parts + 1):
        end = round(part * len(ordered) / parts)
        while 0 < end < len(ordered) and ordered[end] == ordered[end - 1]:
            end += 1
        if end > start:
            found.append((ordered[start], ordered[end - 1]))
            start = end
    return found


def labels(parts: Sequence[tuple[float, float]]) -> list[str]:
    """Ranges as they are read, with as many decimals, one or more, as tell them apart.

    >>> labels([(0.5, 1.25), (1.28, 1.28)]), labels([(1.26, 1.28), (1.31, 1.34)])
    (['0.5 – 1.2', '1.3'], ['1.26 – 1.28', '1.31 – 1.34'])
    """
    found: list[str] = []
    for digits in range(1, 10):
        ends = [(f"{low:.{digits}f}", f"{high:.{digits}f}") for low, high in parts]
        found = [low if low == high else f"{low} – {high}" for low, high in ends]
        if len(set(found)) == len(found):
            break
    return found
