"""Numbers too small for full precision, below 1e-38, count as zero while networks compute.

What decays from frame to frame, the state of a rectified cell or a gradient on its way back, ends up there. Processors handle such
numbers in microcode, a hundred times as slowly: with a light GRU an epoch on AN4 took three times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def flushed_to_zero() -> Iterator[None]:
    """In this thread, and in those it starts, while inside; also a decorator. Processors that cannot are left as they are."""
    before = flushing()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def flushing() -> bool:
    """Whether this thread takes such numbers for zero. It asks the processor: torch can set it, but not tell."""
    return not float(torch.tensor(1e-39) * 0.5)
