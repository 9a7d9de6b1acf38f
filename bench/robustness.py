"""What becomes of errors where recordings are padded with digital silence, quieter or louder than they were.

    python -m bench.robustness data/yesno/cuts_test.jsonl.gz runs/yesno... [--zeros 0.5 2] [--dither 0.5 2] [--gains -20 -10 6]

Each recording is heard by itself, with so many seconds of zeros, or of noise of the last of 16 bits, before and after it,
or so many dB louder in 16 bits.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

import speechrnn
from speechrnn.audio import read_clip
from speechrnn.cli.console import table
from speechrnn.data.manifest import read_manifest
from speechrnn.scoring.rates import count, total
from speechrnn.text.normalize import normalize

Change = Callable[[np.ndarray], np.ndarray]
STEP = 1 / 32768


def main() -> None:
    """Print a row for each model, words wrong in %."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--zeros", type=float, nargs="*", default=[0.5, 2.0])
    parser.add_argument("--dither", type=float, nargs="*", default=[0.5, 2.0])
    parser.add_argument("--gains", type=float, nargs="*", default=[-20.0, -10.0, 6.0])
    chosen = parser.parse_args()
    utterances = read_manifest(chosen.manifest)
    rows = []
    for model in chosen.models:
        recognizer = speechrnn.load(model)
        rate = recognizer.sampling_rate
        changes: list[Change] = [np.array]
        changes += [partial(np.pad, pad_width=round(seconds * rate)) for seconds in chosen.zeros]
        changes += [partial(_dithered, width=round(seconds * rate)) for seconds in chosen.dither]
        changes += [partial(_louder, db=db) for db in chosen.gains]
        clips = [(read_clip(u.clip, rate), normalize(u.text, recognizer.text_options).split()) for u in utterances]
        rates = []
        for change in changes:
            heard = ((words, recognizer.transcribe(change(samples), sample_rate=rate).text.split()) for samples, words in clips)
            rates.append(f"{total(count(words, found) for words, found in heard).percent:.2f}")
        rows.append([model, *rates])
    named = [*(f"{seconds:g} s of zeros" for seconds in chosen.zeros), *(f"{seconds:g} s of dither" for seconds in chosen.dither)]
    named += [*(f"{db:+g} dB" for db in chosen.gains)]
    print(table(rows, ["model", "as recorded", *named]))


def _dithered(samples: np.ndarray, width: int) -> np.ndarray:
    noise = STEP * np.random.default_rng(0).integers(-1, 2, (2, width)).astype(np.float32)
    return np.concatenate([noise[0], samples, noise[1]])


def _louder(samples: np.ndarray, db: float) -> np.ndarray:
    found: np.ndarray = (np.round(samples * 10 ** (db / 20) / STEP) * STEP).clip(-1, 1 - STEP)
    return found.astype(np.float32)


if __name__ == "__main__":
    main()
