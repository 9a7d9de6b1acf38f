"""What digital silence around recordings costs in errors.

    python -m bench.digital_silence data/yesno/cuts_test.jsonl.gz runs/yesno/model... [--seconds 0 0.5 2]

Each recording is heard by itself, with so many seconds of zeros before and after it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import speechrnn
from speechrnn.audio import read_clip
from speechrnn.cli.console import table
from speechrnn.data.manifest import read_manifest
from speechrnn.scoring.rates import count, total
from speechrnn.text.normalize import normalize


def main() -> None:
    """Print a row for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--seconds", type=float, nargs="+", default=[0.0, 0.5, 2.0])
    chosen = parser.parse_args()
    utterances = read_manifest(chosen.manifest)
    rows = []
    for model in chosen.models:
        recognizer = speechrnn.load(model)
        rate, row = recognizer.sampling_rate, [model]
        for seconds in chosen.seconds:
            nothing = np.zeros(round(seconds * rate), np.float32)
            counts = []
            for utterance in utterances:
                samples = np.concatenate([nothing, read_clip(utterance.clip, rate), nothing])
                text = recognizer.transcribe(samples, sample_rate=rate).text
                counts.append(count(normalize(utterance.text, recognizer.text_options).split(), text.split()))
            row.append(f"{total(counts).percent:.2f}")
        rows.append(row)
    print(table(rows, ["model", *(f"{seconds:g} s" for seconds in chosen.seconds)]))


if __name__ == "__main__":
    main()
