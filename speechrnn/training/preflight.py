"""What cannot be learned from is said before training: empty texts, too long recordings, targets longer than their frames."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch

from speechrnn.data.augment import after_speed
from speechrnn.errors import DataError, listed
from speechrnn.models.acoustic import AcousticModel
from speechrnn.training.batches import Item
from speechrnn.training.tasks import Task

logger = logging.getLogger("speechrnn")
MOST_INFEASIBLE = 0.01
"""Share of utterances that may be left out because CTC cannot spell them in their frames."""


def check_feasible(
    items: Sequence[Item],
    task: Task,
    model: AcousticModel,
    fastest: float,
    max_duration_s: float,
    where: str,
    *,
    strict: bool = True,
) -> list[Item]:
    """The utterances that can be learned from; the others are left out by name.

    Args:
        items: utterances.
        task: says how many frames a target needs.
        model: says how many frames it makes of how many samples.
        fastest: the fastest speed perturbation.
        max_duration_s: longer ones are left out.
        where: what the utterances are, for messages.
        strict: raise where many are infeasible (of training data).

    Raises:
        DataError: more than 1 % of the utterances need more frames than they have (names the frame rate that would do);
            none is left.
    """
    rate = model.options.sampling_rate
    # A resampler may round either way.
    lengths = [after_speed(item.n_samples, fastest, rate) - (fastest != 1) for item in items]
    frames = model.encoded_lengths(torch.tensor(lengths, dtype=torch.int64)).tolist()
    kept: list[Item] = []
    left_out: dict[str, list[str]] = {}
    densest = 0.0
    infeasible = "with more tokens than CTC can spell in their frames"
    for item, count in zip(items, frames, strict=True):
        needed = task.frames_needed(item)
        if item.n_samples / rate > max_duration_s:
            left_out.setdefault(f"longer than data.max_duration_s = {max_duration_s:g} s", []).append(item.clip.id)
        elif not item.targets and strict:
            left_out.setdefault("without any token in their transcript", []).append(item.clip.id)
        elif count < needed:
            left_out.setdefault(infeasible, []).append(item.clip.id)
            densest = max(densest, needed * fastest * rate / max(item.n_samples, 1))
        else:
            kept.append(item)
    dense = left_out.get(infeasible, [])
    too_many = strict and len(dense) > MOST_INFEASIBLE * len(items)
    for why, ids in left_out.items():
        if why != infeasible or not too_many:
            logger.warning("%s: %d utterances left out, %s: %s", where, len(ids), why, listed(ids))
    if too_many:
        now, most = 1 / model.frame_shift, rate / model.frontend.grid.hop
        remedy = f"a frame rate of {densest * 1.05:.0f}/s would do: set model.factor lower ({most:.0f} / factor frames/s)"
        if densest * 1.05 > most:
            finest = "" if now > 0.99 * most else f"; model.factor=1 gives {most:.0f} frames/s"
            remedy = f"no frame rate would do for all of them: look at these transcripts, correct or remove them{finest}"
        raise DataError(
            f"{where}: {len(dense)} of {len(items)} utterances have more tokens than CTC can spell in their frames "
            f"at {now:.0f} frames/s: {listed(dense)}",
            remedy,
        )
    if not kept:
        checks = (
            "check the transcripts, data.max_duration_s and the frame rate" if items else "the warnings above say what they lack"
        )
        raise DataError(f"{where}: no utterance is left", checks)
    return kept
