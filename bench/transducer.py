"""The transducer's loss with its joint network: memory against the logits it does not hold, time against the bare joint network."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from pathlib import Path

import torch

from bench.timing import Ratio, alternate
from speechrnn.models.transducer_loss import transducer_loss

B, T, U, K, J = 16, 200, 40, 32, 256


def inputs() -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """What the loss is differentiated by, and lengths, targets and their lengths; nothing is padded."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((B, T, J), (B, U + 1, J), (K, J), (K,))
    given = [torch.randn(shape, generator=generator).mul_(0.5).requires_grad_() for shape in shapes]
    targets = torch.randint(1, K, (B, U), generator=generator)
    return given, [torch.full((B,), T), targets, torch.full((B,), U)]


def _step() -> None:
    given, lattice = inputs()
    transducer_loss(*given, *lattice).sum().backward()


def _bare() -> None:
    given, _ = inputs()
    e, p, weight, bias = given
    logits = torch.tanh(e[:, :, None] + p[:, None]) @ weight.t() + bias
    logits.log_softmax(-1).select(-1, 0).sum().backward()


def _peak_mb() -> float:
    """What forward and backward add to the memory of a process at their worst, without the gradients that stay, in MB."""
    given, lattice = inputs()
    small = [x[:1, :2].detach().requires_grad_() for x in given[:2]]
    transducer_loss(*small, *given[2:], torch.tensor([2]), lattice[1][:1, :1], torch.tensor([1])).sum().backward()
    for x in given:
        x.grad = None
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    transducer_loss(*given, *lattice).sum().backward()
    kept = sum(x.grad.nbytes for x in given if x.grad is not None)
    return (_status("VmHWM") - before - kept) / 1e6


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def transducer() -> list[Ratio]:
    """Memory above inputs and gradients over one (B, T, U, K) in float32; time over forward and backward of the joint network."""
    found = [alternate("transducer loss / bare joint network", _step, _bare, 1.0)]
    if sys.platform == "linux":
        run = [sys.executable, "-c", "import json; from bench.transducer import _peak_mb; print(json.dumps(_peak_mb()))"]
        peak = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
        found.append(Ratio("peak memory of the transducer loss / its logits (MB)", peak, B * T * U * K * 4 / 1e6, 1.2))
    return found
