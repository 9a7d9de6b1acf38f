"""The one contract of all heads."""

from __future__ import annotations

import torch
from torch import Tensor


def check_head(head, size: int, targets: Tensor, target_lengths: Tensor):
    """What the trainer and the decoders rely on, for any head over encoded frames; returns what it puts out.

    Args:
        head: over frames of ``size`` features.
        targets: of three utterances (3, L), 0 beyond ``target_lengths`` (3,).
    """
    torch.manual_seed(0)
    encoded = torch.randn(3, 9, size, requires_grad=True)
    lengths = torch.tensor([9, 5, 7])
    losses = head.loss(encoded, lengths, targets, target_lengths)
    assert losses.shape == (3,)
    assert losses.dtype == torch.float32
    assert bool(torch.isfinite(losses).all())
    assert head.normalizer(lengths, target_lengths).shape == (3,)
    losses.sum().backward()
    assert bool(encoded.grad.any())
    for row, length in enumerate(lengths.tolist()):
        assert not encoded.grad[row, length:].any()
        alone = head.loss(
            encoded[row : row + 1, :length], lengths[row : row + 1], targets[row : row + 1], target_lengths[row : row + 1]
        )
        torch.testing.assert_close(alone[0], losses[row], atol=1e-5, rtol=1e-5)
    return head.outputs(encoded, lengths)
