"""The loss of the recurrent transducer, Graves (2012), with the joint network inside: its logits are never held at once.

An utterance of T frames and U labels is a lattice of nodes (t, u). From each a blank leads to the next frame and a label to the
next label; the probability of a transcript is the sum over all ways from (0, 0) to past the last frame. Kept are the log
probabilities of these two arcs, (B, T, U+1) each; what the joint network computes on the way, (T, U+1, J) and (T, U+1, K) an
utterance, passes through in blocks of frames, once forward and once more in the backward pass.

Both recursions over the lattice go by anti-diagonals n = t + u. Arrays (N, B, U+1), N = T+U+1, hold a diagonal a row; seen
through :func:`_nodes` the same memory is (B, T, U+1).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from speechrnn.errors import DataError
from speechrnn.models.head import check_targets

_NEVER = -1e30
"""Log probability of what cannot be: finite, so that sums and differences of it are no NaN."""
_LARGEST = 43.0
"""exp(2 x) of x up to here is neither 0 nor infinite in float32, and tanh(x) is 1 from a quarter of it on."""
_BLOCK = {"cpu": 2**18}
"""Values of (frames, U+1, J) in a block: what a core's cache holds; elsewhere 2^24, so that few launches do."""


def transducer_loss(
    encoded: Tensor,
    predicted: Tensor,
    weight: Tensor,
    bias: Tensor,
    lengths: Tensor,
    targets: Tensor,
    target_lengths: Tensor,
) -> Tensor:
    """Negative log likelihood of each utterance in nats, (B,), under logits ``weight @ tanh(encoded + predicted) + bias``.

    In float32 (float64 stays) whatever the autocast. Above the inputs and their gradients it holds some arrays (B, T, U+1) and a
    block.

    Args:
        encoded: projected encoder frames, (B, T, J).
        predicted: projected states of the prediction network, before the first label and after each, (B, U+1, J).
        weight: (K, J); row 0 is the blank.
        bias: (K,).
        lengths: frames of each utterance, (B,), 1…T.
        targets: labels (B, U), 1…K-1 within their lengths.
        target_lengths: (B,), 0…U.

    Raises:
        DataError: a target outside 1…K-1, or lengths that the arrays do not hold.
    """
    check_targets(targets, target_lengths, len(weight))
    B, T, U = len(encoded), encoded.shape[1], targets.shape[1]
    if predicted.shape[1] != U + 1 or not B == len(predicted) == len(targets) == len(lengths) == len(target_lengths):
        raise DataError(
            f"{B} utterances of {len(lengths)} lengths with {tuple(predicted.shape[:2])} states for targets {tuple(targets.shape)}",
            "a row for each utterance, and one state more than targets",
        )
    if bool(((lengths < 1) | (lengths > T)).any()):
        raise DataError(
            f"lengths {lengths.tolist()} of {T} frames", "each utterance has 1 frame or more, and no more than there are"
        )
    inputs = (encoded, predicted, weight, bias)
    with torch.autocast(encoded.device.type, enabled=False):
        losses: Tensor = _TransducerLoss.apply(  # type: ignore[no-untyped-call]
            *(x if x.dtype == torch.float64 else x.float() for x in inputs), lengths, targets.long(), target_lengths
        )
    return losses


