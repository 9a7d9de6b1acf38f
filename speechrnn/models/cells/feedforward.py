"""No recurrence: each frame by itself. The baseline that shows what memory is worth."""

from __future__ import annotations

from torch import Tensor, nn

from speechrnn.models.init import init_linear


class FeedForward(nn.Module):
    """y = relu(W x + b); its state is empty."""

    def __init__(self, input_size: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(input_size, hidden)
        init_linear(self.linear)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, T, F) -> (B, T, H), nothing."""
        return self.linear(x).relu(), x.new_zeros(1, len(x), 0)
