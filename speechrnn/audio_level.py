"""How loud speech is above what else is in a recording, estimated from the recording alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

FRAME_S, SHIFT_S = 0.02, 0.01
_QUIETEST = 0.1
"""Share of frames that are taken to hold no speech."""
_ABOVE = 2.0
"""Speech is where the power is so many times that of the quiet frames."""
_FLOOR = 2.0**-30 / 12
"""Power of the rounding to 16 bit: there is no less noise than that."""


def signal_to_noise(samples: np.ndarray, sampling_rate: int) -> float | None:
    """Estimated ratio of speech to noise (dB), 0 or more; ``None`` where nothing rises above the quiet frames.

    Noise is the mean power of the quietest tenth of frames of 20 ms, speech the power above it of all frames that are at least 3 dB
    louder. Steady noise within 1 dB where there are pauses; without any pause in a recording the estimate is too low.

    Args:
        samples: float32, shape (S,).
        sampling_rate: Hz.
    """
    import numpy as np

    size, shift = max(1, round(FRAME_S * sampling_rate)), max(1, round(SHIFT_S * sampling_rate))
    if len(samples) < size:
        return None
    sums = np.concatenate([[0.0], np.cumsum(np.square(samples - samples.mean(), dtype=np.float64))])
    starts = np.arange(0, len(samples) - size + 1, shift)
    power = np.maximum((sums[starts + size] - sums[starts]) / size, _FLOOR)
    noise = np.sort(power)[: max(1, round(_QUIETEST * len(power)))].mean()
    speech = power[power > _ABOVE * noise]
    return float(10 * np.log10(max(1.0, (speech.mean() - noise) / noise))) if len(speech) else None