class _TransducerLoss(torch.autograd.Function):
    """Arguments as :func:`transducer_loss`."""

    @staticmethod
    def forward(ctx: Any, e: Tensor, p: Tensor, w: Tensor, b: Tensor, lengths: Tensor, targets: Tensor, sizes: Tensor) -> Tensor:
        B, T, U = len(e), e.shape[1], targets.shape[1]
        # The label that leads on from each node; none after the last.
        following = torch.nn.functional.pad(targets, (0, 1)) * (torch.arange(U + 1, device=e.device) < sizes[:, None])
        blank, label, alpha = (e.new_full((T + U + 1, B, U + 1), _NEVER) for _ in range(3))
        joint = _Joint(e, p, w, b)
        n_frames, n_labels = lengths.tolist(), sizes.tolist()
        for row in range(B):
            width = n_labels[row] + 1
            for begin in range(0, n_frames[row], joint.step):
                frames = slice(begin, min(begin + joint.step, n_frames[row]))
                log_probs = joint.logits(row, frames, slice(0, width)).log_softmax(-1)
                _nodes(blank, T)[row, frames, :width] = log_probs[..., 0]
                chosen = following[row, : width - 1, None].expand(len(log_probs), -1, 1)
                _nodes(label, T)[row, frames, : width - 1] = log_probs[:, : width - 1].gather(2, chosen)[..., 0]
        _sum(alpha, blank, label)
        ctx.save_for_backward(e, p, w, b, lengths, sizes, following, blank, label, alpha)
        return -alpha[lengths + sizes, torch.arange(B, device=e.device), sizes]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        e, p, w, b, lengths, sizes, following, blank, label, alpha = ctx.saved_tensors
        T = e.shape[1]
        by_blank, by_label = (_nodes(arcs, T) for arcs in _occupancies(blank, label, alpha, lengths, sizes))
        de, dp, dw, db = (torch.zeros_like(x) for x in (e, p, w, b))
        with torch.autocast(e.device.type, enabled=False):
            joint = _Joint(e, p, w, b)
            for row, frames, places in _bands(by_blank + by_label, lengths, joint.step):
                blanks, labels = by_blank[row, frames, places, None], by_label[row, frames, places, None]
                # The derivative by the logits: where the probability should go less where it went.
                d = joint.logits(row, frames, places).softmax(-1).mul_(blanks + labels)
                d[..., :1] -= blanks
                d.scatter_add_(2, following[row, places, None].expand(len(d), -1, 1), -labels)
                d.mul_(gradient[row])
                dw.addmm_(d.flatten(0, 1).t(), joint.last.flatten(0, 1))
                db += d.sum((0, 1))
                dx = joint.backward(d)
                de[row, frames] += dx.sum(1)
                dp[row, places] += dx.sum(0)
        # The sums were taken over r, of which tanh(e + p) is 1 - 2 r; their arguments differ by a factor of -2 as well.
        return de.mul_(-2.0), dp.mul_(-2.0), db[:, None] - 2.0 * dw, db, None, None, None


