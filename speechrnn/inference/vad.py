"""Where somebody speaks, by Silero VAD (extra ``vad``): for long recordings whose pauses are not quiet.

Its network comes in the package silero-vad as an ONNX file and runs through onnxruntime; importing the package itself would
load torch once more. It reads 32 ms at a time at 16 kHz, with the 4 ms before them, and says how probable speech is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from speechrnn.audio import resample_blocks
from speechrnn.errors import MissingExtra
from speechrnn.inference.pauses import MARGIN_S, PAUSE_S
from speechrnn.inference.sound import Sound

RATE = 16_000
STEP, CONTEXT = 512, 64
"""Samples a probability stands for, and samples before them that the network sees."""
BEGIN, GO_ON = 0.5, 0.35
"""Speech begins at the first probability and goes on at the second."""
PURPOSE = "--vad"


class Silero:
    """A finder of stretches for :class:`speechrnn.inference.listener.Listener`.

    Raises:
        MissingExtra: silero-vad or onnxruntime is not installed.
    """

    def __init__(self) -> None:
        found = find_spec("silero_vad")
        if found is None or not found.submodule_search_locations:
            raise MissingExtra("silero-vad", "vad", PURPOSE)
        try:
            import onnxruntime
        except ImportError:
            raise MissingExtra("onnxruntime", "vad", PURPOSE) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = Path(next(iter(found.submodule_search_locations)), "data", "silero_vad.onnx")
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, sound: Sound) -> list[tuple[float, float]]:
        """Start and end (s) of the stretches of speech, with a margin, pauses shorter than ``PAUSE_S`` left in."""
        return speech(np.array(list(self._probabilities(sound))), sound.num_samples / sound.model_rate)

    def _probabilities(self, sound: Sound) -> Iterator[float]:
        """Probability of speech in each ``STEP``."""
        state = np.zeros((2, 1, 128), np.float32)
        rate = np.array(RATE, np.int64)
        before = np.zeros(CONTEXT, np.float32)
        for samples in _steps(resample_blocks(sound.blocks(), sound.model_rate, RATE)):
            window = np.concatenate([before, samples])
            probability, state = self._session.run(None, {"input": window[None], "state": state, "sr": rate})
            before = window[-CONTEXT:]
            yield float(probability[0, 0])


def _steps(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Blocks (S,) as pieces of ``STEP`` samples; the last is filled up with silence."""
    rest = np.zeros(0, np.float32)
    for block in blocks:
        samples = np.concatenate([rest, block])
        whole = len(samples) // STEP * STEP
        yield from samples[:whole].reshape(-1, STEP)
        rest = samples[whole:]
    if len(rest):
        yield np.pad(rest, (0, STEP - len(rest)))


def speech(probabilities: np.ndarray, duration: float) -> list[tuple[float, float]]:
    """Stretches (s) of speech in a recording of ``duration`` (s), from the probabilities (N,) of its steps.

    >>> speech(np.array([0.0] * 40 + [0.9] * 20 + [0.4] * 5 + [0.0] * 40), 3.36)
    [(1.03, 2.33)]
    """
    spans: list[list[float]] = []
    speaking = False
    for number, probability in enumerate(probabilities):
        speaking = probability >= (GO_ON if speaking else BEGIN)
        start, end = number * STEP / RATE, (number + 1) * STEP / RATE
        if speaking and spans and start - spans[-1][1] < PAUSE_S:
            spans[-1][1] = end
        elif speaking:
            spans.append([start, end])
    return [(round(max(start - MARGIN_S, 0.0), 3), round(min(end + MARGIN_S, duration), 3)) for start, end in spans]
