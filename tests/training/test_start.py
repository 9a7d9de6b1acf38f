"""Weights of another model: those that fit are taken, what they were trained for is compared."""

from __future__ import annotations

import logging

import pytest
import torch

from speechrnn.features.fbank import FbankOptions
from speechrnn.features.frontend import FeatureOptions
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.attention import AttentionOptions
from speechrnn.models.encoder import EncoderOptions
from speechrnn.models.export import write_acoustic
from speechrnn.models.transducer import TransducerOptions
from speechrnn.text.tokenizer import Tokenizer
from speechrnn.training.start import start_from

TOKENIZER = Tokenizer(("<blank>", "a", "b"), "chars")


def model(head, cell="rnn_tanh", rate=8000) -> AcousticModel:
    encoder = EncoderOptions(cell=cell, layers=1, hidden=8, factor=2)
    return AcousticModel(ModelOptions(rate, FeatureOptions(FbankOptions(mel_bins=16)), encoder, head), TOKENIZER.tokens)


@pytest.fixture
def started(tmp_path, caplog):
    """Begins one model with the weights of another; what was said."""

    def start(theirs: AcousticModel, mine: AcousticModel) -> str:
        caplog.set_level(logging.INFO, "speechrnn")
        write_acoustic(tmp_path / "model", theirs.options, TOKENIZER, theirs.state_dict(), {"name": "theirs"})
        start_from(tmp_path / "model", mine)
        return caplog.text

    return start


def test_heads_of_two_kinds_share_nothing_though_names_and_shapes_agree(started):
    theirs = model(TransducerOptions(joint=24, hidden=24, ctc_weight=0.3))
    mine = model(AttentionOptions(hidden=24, attention=24, ctc_weight=0.3))
    shared = [name for name in mine.head.state_dict() if name in theirs.head.state_dict()]
    assert shared, "else this shows nothing"
    before = {name: tensor.clone() for name, tensor in mine.head.state_dict().items()}
    said = started(theirs, mine)
    assert all(torch.equal(tensor, before[name]) for name, tensor in mine.head.state_dict().items())
    assert all(torch.equal(tensor, theirs.encoder.state_dict()[name]) for name, tensor in mine.encoder.state_dict().items())
    assert "trained for something else" not in said


def test_weights_that_fit_but_mean_something_else_are_told_of(started):
    head = TransducerOptions()
    said = started(model(head, "rnn_tanh", 8000), model(head, "irnn", 16000))
    assert "model.cell rnn_tanh instead of irnn" in said
    assert "sampling_rate 8000 instead of 16000" in said
