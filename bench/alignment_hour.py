"""What ``speechrnn align`` makes of an hour, and what it costs.

    python -m bench.alignment_hour runs/synthetic/hmm data/synthetic/cuts_*.jsonl.gz [--minutes 60]

Joins utterances that are aligned already to one recording, with pauses made of their own rooms, lays their joined text over it, and
prints how far words lie from where they lay in the utterances, the score of the text, seconds, and the peak memory of the process.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

import speechrnn
from bench.long_audio_accuracy import Joined, join
from bench.timing import peak_mib
from speechrnn.data.manifest import read_manifest
from speechrnn.records import Token
from speechrnn.scoring.boundaries import WITHIN_MS, distance, pair


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("manifests", type=Path, nargs="+")
    parser.add_argument("--minutes", type=float, default=60.0)
    chosen = parser.parse_args()
    recognizer = speechrnn.load(chosen.model)
    joined = about(chosen.minutes, chosen.manifests, recognizer.sampling_rate)
    text = " ".join(utterance.text for utterance in joined.utterances)
    begun = time.perf_counter()
    found = recognizer.align(joined.samples, text, sample_rate=joined.rate)
    seconds = time.perf_counter() - begun
    expected = [
        Token(item.symbol, start + item.start, start + item.end, 0.0)
        for utterance, start in zip(joined.utterances, joined.starts, strict=True)
        for item in utterance.alignment["word"]
    ]
    paired = pair([expected], [[Token(word.text, word.start, word.end, 0.0) for word in found.words]])
    borders = np.concatenate([paired.starts, paired.ends])
    measured = distance(borders, np.tile(paired.utterance, 2))
    within = ", ".join(f"{share:.0f} % <= {limit} ms" for share, limit in zip(measured.within, WITHIN_MS, strict=True))
    print(f"{len(joined.samples) / joined.rate / 60:.1f} min, {len(expected)} words, {len(paired.starts)} of them compared")
    print(f"boundaries: median {measured.median:.1f} ms, {within}; score {found.score:.2f}")
    print(f"{seconds:.0f} s, peak {peak_mib() / 1024:.1f} GiB")


def about(minutes: float, manifests: list[Path], rate: int) -> Joined:
    """Utterances joined to about so many minutes."""
    utterances = [utterance for manifest in manifests for utterance in read_manifest(manifest)]
    utterances = [utterance for utterance in utterances if "word" in utterance.alignment]
    if not utterances:
        sys.exit(f"{manifests[0]}: no utterance has times of its words; align it first")
    # Pauses take 5 s each, in the mean.
    whole = sum(utterance.duration + 5.25 for utterance in utterances)
    times, rest = divmod(60 * minutes, whole)
    return join(utterances * int(times) + utterances[: round(len(utterances) * rest / whole)], rate, seed=0)


if __name__ == "__main__":
    main()
