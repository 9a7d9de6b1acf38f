"""What is wrong with the data is said before training: unknown symbols, empty texts, targets longer than their frames."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from speechrnn.data.augment import after_speed
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError
from speechrnn.models.ctc import frames_needed
from speechrnn.text.normalize import TextOptions, normalize
from speechrnn.text.tokenizer import Tokenizer, UnknownSymbol
from speechrnn.training.batches import Item

logger = logging.getLogger("speechrnn")
NAMED = 5
"""How many utterances a message names."""
MOST_INFEASIBLE = 0.01
"""Share of utterances that may be left out because CTC cannot spell them in their frames."""


def _named(ids: Sequence[str]) -> str:
    return ", ".join(ids[:NAMED]) + (f" and {len(ids) - NAMED} more" if len(ids) > NAMED else "")


def make_items(
    utterances: Sequence[Utterance], tokenizer: Tokenizer, text: TextOptions, where: str, *, strict: bool = True
) -> list[Item]:
    """Utterances with their targets.

    Args:
        where: what the utterances are, for the message.
        strict: raise on symbols the inventory lacks; otherwise leave such utterances out with a warning (of dev, where a
            rare letter may occur that train lacks; test references keep theirs and count as errors).

    Raises:
        DataError: transcripts with symbols outside the inventory, as a table of symbols with counts and ids.
    """
    items: list[Item] = []
    unknown: Counter[str] = Counter()
    example: dict[str, tuple[str, DataError]] = {}
    for utterance in utterances:
        normalized = normalize(utterance.text, text)
        try:
            targets = tuple(tokenizer.encode(normalized))
        except DataError as error:
            symbol = error.symbol if isinstance(error, UnknownSymbol) else error.message
            unknown[symbol] += 1
            example.setdefault(symbol, (utterance.id, error))
            continue
        items.append(Item(utterance.clip, targets, normalized, utterance.speaker))
    if unknown:
        lines = [
            f"  {count} x {example[symbol][1].message} (first in {example[symbol][0]})"
            for symbol, count in unknown.most_common(NAMED)
        ]
        more = f"\n  and {len(unknown) - NAMED} more symbols" if len(unknown) > NAMED else ""
        message = (
            f"{where}: {sum(unknown.values())} transcripts cannot be written in the model's tokens:\n" + "\n".join(lines) + more
        )
        if strict:
            raise DataError(message, next(iter(example.values()))[1].remedy)
        logger.warning("%s\nthey are left out", message)
    return items


@dataclass(frozen=True, slots=True)
class Feasibility:
    """Utterances that can be trained on, and those left out by reason."""

    items: list[Item]
    too_long: list[str]
    infeasible: list[str]
    empty: list[str]


def check_feasible(
    items: Sequence[Item],
    n_samples: Sequence[int],
    sampling_rate: int,
    encoded_lengths: Callable[[torch.Tensor], torch.Tensor],
    frame_shift: float,
    fastest: float,
    max_duration_s: float,
) -> Feasibility:
    """Leave out what cannot be learned from, by name.

    Args:
        items: the training utterances.
        n_samples: of each, at the model's sampling rate (Hz).
        encoded_lengths: samples -> encoder frames, the model's own function.
        frame_shift: seconds between encoder frames.
        fastest: the fastest speed perturbation.
        max_duration_s: longer ones are left out.

    Raises:
        DataError: more than 1 % of the utterances need more frames than they have; names the frame rate that would do.
    """
    frames = encoded_lengths(torch.tensor([after_speed(n, fastest) - 1 for n in n_samples])).tolist()
    result = Feasibility([], [], [], [])
    densest = 0.0
    for item, samples, count in zip(items, n_samples, frames, strict=True):
        needed = max(frames_needed(list(item.targets)), 1)
        if samples / sampling_rate > max_duration_s:
            result.too_long.append(item.clip.id)
        elif not item.targets:
            result.empty.append(item.clip.id)
        elif count < needed:
            result.infeasible.append(item.clip.id)
            densest = max(densest, needed * fastest * sampling_rate / max(samples, 1))
        else:
            result.items.append(item)
    for ids, why in (
        (result.too_long, f"longer than data.max_duration_s = {max_duration_s:g} s"),
        (result.empty, "without any token in their transcript"),
        (result.infeasible, "with more tokens than CTC can spell in their frames"),
    ):
        if ids:
            logger.warning("%d utterances left out, %s: %s", len(ids), why, _named(ids))
    if len(result.infeasible) > MOST_INFEASIBLE * len(items):
        rate = 1 / frame_shift
        raise DataError(
            f"{len(result.infeasible)} of {len(items)} training utterances have more tokens than CTC can spell in their frames "
            f"at {rate:.0f} frames/s: {_named(result.infeasible)}",
            f"their transcripts may be wrong; a frame rate of {densest * 1.05:.0f}/s would do: "
            "set model.factor lower (100 / factor frames/s)",
        )
    if not result.items:
        raise DataError("no training utterance is left", "check the transcripts, data.max_duration_s and the frame rate")
    return result
