"""Start from the weights of another model."""

from __future__ import annotations

import logging
from pathlib import Path

from speechrnn.errors import DataError
from speechrnn.models.acoustic import AcousticModel
from speechrnn.models.export import read_acoustic

logger = logging.getLogger("speechrnn")


def start_from(path: Path, model: AcousticModel) -> list[str]:
    """Copy the weights of another model that fit by name and shape; name the rest."""
    other = read_acoustic(path)
    mine = model.state_dict()
    # Heads of two kinds have layers of one name that do different things.
    same_head = other.vocabulary.tokens == model.head.vocabulary and other.options.head.kind == model.options.head.kind
    taken, left = {}, []
    for name, tensor in mine.items():
        theirs = other.weights.get(name)
        fits = theirs is not None and theirs.shape == tensor.shape and (same_head or not name.startswith("head."))
        if fits:
            taken[name] = theirs
        else:
            left.append(name)
    if not any(name.startswith("encoder.") for name in taken):
        raise DataError(
            f"{path}: none of its weights fits this model", "choose the model.* and features.* options it was trained with"
        )
    model.load_state_dict({**mine, **taken})
    apart = [
        f"{name} {theirs} instead of {own}"
        for name, theirs, own in (
            ("model.cell", other.options.model.cell, model.options.model.cell),
            ("sampling_rate", other.options.sampling_rate, model.options.sampling_rate),
            ("features.frontend.kind", other.options.features.frontend.kind, model.options.features.frontend.kind),
            ("model.factor", other.options.model.factor, model.options.model.factor),
        )
        if theirs != own
    ]
    if apart:
        logger.warning("init=%s: its weights fit, but were trained for something else: %s", path, "; ".join(apart))
    logger.info(
        "init=%s: %d of %d weights taken%s", path, len(taken), len(mine), f"; begun anew: {', '.join(left)}" if left else ""
    )
    return [other.id]
