"""A language anyone can learn: every letter is a tone. Small corpora for tests that train for real."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from speechrnn.data.manifest import write_manifest
from speechrnn.data.utterance import Utterance

TONES = {"a": 400.0, "b": 700.0, "c": 1100.0, "d": 1700.0, " ": 0.0}
RATE = 8000


def sing(text: str, rng: np.random.Generator) -> np.ndarray:
    """Samples (S,) of a text: 120 ms a letter with 30 ms of near silence after it."""
    parts = []
    for letter in text:
        t = np.arange(int(0.12 * RATE)) / RATE
        parts.append(0.3 * np.sin(2 * np.pi * TONES[letter] * t) if TONES[letter] else np.zeros_like(t))
        parts.append(np.zeros(int(0.03 * RATE)))
    samples = np.concatenate([np.zeros(int(0.05 * RATE)), *parts, np.zeros(int(0.05 * RATE))])
    return (samples + 0.003 * rng.standard_normal(len(samples))).astype(np.float32)


def write_corpus(folder: Path, sizes: dict[str, int], seed: int = 0) -> Path:
    """A data directory with the given numbers of utterances a split."""
    rng = np.random.default_rng(seed)
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    for split, size in sizes.items():
        utterances = []
        for number in range(size):
            words = ["".join(rng.choice(list("abcd"), rng.integers(1, 4))) for _ in range(rng.integers(1, 3))]
            text = " ".join(words)
            samples = sing(text, rng)
            path = folder / "audio" / f"{split}{number:03d}.wav"
            soundfile.write(path, samples, RATE)
            utterances.append(
                Utterance(
                    path.stem, path, RATE, 0, len(samples), None, text, speaker=f"s{number % 3}", recording_samples=len(samples)
                )
            )
        write_manifest(folder / f"cuts_{split}.jsonl.gz", utterances)
    return folder