class _Joint:
    """The joint network on blocks of nodes.

    tanh(e + p) = 1 - 2 r with r = 1 / (1 + exp(2e) exp(2p)): exponentials of frames and of labels alone, and a quotient for each
    node, a tenth of the time of so many tanh. Exact to rounding as long as no e or p beyond 43 meets an opposite one beyond 34.
    """

    def __init__(self, e: Tensor, p: Tensor, w: Tensor, b: Tensor) -> None:
        self.e, self.p = e, p
        self.weight = -2.0 * w
        self.bias = b + w.sum(1)
        self.step = max(1, min(e.shape[1], _BLOCK.get(e.device.type, 2**24) // (p.shape[1] * max(w.shape))))
        """Frames a block."""
        # Two blocks, used again and again: fresh memory would take longer than what is computed in it.
        self.memory = e.new_empty(2, self.step * p.shape[1], e.shape[2])

    def logits(self, row: int, frames: slice, places: slice) -> Tensor:
        """Of an utterance's frames and labels: (frames, places, K)."""
        e, p = (x.clamp(-_LARGEST, _LARGEST).mul_(2.0).exp_() for x in (self.e[row, frames, None], self.p[None, row, places]))
        self.last = self._block(0, e, p)
        torch.mul(e, p, out=self.last).add_(1.0).reciprocal_()
        return torch.addmm(self.bias, self.last.flatten(0, 1), self.weight.t()).view(*self.last.shape[:2], -1)

    def backward(self, d: Tensor) -> Tensor:
        """Of the last block: the gradient by logits (frames, places, K) to that by -2 (e + p), (frames, places, J)."""
        dr = self._block(1, d, d)
        torch.mm(d.flatten(0, 1), self.weight, out=dr.flatten(0, 1))
        dx: Tensor = torch.ops.aten.sigmoid_backward.grad_input(dr, self.last, grad_input=dr)
        return dx

    def _block(self, which: int, by_frame: Tensor, by_place: Tensor) -> Tensor:
        """Memory for (frames, places, J)."""
        frames, places = len(by_frame), by_place.shape[-2]
        return self.memory[which, : frames * places].view(frames, places, -1)


def _nodes(diagonals: Tensor, n_frames: int) -> Tensor:
    """(N, B, U+1) by diagonals seen as (B, T, U+1) by frames: the same memory."""
    _, B, width = diagonals.shape
    return diagonals.as_strided((B, n_frames, width), (width, B * width, B * width + 1))


def _sum(alpha: Tensor, blank: Tensor, label: Tensor) -> None:
    """Fill in the log probability of reaching each node, diagonal after diagonal."""
    alpha[0, :, 0] = 0.0
    before, after = alpha[:-1].unbind(), alpha[1:].unbind()
    left, right = alpha[:-1, :, :-1].unbind(), alpha[1:, :, 1:].unbind()
    for n, (blanks, labels) in enumerate(zip(blank[:-1].unbind(), label[:-1, :, :-1].unbind(), strict=True)):
        torch.add(before[n], blanks, out=after[n])
        torch.logaddexp(right[n], left[n] + labels, out=right[n])


def _occupancies(blank: Tensor, label: Tensor, alpha: Tensor, lengths: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
    """How probable it is, given the transcript, that the blank and the label of each node are used: (N, B, U+1) each.

    The backward recursion runs on these, not on log betas: it hands on what reaches a node to the two arcs that lead there, by
    their shares of its alpha. So each diagonal sums to 1, where exp(alpha + beta - total) inherits the rounding of large sums.
    """
    # What reaches a node (n, u > 0) by the label; all else by the blank.
    shares = torch.sigmoid((alpha + label)[:-1, :, :-1] - (alpha + blank)[:-1, :, 1:])
    by_blank, by_label = torch.zeros_like(blank), torch.zeros_like(label)
    ends = torch.zeros_like(alpha)
    ends[lengths + sizes, torch.arange(len(sizes), device=sizes.device), sizes] = 1.0
    reached = ends[-1].clone()
    moved = reached[:, 1:]
    labels, blanks, others = by_label[:, :, :-1].unbind(), by_blank.unbind(), by_blank[:, :, 1:].unbind()
    for n in range(len(alpha) - 2, -1, -1):
        torch.mul(moved, shares[n], out=labels[n])
        blanks[n].copy_(reached)
        others[n].sub_(labels[n])
        torch.add(blanks[n], by_label[n], out=reached).add_(ends[n])
    return by_blank, by_label


def _bands(occupancy: Tensor, lengths: Tensor, step: int) -> list[tuple[int, slice, slice]]:
    """What of the lattice (B, T, U+1) matters for gradients: utterance, ``step`` frames or fewer, the labels passed in them.

    A node that is used with less than the rounding of a probability is left out; a transcript that is learned leaves a narrow band.
    """
    B, T, width = occupancy.shape
    # Not "greater": what is not a number must be seen.
    used = ~(occupancy <= torch.finfo(occupancy.dtype).eps)
    used = torch.nn.functional.pad(used, (0, 0, 0, -T % step)).view(B, -1, step, width).any(2)
    first = used.int().argmax(2)
    end = width - used.flip(2).int().argmax(2)
    found = torch.stack([used.any(2).long(), first, end], 2).tolist()
    return [
        (row, slice(block * step, min(block * step + step, n_frames)), slice(begin, stop))
        for row, n_frames in enumerate(lengths.tolist())
        for block, (any_used, begin, stop) in enumerate(found[row])
        if any_used
    ]
