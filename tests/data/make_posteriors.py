"""Write the log posteriors that decoder tests and benchmarks are built on:

    python tests/data/make_posteriors.py runs/an4/full data/an4 an4
    python tests/data/make_posteriors.py runs/mboshi/full data/mboshi mboshi

``NAME_SPLIT.npz`` holds ``log_probs`` float16 (sum of T, K), ``lengths`` (N,), ``ids`` (N,), ``tokens`` (K,), ``unit``,
``frame_shift`` and ``offset`` in s, ``model``. No transcripts: Mboshi's may not be passed on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import speechrnn
from speechrnn.atomic import atomic_path
from speechrnn.data.manifest import read_manifest

FLOOR, STEP, FINE = -16.0, 1 / 16, -1.0
"""Log probabilities below FINE are rounded to STEP, none is below FLOOR: what is so unlikely needs no digits, and compresses."""


def main(model: str, data: str, name: str) -> None:
    recognizer = speechrnn.load(model)
    for split in ("dev", "test"):
        clips = [utterance.clip for utterance in read_manifest(Path(data) / f"cuts_{split}.jsonl.gz")]
        found = [log_probs for _, log_probs, _ in recognizer.posteriors_many(clips)]
        one = recognizer.posteriors(clips[0])
        log_probs = np.maximum(np.concatenate(found), FLOOR)
        log_probs = np.where(log_probs < FINE, np.round(log_probs / STEP) * STEP, log_probs)
        with atomic_path(Path(__file__).parent / f"{name}_{split}.npz") as path:
            np.savez_compressed(
                path,
                log_probs=log_probs.astype(np.float16),
                lengths=np.array([len(log_probs) for log_probs in found]),
                ids=np.array([clip.id for clip in clips]),
                tokens=np.array(one.tokens),
                unit=np.array(recognizer.tokenizer.unit),
                frame_shift=np.array(one.frame_shift),
                offset=np.array(one.offset),
                model=np.array(recognizer.id),
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
