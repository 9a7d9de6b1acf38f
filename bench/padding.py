"""Padding as a share of what is computed, in the plan of an epoch of the corpora at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.timing import Ratio
from speechrnn.data.augment import draw_speed
from speechrnn.data.manifest import read_manifest
from speechrnn.data.options import DataOptions
from speechrnn.data.plan import Limits, padding_share, plan_epoch


def padding() -> list[Ratio]:
    """Percent of padded seconds, mean of three epochs, after speed perturbation; the yardstick is 1 %."""
    found = []
    options = DataOptions()
    for corpus, size in (("an4", 8), ("mboshi", 16), ("fsdd", 16)):
        manifest = Path("data") / corpus / "cuts_train.jsonl.gz"
        if not manifest.is_file():
            continue
        utterances = read_manifest(manifest)
        shares = []
        for epoch in range(3):
            durations = np.array([u.duration / draw_speed(options.speeds, 1, epoch, u.id) for u in utterances])
            shares.append(padding_share(durations, plan_epoch(durations, 1, epoch, Limits(size, options.batch_s))))
        found.append(Ratio(f"padding of {corpus}, batches of {size} (%)", 100 * float(np.mean(shares)), 1.0, 5.0))
    return found
