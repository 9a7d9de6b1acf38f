"""Training utterances are made louder and quieter where that tells something, and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from speechrnn.audio import read_clip
from speechrnn.audio_band import level_db
from speechrnn.config import build
from speechrnn.data.augment import draw_gain
from speechrnn.data.manifest import read_manifest
from speechrnn.data.options import DataOptions
from speechrnn.errors import UsageError
from speechrnn.features.fbank import FbankOptions
from speechrnn.features.frontend import build_frontend
from speechrnn.models.export import read_acoustic
from speechrnn.training.batches import FrameCache, FrameDataset, Item
from speechrnn.training.data import SpeechData
from speechrnn.training.run import train


def test_every_gain_is_drawn_and_depends_on_the_utterance_alone() -> None:
    drawn = np.array([draw_gain((-20.0, 10.0), 1, epoch, "u") for epoch in range(600)])
    assert -20 <= drawn.min() < -18
    assert 8 < drawn.max() <= 10
    assert np.histogram(drawn, 3, (-20, 10))[0].min() > 150
    assert drawn.tolist() == [draw_gain((-20.0, 10.0), 1, epoch, "u") for epoch in range(600)]


def test_a_batch_holds_the_frames_of_louder_samples(corpus) -> None:
    utterances = read_manifest(corpus / "cuts_train.jsonl.gz")[:3]
    rate = 8000
    frontend = build_frontend(FbankOptions(mel_bins=20), rate)
    items = [Item(u.clip, (), u.text, len(read_clip(u.clip, rate))) for u in utterances]
    cache = FrameCache(frontend, rate, 100)
    data = FrameDataset(items, lambda item, speed, n: np.zeros(1, np.int64), cache, gain_db=(-20.0, 10.0), seed=7)
    for epoch in (0, 3):
        batch = data[epoch, np.arange(3), np.ones(3), 3]
        for i, item in enumerate(items):
            gain = draw_gain((-20.0, 10.0), 7, epoch, item.clip.id)
            samples = torch.from_numpy(read_clip(item.clip, rate) * np.float32(10 ** (gain / 20)))
            frames, length = frontend(samples[None], torch.tensor([len(samples)]))
            torch.testing.assert_close(batch.frames[i, : int(length)], frames[0], atol=2e-3, rtol=0)
    # What is kept stays as it was recorded.
    plain = FrameDataset(items, lambda item, speed, n: np.zeros(1, np.int64), cache, seed=7)[0, np.arange(3), np.ones(3), 3]
    assert torch.equal(plain.frames[0, : plain.lengths[0]], cache.frames(items[0].clip))


@pytest.mark.parametrize(("mode", "drawn"), [("global", True), ("none", True), ("speaker", False), ("utterance", False)])
def test_normalization_that_takes_loudness_away_needs_none(mode: str, drawn: bool, settings, monkeypatch) -> None:
    found: list[Any] = []

    class Watched(SpeechData):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            found.append((self.train_set.gain_db, self.dev_set.gain_db))

    monkeypatch.setattr("speechrnn.training.run.SpeechData", Watched)
    train(settings(data__gain_db=[-20, 10], features__normalization={"mode": mode}, trainer__max_epochs=1))
    assert found == [((-20.0, 10.0) if drawn else (0.0, 0.0), (0.0, 0.0))]


@pytest.mark.parametrize(
    ("mode", "gains", "widened"), [("global", (0, 0), (0, 0)), ("global", (-20, 10), (-20, 10)), ("utterance", (0, 0), None)]
)
def test_the_model_tells_how_loud_what_it_knows_is(mode: str, gains, widened, settings, corpus) -> None:
    run = train(settings(data__gain_db=list(gains), features__normalization={"mode": mode}, trainer__max_epochs=1))
    found = read_acoustic(run.model).levels_db
    levels = [level_db(read_clip(u.clip, 8000)) for u in read_manifest(corpus / "cuts_train.jsonl.gz")]
    assert found == (widened and pytest.approx(np.percentile(levels, [1, 99]) + widened, abs=0.1))


@pytest.mark.parametrize("given", [[5], [10, -10], [-90, 0], [0, 90]])
def test_gains_that_mean_nothing_are_refused(given: list[float]) -> None:
    with pytest.raises(UsageError, match=r"data\.gain_db is"):
        build(DataOptions, {"gain_db": given})
