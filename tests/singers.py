"""Small networks that write step by step and have learned a few tone texts by heart, in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tones import RATE, sing

from speechrnn.features.fbank import FbankOptions
from speechrnn.features.frontend import FeatureOptions
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.attention import AttentionOptions
from speechrnn.models.encoder import EncoderOptions
from speechrnn.models.export import write_acoustic
from speechrnn.models.heads import HeadOptions
from speechrnn.models.transducer import TransducerOptions
from speechrnn.text.tokenizer import Tokenizer

TOKENIZER = Tokenizer(("<blank>", "<space>", "a", "b", "c", "d"))
STEPS = 150


@dataclass(frozen=True)
class Singer:
    """A model directory, and the recordings (S,) it was trained on with their texts."""

    path: Path
    texts: tuple[str, ...]
    sounds: tuple[np.ndarray, ...]


def pad(arrays) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(np.asarray(array)) for array in arrays], batch_first=True)


def _framed(sounds: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """With up to half a second of near silence before and behind."""

    def silence() -> np.ndarray:
        return (0.003 * rng.standard_normal(rng.integers(RATE // 2))).astype(np.float32)

    return [np.concatenate([silence(), sound, silence()]) for sound in sounds]


TRANSDUCER = TransducerOptions(hidden=16, embedding=8, joint=24, dropout=0.0)
ATTENTION = AttentionOptions(hidden=32, embedding=8, attention=16, width=9, filters=4, dropout=0.0, smoothing=0.0)


def write_singer(path: Path, *, bidirectional: bool, size: int = 16, head: HeadOptions = TRANSDUCER, steps: int = STEPS) -> Singer:
    """Train on one batch."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng = np.random.default_rng(1)
    texts = [
        " ".join("".join(rng.choice(list("abcd"), rng.integers(1, 4))) for _ in range(rng.integers(1, 4))) for _ in range(size)
    ]
    sounds = [sing(text, rng) for text in texts]
    options = ModelOptions(
        RATE,
        FeatureOptions(FbankOptions(mel_bins=16)),
        EncoderOptions(layers=1, hidden=24, bidirectional=bidirectional, factor=3, dropout=0.0),
        head,
    )
    model = AcousticModel(options, TOKENIZER.tokens)
    # With other silence around them, too: long recordings are not cut where these were.
    batches = [model.frontend(pad(each), torch.tensor([len(sound) for sound in each])) for each in (sounds, _framed(sounds, rng))]
    frames, counts = batches[0]
    real = torch.cat([row[:count] for row, count in zip(frames, counts.tolist(), strict=True)])
    model.normalizer.moments[0], model.normalizer.moments[1] = real.mean(0), real.std(0)
    normalized = [(model.normalizer(*batch), batch[1]) for batch in batches]
    ids = [TOKENIZER.encode(text) for text in texts]
    targets, sizes = pad(ids), torch.tensor([len(each) for each in ids])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(steps):
        loss = model.head.loss(*model.encode(*normalized[step % 2]), targets, sizes).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    write_acoustic(path, options, TOKENIZER, model.state_dict(), {"name": "singer"})
    return Singer(path, tuple(texts), tuple(sounds))
