"""What each step of ``speechrnn align`` does for the times it finds.

    python -m bench.alignment_steps runs/synthetic/phones data/synthetic/cuts_dev.jsonl.gz

Aligns a manifest that is aligned already, with and without looking for sounds where it is quiet, and with and without the even
stretches around the network's peaks; prints how far the boundaries of all tokens lie from the manifest's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import speechrnn
from speechrnn.cli.console import table
from speechrnn.data.manifest import Utterance, read_manifest
from speechrnn.decoding.greedy import Path as Laid
from speechrnn.inference import alignment
from speechrnn.records import Token
from speechrnn.scoring.boundaries import WITHIN_MS, distance, pair


def main() -> None:
    """Print a row for each choice of steps."""
    recognizer = speechrnn.load(sys.argv[1])
    utterances = list(read_manifest(Path(sys.argv[2])))
    expected = [[Token(p.symbol, p.start, p.end, 0.0) for p in utterance.alignment["phone"]] for utterance in utterances]

    def loud(log_probs: np.ndarray, *_: Any) -> np.ndarray:
        return log_probs

    def peaks(path: Laid, words: Any, frames: Any, quiet: Any, factor: int, hop_s: float) -> np.ndarray:
        return np.stack([path.starts, path.ends], 1) * factor

    steps: dict[str, dict[str, Callable[..., np.ndarray]]] = {
        "the network's peaks as they are": {"_hushed": loud, "durations": peaks},
        "no sound where it is quiet": {"durations": peaks},
        "even stretches around the peaks": {"_hushed": loud},
        "both, as `align` does it": {},
    }
    rows = []
    for name, replaced in steps.items():
        with ExitStack() as stack:
            for function, other in replaced.items():
                stack.enter_context(patch.object(alignment, function, other))
            paired = pair(expected, _aligned(recognizer, utterances))
        found = np.concatenate([paired.starts, paired.ends])
        measured = distance(found, np.tile(paired.utterance, 2))
        within = [f"{share:.0f}" for share in measured.within]
        rows.append([name, f"{measured.median:.1f}", f"{1000 * np.abs(found).mean():.0f}", f"{measured.offset:+.1f}", *within])
    limits = [f"<= {limit} ms %" for limit in WITHIN_MS]
    print(table(rows, ["", "median ms", "mean ms", "offset ms", *limits]))


def _aligned(recognizer: Any, utterances: Sequence[Utterance]) -> list[Sequence[Token]]:
    found = {one.id: one.tokens for one in recognizer.align_many([(each.clip, each.text) for each in utterances])}
    return [found[utterance.id] for utterance in utterances]


if __name__ == "__main__":
    main()
