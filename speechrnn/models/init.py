"""Initial weights.

Recurrent matrices orthogonal (Saxe et al. 2014) or the identity (Le et al. 2015), input matrices Xavier uniform (Glorot and Bengio
2010), the forget gate's bias 1 in total (Gers et al. 2000; Jozefowicz et al. 2015), other biases 0 but where a cell normalizes its
state, the output layer's bias 0, embeddings normal.
IndRNN's own recurrent weights stay as it draws them.
"""

from __future__ import annotations

import torch
from torch import nn

from speechrnn.models.cells.layer import CellLayer

RECURRENT = ("orthogonal", "identity")
RANDOM_BIAS = 0.1
"""Standard deviation of biases that must not be zero: enough to tell units apart, too little to decide what they say."""


@torch.no_grad()
def init_recurrent(layer: nn.RNNBase | CellLayer, recurrent: str = "orthogonal", forget_bias: float = 1.0) -> None:
    """Initialize a layer; each gate's block is drawn on its own."""
    weights = dict(layer.named_parameters())
    stirred = None
    if isinstance(layer, CellLayer):
        names, forget, stirred = ("input.weight", "recurrent"), layer.cell.forget, layer.cell.random_bias
        bias = layer.bias
    else:
        # PyTorch adds two bias vectors and orders the gates input, forget, cell, output.
        names, forget = ("weight_ih_l0", "weight_hh_l0"), 1 if isinstance(layer, nn.LSTM) else None
        bias = weights["bias_hh_l0"]
        nn.init.zeros_(weights["bias_ih_l0"])
        if layer.proj_size:
            nn.init.xavier_uniform_(weights["weight_hr_l0"])
    hidden = layer.hidden_size
    for gate in torch.split(weights[names[0]], hidden):
        nn.init.xavier_uniform_(gate)
    # A cell whose units see only themselves has no matrix.
    for gate in torch.split(weights[names[1]], hidden) if names[1] in weights else ():
        if recurrent == "identity":
            nn.init.eye_(gate)
        else:
            nn.init.orthogonal_(gate)
    nn.init.zeros_(bias)
    if forget is not None:
        bias[forget * hidden : (forget + 1) * hidden] = forget_bias
    if stirred is not None:
        nn.init.normal_(bias[stirred * hidden : (stirred + 1) * hidden], std=RANDOM_BIAS)


@torch.no_grad()
def init_linear(layer: nn.Linear | nn.Conv1d | nn.Conv2d) -> None:
    """Xavier uniform weights, zero bias."""
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


@torch.no_grad()
def make_embedding(n_tokens: int, size: int) -> nn.Embedding:
    """Normal vectors of length 1 in the mean, so that they serve as output weights too.

    Where layers are laid out without memory nothing is drawn: torch would import its compiler for it, in seconds.
    """
    layer = nn.Embedding(n_tokens, size, _weight=torch.empty(n_tokens, size))
    if not layer.weight.is_meta:
        nn.init.normal_(layer.weight, std=size**-0.5)
    return layer
