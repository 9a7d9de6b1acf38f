"""How far back learning reaches: the gradient of the loss at one frame with respect to states before it.

Bengio et al. (1994), Pascanu et al. (2013): this gradient is a product with one factor a frame, so it fades or grows exponentially
with the lag unless something holds it. Its norm against the lag shows what a network can learn at all.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from speechrnn.models.encoder import Encoder
from speechrnn.models.head import ClassPosteriors, FrameClasses, FramePosteriors, Head
from speechrnn.models.recurrent import reverse_within

States = list[tuple[Tensor, ...]]


def stepwise(layer: nn.Module, x: Tensor) -> tuple[Tensor, States]:
    """A layer over (B, T, F) frame by frame: its outputs (B, T, H), made of its states after each frame, and these, (1, B, H)."""
    outputs, states = [], []
    state = None
    for t in range(x.shape[1]):
        y, state = layer(x[:, t : t + 1], state)
        parts = state if isinstance(state, tuple) else (state,)
        # What has no state is its own.
        parts = parts if parts[0].numel() else (y.transpose(0, 1),)
        outputs.append(parts[0].transpose(0, 1))
        states.append(parts)
    return torch.cat(outputs, 1), states


def gradient_flow(encoder: Encoder, head: Head, frames: Tensor, lags: int) -> dict[str, Tensor]:
    """Norms of the gradient of the loss at t with respect to the state at t - k, by layer and direction.

    The loss at t is the negative log posterior of what the head finds most probable there; of a head that says one thing of an
    utterance, of that; of others the sum of the encoder's output. t is the last frame, for two directions the middle one.

    Args:
        encoder: in evaluation mode.
        head: over its output.
        frames: normalized, of equal length (B, T, F).
        lags: the largest k, in encoder frames.

    Returns:
        Means over utterances, (lags + 1,) or as many as there are frames, by ``1 forward``, ``1 backward``, ``2 forward``, …
    """
    lengths = torch.full((len(frames),), frames.shape[1], device=frames.device)
    with torch.enable_grad():
        x, lengths = encoder.subsampling(frames, lengths)
        x = x.detach()
        if encoder.options.reverse:
            x = reverse_within(x, lengths)
        kept: dict[str, States] = {}
        for number, (layer, norm) in enumerate(zip(encoder.layers, encoder.norms, strict=True), 1):
            y, kept[f"{number} forward"] = stepwise(layer.get_submodule("forward_layer"), x)
            if encoder.options.bidirectional:
                back, kept[f"{number} backward"] = stepwise(layer.get_submodule("backward_layer"), x.flip(1))
                y = torch.cat([y, back.flip(1)], -1)
            x = encoder.behind(y, norm, x)
        encoded = encoder.dense(x)
        output = head.outputs(encoded, lengths)
        T = x.shape[1]
        t = T // 2 if encoder.options.bidirectional else T - 1
        if isinstance(output, FramePosteriors | FrameClasses):
            loss = -output.log_probs[:, t].max(-1).values.sum()
        elif isinstance(output, ClassPosteriors):
            loss = -output.log_probs.max(-1).values.sum()
        else:
            # What other heads lose at a frame depends on what they have written: what the frame itself tells stands for it.
            loss = encoded[:, t].sum()
        # Gradients go to the states alone; what training has gathered in the weights stays.
        parts = [part for states in kept.values() for state in states for part in state]
        found = dict(zip(map(id, parts), torch.autograd.grad(loss, parts, allow_unused=True), strict=True))
    flow = {}
    for name, states in kept.items():
        # The backward layer has read the frames from the end.
        last = t if name.endswith("forward") else T - 1 - t
        norms = [_norm(states[last - k], found) for k in range(min(lags, last) + 1)]
        flow[name] = torch.stack(norms)
    return flow


def _norm(state: tuple[Tensor, ...], found: Mapping[int, Tensor | None]) -> Tensor:
    """Mean over utterances of the gradient's norm; 0 where the loss does not depend on the state."""
    gradients = [gradient for part in state if (gradient := found.get(id(part))) is not None]
    if not gradients:
        return torch.zeros(())
    squares = sum(gradient.float().square().sum((0, 2)) for gradient in gradients)
    assert isinstance(squares, Tensor)
    return squares.sqrt().mean().cpu()
