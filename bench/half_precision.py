"""How much of what a model reads stays the same in bfloat16.

    python -m bench.half_precision runs/an4/full data/an4/cuts_dev.jsonl.gz data/an4/cuts_test.jsonl.gz

Greedy tokens in bfloat16 against those in float32, which ``transcribe`` and ``evaluate`` use, and in batches against those of
each recording alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import patch

import torch

import speechrnn
from speechrnn.data.manifest import read_manifest
from speechrnn.decoding.greedy import greedy
from speechrnn.scoring.rates import count


def main() -> None:
    """Print the shares of tokens that are the same."""
    recognizer = speechrnn.load(sys.argv[1], "cpu")
    clips = [utterance.clip for manifest in sys.argv[2:] for utterance in read_manifest(Path(manifest))]

    def read(batch_size: int = 16) -> list[list[str]]:
        heard = recognizer.posteriors_many(clips, batch_size=batch_size)
        return [[str(i) for i in greedy(log_probs).ids] for _, log_probs, _ in heard]

    def compare(what: str, one: list[list[str]], other: list[list[str]]) -> None:
        tokens = sum(map(len, one))
        equal = tokens - sum(count(a, b).errors for a, b in zip(one, other, strict=True))
        print(f"{equal} of {tokens} tokens are the same {what}: {100 * equal / tokens:.2f} %")

    full = read()
    network, half_precision = recognizer._network._network, torch.autocast("cpu", torch.bfloat16)
    # As in training: frames are computed in float32.
    encode = patch.object(network, "encode", half_precision(network.encode))
    with encode, patch.object(network.head, "outputs", half_precision(network.head.outputs)):
        half, alone = read(), read(1)
    compare("in bfloat16 as in float32", full, half)
    compare("in bfloat16 in batches of 16 as alone", alone, half)


if __name__ == "__main__":
    main()
