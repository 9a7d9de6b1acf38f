"""Transducers through the one Lightning module: learned by heart, begun from CTC, in fewer frames than CTC needs."""

from __future__ import annotations

import logging
import math

import pytest
import torch

import speechrnn
from speechrnn.data.manifest import read_manifest
from speechrnn.errors import DataError
from speechrnn.models.export import read_acoustic
from speechrnn.training.run import train

HEAD = {"kind": "transducer", "hidden": 16, "embedding": 8, "joint": 24, "dropout": 0.0}


def test_one_batch_is_learned_by_heart_and_written(by_heart, corpus):
    run = by_heart(head=HEAD, trainer__max_epochs=80, trainer__learning_rate=3e-2)
    recognizer = speechrnn.load(run.path, "cpu")
    learned = [u for u in read_manifest(corpus / "cuts_train.jsonl.gz") if recognizer.transcribe(u.clip).text == u.text]
    assert len(learned) >= 4


def test_a_transducer_begins_with_the_encoder_of_a_ctc_model(settings, tmp_path, caplog):
    caplog.set_level(logging.INFO, "speechrnn")
    ctc = train(settings(run__dir=str(tmp_path / "ctc"), trainer__max_epochs=1)).path
    run = train(settings(head=HEAD, init=str(ctc), trainer__learning_rate=1e-9, trainer__max_epochs=1)).path
    assert "begun anew: head.prediction" in caplog.text
    before, after = read_acoustic(ctc), read_acoustic(run)
    assert after.info["parents"] == [before.id]
    taken = [name for name in before.weights if not name.startswith("head.")]
    assert taken
    for name in taken:
        torch.testing.assert_close(after.weights[name], before.weights[name], atol=1e-5, rtol=0)


def test_fewer_frames_than_tokens_are_enough_but_not_with_ctc_beside(settings, tmp_path):
    with pytest.raises(DataError, match="CTC can spell"):
        train(settings(model__factor=16, trainer__max_epochs=1))
    with pytest.raises(DataError, match="CTC can spell"):
        train(settings(model__factor=16, head={**HEAD, "ctc_weight": 0.1}, run__dir=str(tmp_path / "beside")))
    run = train(settings(model__factor=16, head=HEAD, trainer__max_epochs=1, run__dir=str(tmp_path / "alone")))
    assert math.isfinite(read_acoustic(run.path).info["measures"]["dev_loss"])
    assert "left out" not in (run.path / "train.log").read_text()
