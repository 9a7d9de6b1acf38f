"""What can be told of a sound file without decoding it: broken promises of its header, and bytes in the wrong order."""

from __future__ import annotations

import functools
import logging
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from speechrnn.errors import DataError

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger("speechrnn")

RAW_RATE = 16_000
"""Rate (Hz) of headerless ``.raw`` files."""
MAGIC = (b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS", b"FORM", b"NIST", b"ID3", b".snd", b"caff")
_UNKNOWN_SIZES = {0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFFFFE, 0x80000000, 0x7FFFFF00}
"""Data sizes that programs write into a WAV header when they stream and do not know the end."""
_ROUGH = 0.7
"""Energy of the signal's differences over its own energy: speech stays well below, white noise is at 2."""
_LOUD = 0.05
"""Root mean square above which a rough signal is looked at twice."""


def reason(path: Path, error: Any) -> str:
    """Why the decoder gave up on a file, in words."""
    head = path.read_bytes()[:4096]
    if not head.startswith(MAGIC) and b"\0" not in head and all(byte >= 32 or byte in b"\t\r\n" for byte in head):
        return f"text, not audio (it begins {head[:24].decode('utf-8', 'replace')!r})"
    if head.startswith(b"NIST") and b"shorten" in head:
        return "a NIST file compressed with shorten, which is not supported; expand it with sph2pipe"
    known = "damaged or cut short" if head.startswith(MAGIC) else "not audio in a known format"
    return f"{known} ({str(error.error_string).rstrip('.')})"


def check_promise(stream: BinaryIO, head: bytes, size: int, path: Path) -> None:
    """Raise where a file is shorter than its header promises; the decoder would silently read fewer samples."""
    if head[:4] == b"OggS" and not _ogg_ends(stream, size):
        raise DataError(
            f"{path}: cut short: its last Ogg page is not marked as the end", "fetch or copy the file again, or leave it out"
        )
    promised = 0
    if head[:4] in (b"RIFF", b"RIFX") and head[8:] == b"WAVE":
        promised = _wav_end(stream, "<" if head[:4] == b"RIFF" else ">", size)
    elif head[:4] == b"FORM" and len(head) == 12:
        promised = 8 + int.from_bytes(head[4:8], "big")
    elif head[:7] == b"NIST_1A":
        promised = _nist_end(stream)
    if promised > size:
        raise DataError(
            f"{path}: cut short: its header promises {promised:,} bytes, the file has {size:,}",
            "fetch or copy the file again, or leave it out",
        )


def _wav_end(stream: BinaryIO, order: str, size: int) -> int:
    """Where the data chunk of a WAV file ends (bytes); 0 where the header does not say."""
    position = 12
    while position + 8 <= size:
        stream.seek(position)
        name, length = struct.unpack(f"{order}4sI", stream.read(8))
        if name == b"data":
            return 0 if length in _UNKNOWN_SIZES else position + 8 + length
        position += 8 + length + length % 2
    return 0


def _nist_end(stream: BinaryIO) -> int:
    """Where the samples of a NIST file end (bytes); 0 where they are compressed or the header is odd."""
    stream.seek(0)
    lines = stream.read(1024).split(b"\n")
    fields = {words[0]: words[2] for words in (line.split() for line in lines) if len(words) == 3}
    if fields.get(b"sample_coding", b"pcm") not in (b"pcm", b"ulaw", b"alaw"):
        return 0
    try:
        samples, channels, width = (int(fields[name]) for name in (b"sample_count", b"channel_count", b"sample_n_bytes"))
        return int(lines[1]) + samples * channels * width
    except (KeyError, ValueError, IndexError):
        return 0


def _ogg_ends(stream: BinaryIO, size: int) -> bool:
    """Whether the last page is whole and carries the mark of the end of a stream."""
    stream.seek(max(0, size - 70_000))
    tail = stream.read()
    page = tail.rfind(b"OggS")
    if page < 0 or page + 27 > len(tail):
        return False
    lengths = tail[page + 27 : page + 27 + tail[page + 26]]
    whole = len(lengths) == tail[page + 26] and page + 27 + len(lengths) + sum(lengths) <= len(tail)
    return whole and bool(tail[page + 5] & 0x04)


def raw_byte_order(path: Path) -> str:
    """Guess ``big`` or ``little`` from the first minute: read the wrong way, neighbouring samples differ wildly."""
    import numpy as np

    if path.stat().st_size % 2:
        raise DataError(
            f"{path}: an odd number of bytes, so not 16 bit samples",
            "headerless audio is read as 16 kHz 16 bit mono: convert others to WAV",
        )
    data = np.fromfile(path, dtype="<i2", count=60 * RAW_RATE)
    order = "little" if _difference_energy(data) < _difference_energy(data.byteswap()) else "big"
    logger.debug("%s: no header; %s-endian as the signal shows", path, order)
    _say_byte_order(order)
    return order


@functools.cache
def _say_byte_order(order: str) -> None:
    logger.info("headerless .raw audio is read as 16 kHz 16 bit mono, %s-endian as the signal shows", order)


def _difference_energy(data: np.ndarray) -> float:
    """Mean squared difference of neighbouring 16 bit samples, shape (S,)."""
    import numpy as np

    return float(np.square(np.diff(data.astype(np.float32))).mean()) if len(data) > 1 else 0.0


def notice_swapped_bytes(samples: np.ndarray, path: Path) -> None:
    """Warn where a file with a header is loud noise as it stands and a smooth signal with its bytes swapped."""
    import numpy as np

    energy = float(np.square(samples - samples.mean()).mean())
    if energy < _LOUD**2 or float(np.square(np.diff(samples)).mean() if len(samples) > 1 else 0.0) < _ROUGH * energy:
        return
    data = np.round(samples * 32768).astype("<i2")
    if _difference_energy(data.byteswap()) * 16 < _difference_energy(data):
        logger.warning(
            "%s: loud noise as its header says, a smooth signal in the other byte order; correct the header or convert anew", path
        )
