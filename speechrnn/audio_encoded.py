"""Samples as a small sound file in memory, for a page that holds its recordings itself."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from speechrnn.audio import resample

if TYPE_CHECKING:
    import numpy as np

_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000)
"""What MP3 has, up to what speech needs."""
_SMALLEST = 0.8
"""Of 0 (best) to 1 (smallest): about 23 kbit/s for speech at 16 kHz."""


def mp3(samples: np.ndarray, sampling_rate: int) -> bytes:
    """Float32 samples of shape (S,) at ``sampling_rate`` (Hz) as MP3, which every browser plays; at most 24 kHz.

    The same samples make the same bytes (Ogg files have a random serial number), and a decoder gives back their number.
    """
    import soundfile

    rate = max((known for known in _RATES if known <= sampling_rate), default=_RATES[0])
    stream = BytesIO()
    options = {"format": "MP3", "subtype": "MPEG_LAYER_III", "compression_level": _SMALLEST, "bitrate_mode": "VARIABLE"}
    with soundfile.SoundFile(stream, "w", rate, 1, **options) as file:
        file.write(resample(samples, sampling_rate, rate))
    return stream.getvalue()
