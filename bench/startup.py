"""What a user waits for before anything happens: the help, and one short file."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.timing import Ratio, alternate, command, python

FORWARD = """
import torch
layers = [torch.nn.LSTM(size, 256, batch_first=True, bidirectional=True) for size in (160, 512, 512)]
with torch.inference_mode():
    x = torch.randn(1, 150, 160)
    for layer in layers:
        x = layer(x)[0]
"""


def speechrnn_command() -> str:
    """The installed command beside this interpreter."""
    return str(Path(sys.executable).with_name("speechrnn"))


def help_text() -> list[Ratio]:
    """``speechrnn --help`` over a bare import of typer and rich."""
    return [
        alternate(
            "--help / import typer, rich", command(speechrnn_command(), "--help"), python("import typer, rich"), 1.8, rounds=11
        )
    ]


def one_file() -> list[Ratio]:
    """``speechrnn transcribe`` of a file of 3 s over importing torch and running the same layers."""
    import numpy as np
    import soundfile
    import torch

    from speechrnn.models.acoustic import AcousticModel, ModelOptions
    from speechrnn.models.export import write_acoustic
    from speechrnn.text.tokenizer import Tokenizer

    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        tokens = ("<blank>", "<space>", *"abcdefghijklmnopqrstuvwxyz")
        model = AcousticModel(ModelOptions(), tokens)
        write_acoustic(Path(folder) / "model", ModelOptions(), Tokenizer(tokens, "chars"), model.state_dict(), {"name": "bench"})
        soundfile.write(f"{folder}/short.wav", 0.1 * np.random.default_rng(0).standard_normal(48000), 16000)
        ours = command(speechrnn_command(), "transcribe", f"{folder}/short.wav", "-m", f"{folder}/model", "--device", "cpu")
        return [alternate("transcribe one file / import torch + forward", ours, python(FORWARD), 1.5)]
