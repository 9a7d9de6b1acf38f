"""Torch seeded for a purpose, so that no generator state has to be stored."""

from __future__ import annotations

import torch

from speechrnn.data.randomness import generator


def seed_torch(seed: int, *purpose: int | str) -> None:
    """Seed torch for one purpose: dropout of an epoch, the first weights."""
    torch.manual_seed(int(generator(seed, "torch", *purpose).integers(2**63)))
