"""Small networks with random weights in model directories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from speechrnn.features.fbank import FbankOptions
from speechrnn.features.frontend import FeatureOptions
from speechrnn.features.normalization import NormalizationOptions
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.ctc import CtcOptions
from speechrnn.models.encoder import EncoderOptions
from speechrnn.models.export import write_acoustic
from speechrnn.text.tokenizer import SPACE, Tokenizer

TOKENS = ("<blank>", "<space>", "a", "b", "c")


@pytest.fixture
def write_model(tmp_path: Path) -> Callable[..., Path]:
    """``write_model(normalization="global", rate=8000, unit="chars", levels_db=None, **encoder)`` writes a model directory."""

    def write(normalization: str = "global", rate: int = 8000, unit: str = "chars", levels_db: Any = None, **encoder: Any) -> Path:
        torch.set_num_threads(1)
        torch.manual_seed(3)
        features = FeatureOptions(FbankOptions(mel_bins=12), NormalizationOptions(normalization))
        options = ModelOptions(rate, features, EncoderOptions(**{"layers": 2, "hidden": 16, **encoder}), CtcOptions(unit=unit))
        tokens = tuple(token for token in TOKENS if unit == "chars" or token != SPACE)
        model = AcousticModel(options, tokens)
        with torch.no_grad():
            for name, weights in model.encoder.named_parameters():
                # A short memory: gates that are half open, and little that comes round again.
                if "bias" in name:
                    weights.zero_()
                elif "weight" in name:
                    weights.mul_(0.3)
            # Louder than initialized, so that every token occurs.
            model.head.linear.weight.mul_(20)
            model.normalizer.moments[0] = 8.0
            model.normalizer.moments[1] = 3.0
        path = tmp_path / f"model-{len(list(tmp_path.iterdir()))}"
        write_acoustic(path, options, Tokenizer(tokens, unit), model.state_dict(), {"name": "random", "levels_db": levels_db})
        return path

    return write
