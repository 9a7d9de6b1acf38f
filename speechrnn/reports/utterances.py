"""All utterances of a page, laid out: some column by column, the others as running text, so that thousands fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from speechrnn.reports.details import Detail, choose
from speechrnn.reports.timeline import Timeline, timeline
from speechrnn.scoring.align import Pair, align
from speechrnn.scoring.rates import Counts
from speechrnn.scoring.results import Evaluation, System


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring columns of one kind, as text."""

    kind: str
    reference: str
    hypothesis: str


@dataclass(frozen=True, slots=True)
class Line:
    """One system's alignment of one utterance: in columns (``pairs``) or as text (``runs``, with ``gap`` between them)."""

    system: str
    counts: Counts
    pairs: tuple[Pair, ...]
    runs: tuple[Run, ...]
    gap: str
    failure: str


@dataclass(frozen=True, slots=True)
class Block:
    """One utterance with every system's alignment.

    Attributes:
        index: its place in the evaluation.
        errors: of each system, by its headline rate.
        tokens: of the reference, by that of the first.
        sure: mean confidence of the tokens of the least sure system; ``None`` where no system tells.
    """

    index: int
    id: str
    speaker: str
    duration: float
    snr: float | None
    errors: tuple[int, ...]
    tokens: int
    sure: float | None
    failed: bool
    lines: tuple[Line, ...]
    timeline: Timeline | None


def blocks(evaluation: Evaluation, details: Mapping[str, Detail]) -> list[Block]:
    """Every utterance, by errors of the system that made the most, then by id; aligned by each system's headline rate."""
    by_system = [evaluation.measures[system.name][system.metrics[0]].by_utterance for system in evaluation.systems]
    in_columns = set(choose(evaluation)) | set(details)
    found = []
    for index, item in enumerate(evaluation.systems[0].items):
        counts = [each[index] for each in by_system]
        systems = evaluation.systems
        lines = tuple(_line(system, index, own, item.id in in_columns) for system, own in zip(systems, counts, strict=True))
        detail = details.get(item.id)
        sure = [sum(c) / len(c) for system in systems if (c := system.items[index].confidences)]
        found.append(
            Block(
                index,
                item.id,
                item.speaker,
                item.duration,
                item.snr,
                tuple(one.errors for one in counts),
                counts[0].tokens,
                min(sure) if sure else None,
                any(system.items[index].failure for system in systems),
                lines,
                timeline(detail, index, evaluation) if detail else None,
            )
        )
    return sorted(found, key=lambda block: (-max(block.errors), not block.failed, block.id))


def _line(system: System, index: int, counts: Counts, in_columns: bool) -> Line:
    item, metric = system.items[index], system.metrics[0]
    pairs = tuple(align(*item.sides(metric)))
    # Letters are written without gaps, words and phones (and letters of several signs) with a space between.
    letters = metric == "cer" or all(len(token) == 1 for token in (*item.reference_tokens, *item.tokens))
    gap = "" if metric in ("cer", "per") and letters else " "
    if in_columns:
        return Line(system.name, counts, pairs, (), gap, item.failure)
    return Line(system.name, counts, (), tuple(runs(pairs, gap)), gap, item.failure)


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
