"""Promises about long recordings and streams, with a model of random weights of the usual size.

``python -m bench.long_audio PATH MODEL`` prints the peak memory (MiB) of transcribing one file, for use in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import speechrnn
from bench.timing import Ratio, peak_mib

RATE = 16_000
CHUNK_S = 0.1


def long_audio() -> list[Ratio]:
    """Peak memory of an hour over that of a minute (MiB), and the time of a streamed chunk over the chunk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = write_random(folder / "bidirectional", bidirectional=True)
        peaks = []
        for minutes in (60, 1):
            path = write_sentences(folder / f"{minutes}.wav", minutes)
            command = (sys.executable, "-m", "bench.long_audio", str(path), str(model))
            peaks.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        return [
            Ratio("peak memory, 1 h / 1 min (MiB)", *peaks, 1.1),
            chunk(write_random(folder / "streaming", bidirectional=False)),
        ]


def chunk(model: Path) -> Ratio:
    """The median time to hear a chunk, and to say what is heard so far, over its duration."""
    stream = speechrnn.load(model, "cpu").stream(sample_rate=RATE)
    samples = sentences(30)
    times = []
    size = round(CHUNK_S * RATE)
    for start in range(0, len(samples) - size, size):
        begun = time.perf_counter()
        stream.feed(samples[start : start + size])
        stream.partial()
        times.append(time.perf_counter() - begun)
    return Ratio(
        f"stream, {1000 * CHUNK_S:.0f} ms chunks, latency {1000 * stream.latency:.0f} ms", float(np.median(times)), CHUNK_S, 0.5
    )


def write_random(path: Path, *, bidirectional: bool) -> Path:
    """A model directory with random weights."""
    import torch

    from speechrnn.models.acoustic import AcousticModel, ModelOptions
    from speechrnn.models.encoder import EncoderOptions
    from speechrnn.models.export import write_acoustic
    from speechrnn.text.tokenizer import Tokenizer

    torch.manual_seed(0)
    tokens = ("<blank>", "<space>", *"abcdefghijklmnopqrstuvwxyz")
    options = ModelOptions(model=EncoderOptions(bidirectional=bidirectional))
    network = AcousticModel(options, tokens)
    with torch.no_grad():
        # As rarely another token than the blank as of a trained model.
        network.head.linear.bias[0] = 2.0
    write_acoustic(path, options, Tokenizer(tokens, "chars"), network.state_dict(), {"name": "bench"})
    return path


def sentences(seconds: float, seed: int = 0) -> np.ndarray:
    """Loud noise of one to twelve seconds between pauses, float32 (S,)."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal(round(seconds * RATE)).astype(np.float32)
    place = 0
    while place < len(noise):
        spoken, pause = (round(generator.uniform(*bounds) * RATE) for bounds in ((1, 12), (0.6, 3)))
        noise[place : place + spoken] *= 0.1
        noise[place + spoken : place + spoken + pause] *= 1e-3
        place += spoken + pause
    return noise


def write_sentences(path: Path, minutes: int) -> Path:
    """A stereo recording at 44.1 kHz, written in parts."""
    import soundfile

    with soundfile.SoundFile(path, "w", 44_100, 2) as file:
        for minute in range(minutes):
            samples = sentences(60 * 44_100 / RATE, minute)
            file.write(np.stack([samples, samples], axis=1))
    return path


if __name__ == "__main__":
    speechrnn.load(sys.argv[2], "cpu").transcribe(sys.argv[1])
    print(peak_mib())
