"""All utterances of a page, laid out: some column by column, the others as running text, so that thousands fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from speechrnn.reports.details import Detail, choose
from speechrnn.reports.summary import digits
from speechrnn.reports.timeline import Timeline, timeline
from speechrnn.scoring.align import Pair, align
from speechrnn.scoring.results import Evaluation, System

ELEMENT = 52
"""Bytes of a curve's element beside its path."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring columns of one kind, as text; of kind ``estimate``: a number and what was given for it."""

    kind: str
    reference: str
    hypothesis: str


@dataclass(frozen=True, slots=True)
class Line:
    """One system's alignment of one utterance: in columns (``pairs``) or as text (``runs``, with ``gap`` between them).

    Attributes:
        errors: how many, or how far its number is off; 0 where there is none.
        tokens: of the reference; 0 of a number.
        off: both in words.
    """

    system: str
    errors: float
    tokens: int
    off: str
    pairs: tuple[Pair, ...]
    runs: tuple[Run, ...]
    gap: str
    failure: str


@dataclass(frozen=True, slots=True)
class Block:
    """One utterance with every system's alignment.

    Attributes:
        index: its place in the evaluation.
        errors: of each system, by its headline rate, or how far its number is off.
        tokens: of the reference, by the headline rate of the first; of a number none.
        sure: mean confidence of the tokens of the least sure system; ``None`` where no system tells.
    """

    index: int
    id: str
    speaker: str
    duration: float
    snr: float | None
    errors: tuple[float, ...]
    tokens: int
    sure: float | None
    failed: bool
    lines: tuple[Line, ...]
    timeline: Timeline | None


def blocks(evaluation: Evaluation, details: Mapping[str, Detail]) -> list[Block]:
    """Every utterance, by errors of the system that made the most, then by id; aligned by each system's headline rate.

    Numbers that are missing stand before those that are furthest off.
    """
    by_system = [evaluation.errors(system) for system in evaluation.systems]
    in_columns = set(choose(evaluation)) | set(details)
    found = []
    for index, item in enumerate(evaluation.systems[0].items):
        systems = evaluation.systems
        lines = tuple(
            _line(evaluation, system, index, item.id in in_columns) if system.metrics else _estimate(system, index, errors[index])
            for system, errors in zip(systems, by_system, strict=True)
        )
        detail = details.get(item.id)
        sure = [sum(c) / len(c) for system in systems if (c := system.items[index].confidences)]
        found.append(
            Block(
                index,
                item.id,
                item.speaker,
                item.duration,
                item.snr,
                tuple(each[index] for each in by_system),
                lines[0].tokens,
                min(sure) if sure else None,
                any(system.items[index].failure for system in systems),
                lines,
                timeline(detail, index, evaluation) if detail else None,
            )
        )
    numbers = bool(evaluation.values)
    return sorted(found, key=lambda block: (not (numbers and block.failed), -max(block.errors), not block.failed, block.id))


def lightened(evaluation: Evaluation, details: Mapping[str, Detail], found: Sequence[Block], excess: int) -> dict[str, Detail]:
    """Details without posteriors of as many utterances, from the one chosen last on, as make up ``excess`` bytes of drawing."""
    drawn = {block.id: block.timeline.lanes for block in found if block.timeline}
    kept = dict(details)
    for identity in reversed(choose(evaluation)):
        if excess <= 0:
            break
        if identity in drawn:
            kept[identity] = replace(kept[identity], curves={})
            excess -= sum(ELEMENT + len(trace.path) for lane in drawn[identity] for trace in lane.traces)
    return kept


def _estimate(system: System, index: int, error: float) -> Line:
    item = system.items[index]
    off = "no number" if item.failure else f"off by {digits(float(item.hypothesis) - float(item.reference), '+')}"
    return Line(system.name, error, 0, off, (), (Run("estimate", item.reference, item.hypothesis or "–"),), "", item.failure)


def _line(evaluation: Evaluation, system: System, index: int, in_columns: bool) -> Line:
    item, metric = system.items[index], system.metrics[0]
    counts = evaluation.measures[system.name][metric].by_utterance[index]
    pairs = tuple(align(*item.sides(metric)))
    off = f"{counts.errors} of {counts.tokens}"
    # Letters are written without gaps, words and phones (and letters of several signs) with a space between.
    letters = metric == "cer" or all(len(token) == 1 for token in (*item.reference_tokens, *item.tokens))
    gap = "" if metric in ("cer", "per") and letters else " "
    if in_columns:
        return Line(system.name, counts.errors, counts.tokens, off, pairs, (), gap, item.failure)
    return Line(system.name, counts.errors, counts.tokens, off, (), tuple(runs(pairs, gap)), gap, item.failure)


def runs(pairs: Sequence[Pair], gap: str) -> list[Run]:
    """Columns of the same kind that follow each other, joined."""
    found: list[list[Pair]] = []
    for pair in pairs:
        if found and found[-1][0].kind == pair.kind:
            found[-1].append(pair)
        else:
            found.append([pair])
    return [
        Run(
            group[0].kind,
            gap.join(pair.reference for pair in group if pair.reference is not None),
            gap.join(pair.hypothesis for pair in group if pair.hypothesis is not None),
        )
        for group in found
    ]
