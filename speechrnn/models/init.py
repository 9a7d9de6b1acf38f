"""Initial weights (a cell's own paper wins where it says otherwise).

Recurrent matrices orthogonal (Saxe et al. 2014), input matrices Xavier uniform (Glorot and Bengio 2010), the forget
gate's bias 1 in total (Gers et al. 2000; Jozefowicz et al. 2015), the output layer's bias 0, embeddings normal.
"""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def init_recurrent(layer: nn.LSTM | nn.GRU) -> None:
    """Initialize a layer of ``torch.nn``; each gate's block is drawn on its own."""
    for name, parameter in layer.named_parameters():
        if name.startswith("weight_hh"):
            for gate in torch.split(parameter, layer.hidden_size):
                nn.init.orthogonal_(gate)
        elif name.startswith("weight_ih"):
            for gate in torch.split(parameter, layer.hidden_size):
                nn.init.xavier_uniform_(gate)
        else:
            nn.init.zeros_(parameter)
            if isinstance(layer, nn.LSTM) and name.startswith("bias_hh"):
                # PyTorch adds two bias vectors and orders the gates input, forget, cell, output.
                parameter[layer.hidden_size : 2 * layer.hidden_size] = 1.0


@torch.no_grad()
def init_linear(layer: nn.Linear | nn.Conv1d | nn.Conv2d) -> None:
    """Xavier uniform weights, zero bias."""
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


@torch.no_grad()
def init_embedding(layer: nn.Embedding) -> None:
    """Normal vectors of length 1 in the mean, so that they serve as output weights too."""
    nn.init.normal_(layer.weight, std=layer.embedding_dim**-0.5)
