"""What stored networks share: their options read, their weights checked against them before they take memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn

from speechrnn.config import build, read_yaml
from speechrnn.errors import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
Network = TypeVar("Network", bound=nn.Module)
REMEDY = "fetch or train the model again"


def network_over(weights: Mapping[str, Tensor], layers: int, make: Callable[[], Network], name: str) -> Network:
    """A network over weights (not a copy of them), in evaluation mode, on the CPU.

    It is laid out without memory first: a configuration that asks for more than the weights hold costs nothing.

    Args:
        weights: as they are stored.
        layers: of the network, at least a weight each.
        make: builds the network by its configuration.
        name: of the model, for errors.

    Raises:
        DataError: weights missing, unknown, or of another shape or type than the configuration says.
    """

    def disagree(details: str) -> DataError:
        return DataError(f"{name}: weights and configuration disagree: {details}", REMEDY)

    if layers > len(weights):
        raise disagree(f"{layers} layers and {len(weights)} weights")
    try:
        with torch.device("meta"):
            network = make()
    except (RuntimeError, TypeError, ValueError, UsageError) as error:
        raise disagree(" ".join(str(error).split())[:200]) from None
    expected, found = _shapes(network.state_dict()), _shapes(weights)
    if expected != found:
        wrong = sorted(weight for weight in {*expected, *found} if expected.get(weight) != found.get(weight))
        told = (f"{one} {found.get(one, 'missing')} instead of {expected.get(one, 'nothing')}" for one in wrong[:5])
        raise disagree(", ".join(told))
    network.load_state_dict(weights, assign=True)
    return network.eval()


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, str]:
    """Type and shape by name, as they are told: ``float32 (512, 160)``."""
    return {name: f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}" for name, tensor in weights.items()}


def arrays(weights: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Weights as they are written."""
    return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in weights.items()}


def tensors(weights: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Weights as they are read, sharing the arrays' memory."""
    return {name: torch.from_numpy(array) for name, array in weights.items()}


def read_options(cls: type[T], file: Path) -> T:
    """A dataclass from a file of a model directory.

    Raises:
        DataError: no YAML, unknown keys, values out of range.
    """
    try:
        return build(cls, read_yaml(file), str(file))
    except UsageError as error:
        raise DataError(error.message, REMEDY) from None
