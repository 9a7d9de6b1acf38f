"""Mixed precision: weights stay float32, the result stays close to float32's; GPUs where there is one."""

from __future__ import annotations

import csv

import pytest
import torch

import speechrnn
from speechrnn.data.manifest import read_manifest
from speechrnn.models.export import read_acoustic
from speechrnn.training.run import train

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")


def losses(run):
    with (run.path / "metrics.csv").open(encoding="utf-8") as stream:
        return [float(row["loss"]) for row in csv.DictReader(stream) if row["loss"]]


def test_bf16_follows_float32_and_keeps_float32_weights(settings, tmp_path):
    runs = {
        precision: train(settings(run__dir=str(tmp_path / precision), trainer__precision=precision, model__dropout=0.0))
        for precision in ("32", "bf16")
    }
    assert losses(runs["bf16"]) != losses(runs["32"]), "bf16 was used"
    assert losses(runs["bf16"]) == pytest.approx(losses(runs["32"]), rel=0.05)
    assert {weight.dtype for weight in read_acoustic(runs["bf16"].path / "model").weights.values()} == {torch.float32}


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
