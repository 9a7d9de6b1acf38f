"""Frames are made on the CPU, wherever the network is."""

from __future__ import annotations

import torch

from speechrnn.data.manifest import read_manifest
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.training.batches import FrameCache


def test_frames_are_made_beside_the_device_that_is_trained_on(corpus) -> None:
    model = AcousticModel(ModelOptions(8000), ("<blank>", "a"))
    cache = FrameCache(model.frontend, 8000, 0)
    clip = read_manifest(corpus / "cuts_train.jsonl.gz")[0].clip
    before = cache.frames(clip), cache.audible(clip)
    # As Lightning moves the whole model to a GPU; meta is the device that every build of torch has.
    model.to("meta")
    assert torch.equal(cache.frames(clip), before[0])
    assert torch.equal(cache.audible(clip), before[1])
