"""Whether an alignment that comes with a corpus is late: where the hiss of a fricative begins, by its own start.

    python -m bench.alignment_lag data/mboshi/cuts_test.jsonl.gz s

The energy above 4 kHz, averaged over all occurrences of a label, around the label's start. The hiss begins where the energy has
risen half way, in decibels, from the sound before to the label's own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from speechrnn.audio import info, read_clip
from speechrnn.cli.console import table
from speechrnn.data.manifest import read_manifest

RANGE_S, STEP_S, WINDOW_S = 0.2, 0.01, 0.016
HISS_HZ = 4000


def main() -> None:
    """Print the energy around the label's start, and where it has risen half way."""
    path, label = Path(sys.argv[1]), sys.argv[2]
    lags = np.arange(-RANGE_S, RANGE_S + STEP_S / 2, STEP_S)
    rows = []
    for utterance in read_manifest(path):
        samples, rate = read_clip(utterance.clip), info(utterance.clip.path).sampling_rate
        starts = [phone.start for phone in utterance.alignment.get("phone", ()) if phone.symbol == label]
        rows += [[_hiss(samples, rate, start + lag) for lag in lags] for start in starts]
    level = np.nanmean(np.array(rows), axis=0)
    top = int(level.argmax())
    floor = level[:top].min()
    risen = np.flatnonzero(level[: top + 1] >= (floor + level[top]) / 2)[0]
    print(table([[f"{1000 * lag:+.0f}", f"{db:.1f}"] for lag, db in zip(lags[::2], level[::2], strict=True)], ["ms", "dB"]))
    print(f"{label}: {len(rows)} times; begins {1000 * lags[risen]:+.0f} ms from its labelled start")


def _hiss(samples: np.ndarray, rate: int, middle: float) -> float:
    """Energy (dB) above HISS_HZ around a moment (s); NaN beyond the recording."""
    n = round(WINDOW_S * rate)
    start = round((middle - WINDOW_S / 2) * rate)
    piece = samples[max(start, 0) : start + n]
    if start < 0 or len(piece) < n:
        return float("nan")
    power = np.abs(np.fft.rfft(piece * np.hanning(n))) ** 2
    return float(10 * np.log10(power[round(HISS_HZ * n / rate) :].sum() + 1e-12))


if __name__ == "__main__":
    main()
