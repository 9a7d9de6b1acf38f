"""Decoders with attention through the one Lightning module: they learn what stands in another order than it is heard."""

from __future__ import annotations

from dataclasses import replace

import pytest

import speechrnn
from speechrnn.data.manifest import read_manifest, write_manifest
from speechrnn.errors import DataError
from speechrnn.models.export import read_acoustic
from speechrnn.training.run import train

HEAD = {
    "kind": "attention", "text": "backwards", "hidden": 32, "embedding": 16, "attention": 16, "width": 9, "filters": 4,
    "dropout": 0.0, "smoothing": 0.0, "ctc_weight": 0.0,
}  # fmt: skip


@pytest.fixture
def backwards(corpus, tmp_path):
    """A data directory with the corpus's recordings, each text also backwards in a field of the manifest."""
    for split in ("train", "dev"):
        name = f"cuts_{split}.jsonl.gz"
        write_manifest(
            tmp_path / name, [replace(one, custom={"backwards": one.text[::-1]}) for one in read_manifest(corpus / name)]
        )
    return tmp_path


def test_a_field_is_learned_by_heart_and_written(by_heart, backwards):
    run = by_heart(data__dir=str(backwards), head=HEAD, trainer__max_epochs=160, trainer__learning_rate=1e-2)
    assert read_acoustic(run.path).options.head.text == "backwards"
    recognizer = speechrnn.load(run.path, "cpu")
    learned = [u for u in read_manifest(backwards / "cuts_train.jsonl.gz") if recognizer.transcribe(u.clip).text == u.text[::-1]]
    assert len(learned) >= 4


def test_a_field_that_is_not_there_is_named(settings, backwards):
    with pytest.raises(DataError, match="no text in 'french'") as caught:
        train(settings(data__dir=str(backwards), head={**HEAD, "text": "french"}))
    assert "backwards" in caught.value.remedy
