"""Mixed precision: weights stay float32, the result stays close to float32's; GPUs where there is one."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import MixedPrecision

import speechrnn
from speechrnn.data.manifest import read_manifest
from speechrnn.errors import UsageError
from speechrnn.models.export import read_acoustic
from speechrnn.training.run import train
from speechrnn.training.trainer import cpu_runs_bf16, make_trainer

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")


def losses(run):
    with (run.path / "metrics.csv").open(encoding="utf-8") as stream:
        return [float(row["loss"]) for row in csv.DictReader(stream) if row["loss"]]


def norms(run):
    with (run.path / "metrics.csv").open(encoding="utf-8") as stream:
        return [float(row["gradient_norm"]) for row in csv.DictReader(stream) if row["gradient_norm"]]


def test_bf16_follows_float32_and_keeps_float32_weights(settings, tmp_path):
    if not torch.cuda.is_available() and not cpu_runs_bf16():
        with pytest.raises(UsageError, match="need AVX-512"):
            train(settings(trainer__precision="bf16"))
        return
    runs = {
        precision: train(settings(run__dir=str(tmp_path / precision), trainer__precision=precision, model__dropout=0.0))
        for precision in ("32", "bf16")
    }
    assert losses(runs["bf16"]) != losses(runs["32"]), "bf16 was used"
    assert losses(runs["bf16"]) == pytest.approx(losses(runs["32"]), rel=0.05)
    assert {weight.dtype for weight in read_acoustic(runs["bf16"].path / "model").weights.values()} == {torch.float32}


@pytest.fixture
def scaled(monkeypatch):
    """fp16 with scaled gradients on a CPU, where it is too slow to be offered; the scale begins at ``scale``."""

    def start(scale):
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        plugin = MixedPrecision("16-mixed", "cpu", scaler)
        monkeypatch.setattr("speechrnn.training.run.pick_precision", lambda options: plugin.precision)
        monkeypatch.setattr("speechrnn.training.run.make_trainer", lambda *given, **more: with_plugin(plugin, *given, **more))
        return scaler

    def with_plugin(plugin, options, callbacks, **more):
        made = pl.Trainer

        def trainer(*, plugins, precision, **given):
            return made(plugins=[*plugins, plugin], **given)

        with monkeypatch.context() as patch:
            patch.setattr(pl, "Trainer", trainer)
            return make_trainer(replace(options, precision="auto"), callbacks, **more)

    # oneDNN has no LSTM in fp16 on most processors; torch's own has.
    with torch.backends.mkldnn.flags(enabled=False, allow_tf32=None):
        yield start


@pytest.mark.parametrize("clip", [0.0, 0.5])
def test_fp16_follows_float32_its_scale_taken_out_before_clipping(settings, tmp_path, scaled, clip):
    full = train(settings(run__dir=str(tmp_path / "32"), trainer__gradient_clip=clip, model__dropout=0.0))
    scaled(2.0**10)
    half = train(
        settings(run__dir=str(tmp_path / "fp16"), trainer__precision="fp16", trainer__gradient_clip=clip, model__dropout=0.0)
    )
    assert losses(half) != losses(full), "fp16 was used"
    assert losses(half) == pytest.approx(losses(full), rel=0.05)
    assert norms(half) == pytest.approx(norms(full), rel=0.1)
    assert {weight.dtype for weight in read_acoustic(half.path / "model").weights.values()} == {torch.float32}


def test_a_scale_too_large_for_fp16_costs_steps_but_no_weights_and_no_warning(settings, tmp_path, scaled, caplog):
    scaler = scaled(2.0**24)
    run = train(settings(trainer__precision="fp16", trainer__max_epochs=6))
    assert scaler.get_scale() < 2.0**24
    assert "not finite" not in caplog.text
    assert all(torch.isfinite(weight).all() for weight in read_acoustic(run.path / "model").weights.values())
    assert losses(run)[-1] < losses(run)[0]


@GPU
@pytest.mark.parametrize("precision", ["32", "bf16", "fp16"])
def test_a_gpu_follows_the_cpu(settings, corpus, tmp_path, precision):
    cpu = train(settings(run__dir=str(tmp_path / "cpu"), model__dropout=0.0))
    gpu = train(
        settings(
            run__dir=str(tmp_path / "gpu"), model__dropout=0.0, trainer__accelerator="gpu", trainer__precision=precision
        )
    )  # fmt: skip
    assert losses(gpu) == pytest.approx(losses(cpu), rel=1e-3 if precision == "32" else 0.05)
    clips = [utterance.clip for utterance in read_manifest(corpus / "cuts_test.jsonl.gz")]
    texts = [
        [transcript.text for transcript in speechrnn.load(gpu.path, device=device).transcribe_many(clips)]
        for device in ("cpu", "cuda")
    ]
    assert texts[0] == texts[1]
