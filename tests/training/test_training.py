"""A training from start to model directory: it learns, repeats, and says what is wrong."""

import logging
import math
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tones import RATE, write_corpus

import speechrnn
from speechrnn.data.manifest import read_manifest, write_manifest
from speechrnn.errors import DataError, UsageError
from speechrnn.models.export import read_acoustic
from speechrnn.training.averaging import mean_of
from speechrnn.training.checkpoints import model_weights, read_checkpoint
from speechrnn.training.logs import BlankMonitor
from speechrnn.training.module import RecognizerModule
from speechrnn.training.run import train


@pytest.fixture(scope="module")
def learned(corpus, tmp_path_factory):
    """A model that knows its tones by heart."""
    torch.set_num_threads(2)
    return train(
        {
            "experiment": "tones",
            "run": {"dir": str(tmp_path_factory.mktemp("learned") / "run")},
            "data": {"dir": str(corpus), "batch_size": 4, "speeds": [1.0]},
            "features": {"frontend": {"kind": "fbank", "mel_bins": 20}, "specaugment": {"time_masks": 0, "frequency_masks": 0}},
            "model": {"layers": 1, "hidden": 32, "dropout": 0.0},
            "trainer": {"max_epochs": 40, "accelerator": "cpu", "precision": "32", "learning_rate": 1e-2, "ema_decay": 0.9},
        }
    )


def test_tones_are_learned_and_transcribed(learned, corpus):
    recognizer = speechrnn.load(learned.path)
    utterances = read_manifest(corpus / "cuts_test.jsonl.gz")
    transcripts = list(recognizer.transcribe_many([u.clip for u in utterances]))
    assert [t.text for t in transcripts] == [u.text for u in utterances]
    first = transcripts[0]
    assert " ".join(word.text for word in first.words) == first.text
    assert all(0 <= a.start < a.end <= first.duration for a in first.words)
    assert all(0 <= token.confidence <= 1 for token in first.tokens)


def test_times_lie_where_the_tones_are(learned, corpus):
    recognizer = speechrnn.load(learned.path)
    for utterance in read_manifest(corpus / "cuts_test.jsonl.gz"):
        tokens = recognizer.transcribe(utterance.clip).tokens
        for position, token in enumerate(tokens):
            start = 0.05 + 0.15 * position
            assert start - 0.1 <= token.start <= start + 0.2


def test_a_text_is_the_same_alone_and_in_any_batch(learned, corpus):
    recognizer = speechrnn.load(learned.path)
    clips = [u.clip for u in read_manifest(corpus / "cuts_train.jsonl.gz")]
    together = list(recognizer.transcribe_many(clips))
    assert [t.id for t in together] == [clip.id for clip in clips]
    assert [t.text for t in together] == [recognizer.transcribe(clip).text for clip in clips]
    small = recognizer.posteriors_many(clips, batch_size=3)
    for (_, many, _), clip in zip(small, clips, strict=True):
        np.testing.assert_allclose(many, recognizer.posteriors(clip).log_probs, atol=1e-5)


def test_the_run_directory_holds_what_is_promised(learned):
    names = {path.relative_to(learned.path).as_posix() for path in learned.path.rglob("*")}
    assert {"config.yaml", "metrics.csv", "train.log", "run.json", "checkpoints/last.ckpt"} <= names
    assert {
        f"model/{n}" for n in ("model.json", "weights.safetensors", "config.yaml", "tokens.txt", "text.yaml", "README.md")
    } <= names
    assert sum(name.startswith("checkpoints/best-") for name in names) == 3
    assert any(name.startswith("tensorboard/events") for name in names)


def test_two_trainings_with_one_seed_are_equal_and_with_another_differ(settings, tmp_path):
    texts = [
        (train(settings(run__dir=str(tmp_path / name), seed=seed)).path / "metrics.csv").read_text()
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    ]
    assert texts[0] == texts[1] != texts[2]


def test_one_batch_can_be_learned_by_heart(by_heart):
    by_heart(trainer__max_epochs=150, trainer__learning_rate=1e-2)


def test_what_is_no_recording_is_refused(learned):
    with pytest.raises(UsageError, match="a list is no recording") as caught:
        speechrnn.load(learned.path, "cpu").transcribe([0.1] * 8000, sample_rate=8000)
    assert "NumPy array" in caught.value.remedy


def test_too_few_steps_to_learn_by_heart_are_said(settings, caplog):
    caplog.set_level(logging.WARNING, "speechrnn")
    train(settings(trainer__overfit_batches=1, trainer__max_epochs=2))
    assert "2 steps are few to learn by heart: give trainer.max_epochs=300" in caplog.text


def test_best_checkpoints_are_averaged(settings):
    run = train(settings(trainer__average="best", trainer__schedule="constant", trainer__max_epochs=6, trainer__learning_rate=1e-2))
    best = [model_weights(read_checkpoint(path)) for path in sorted((run.path / "checkpoints").glob("best-*.ckpt"))]
    assert len(best) == 3
    mean, kept = mean_of(best), read_acoustic(run.path).weights
    for name, tensor in mean.items():
        torch.testing.assert_close(tensor, torch.stack([w[name] for w in best]).mean(0))
    said = (run.path / "train.log").read_text()
    average, single = (float(x) for x in re.findall(r"dev error ([\d.]+) % \(best single ([\d.]+) %\)", said)[0])
    candidates = [mean] if average <= single else best
    assert any(all(torch.equal(kept[name], w[name]) for name in kept) for w in candidates)


def test_worker_processes_change_nothing(settings, tmp_path):
    runs = [train(settings(run__dir=str(tmp_path / str(n)), data__workers=n, trainer__max_epochs=2)).path for n in (0, 1)]
    assert (runs[0] / "metrics.csv").read_text() == (runs[1] / "metrics.csv").read_text()


def test_a_cache_that_is_too_small_changes_nothing(settings, tmp_path):
    runs = [train(settings(run__dir=str(tmp_path / str(n)), data__cache_mb=n, trainer__max_epochs=2)).path for n in (0, 100)]
    assert (runs[0] / "metrics.csv").read_text() == (runs[1] / "metrics.csv").read_text()


def test_early_stopping_ends_a_run_that_does_not_improve(settings):
    run = train(
        # Below what moves a weight of float32: the dev loss is the same to the last digit.
        settings(trainer__learning_rate=1e-14, trainer__early_stopping=2, trainer__max_epochs=30, trainer__schedule="constant")
    )
    epochs = [int(line.split(",")[0]) for line in (run.path / "metrics.csv").read_text().splitlines()[1:]]
    assert max(epochs) == 3


def test_accumulated_batches_step_once(settings):
    run = train(settings(trainer__accumulate=3, trainer__max_epochs=1))
    steps = [int(line.split(",")[1]) for line in (run.path / "metrics.csv").read_text().splitlines()[1:]]
    assert max(steps) == 2


@pytest.mark.parametrize("mode", ["speaker", "utterance", "none"])
def test_every_normalization_trains_and_transcribes(settings, corpus, mode):
    run = train(settings(features__normalization={"mode": mode}, trainer__max_epochs=1))
    clips = [u.clip for u in read_manifest(corpus / "cuts_test.jsonl.gz")]
    assert len(list(speechrnn.load(run.path).transcribe_many(clips))) == len(clips)


@pytest.mark.parametrize("mode", ["global", "speaker"])
def test_digital_silence_is_named_before_training(settings, tmp_path, caplog, mode):
    caplog.set_level(logging.WARNING, "speechrnn")
    own = write_corpus(tmp_path / "own", {"train": 8, "dev": 2})
    for name in ("train002", "train005"):
        path = own / "audio" / f"{name}.wav"
        soundfile.write(path, np.zeros(soundfile.info(path).frames), RATE)
    train(settings(data__dir=str(own), features__normalization={"mode": mode}, trainer__max_epochs=1))
    assert "2 utterances are digital silence" in caplog.text
    assert "remove them: train002, train005" in caplog.text


def test_ambiguous_graphemes_are_reported(settings, tmp_path, caplog):
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("<space>\na\nb\nc\nd\nab\n")
    train(settings(head__tokens=str(tokens), trainer__max_epochs=1))
    assert "ab is read as one token" in caplog.text


def test_a_model_with_phones_goes_through_the_lexicon(settings, corpus, tmp_path):
    folder = tmp_path / "phones"
    folder.mkdir()
    words = set()
    for split in ("train", "dev"):
        utterances = read_manifest(corpus / f"cuts_{split}.jsonl.gz")
        words.update(word for u in utterances for word in u.text.split())
        write_manifest(folder / f"cuts_{split}.jsonl.gz", utterances)
    (folder / "lexicon.txt").write_text("".join(f"{word}\t{' '.join(c.upper() * 2 for c in word)}\n" for word in sorted(words)))
    stored = read_acoustic(train(settings(data__dir=str(folder), head__unit="phones")).path)
    assert stored.tokenizer.tokens == ("<blank>", "AA", "BB", "CC", "DD")
    assert "dev_error" in stored.info["measures"]
    assert "dev_wer" not in stored.info["measures"], "what writes no word boundaries has no words to count"
    (folder / "lexicon.txt").write_text("a\tA\n")
    with pytest.raises(DataError, match="has no pronunciation"):
        train(settings(data__dir=str(folder), head__unit="phones", run__dir=str(tmp_path / "other")))


def test_init_takes_what_fits_and_gives_a_new_alphabet_a_new_output(settings, learned, tmp_path, caplog, corpus):
    caplog.set_level(logging.INFO, "speechrnn")
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("<space>\na\nb\nc\nd\ne\n")
    changes = {"init": str(learned.path), "model__hidden": 32, "head__tokens": str(tokens), "trainer__learning_rate": 1e-9}
    run = train(settings(**changes))
    assert "begun anew: head.linear" in caplog.text
    before, after = read_acoustic(learned.path), read_acoustic(run.path)
    assert after.info["parents"] == [before.id]
    for name, array in before.weights.items():
        if name.startswith("encoder."):
            torch.testing.assert_close(after.weights[name], array, atol=1e-5, rtol=0)
    with pytest.raises(DataError, match="none of its weights fits"):
        train(settings(init=str(learned.path), model__hidden=8, features__frontend={"kind": "mfcc"}, run__dir=str(tmp_path / "x")))


class TestNonFinite:
    """Steps whose gradient is not finite leave the weights as they are; too many of them stop the run."""

    def poison(self, monkeypatch, steps):
        original = RecognizerModule.losses
        counter = iter(range(10_000))

        def losses(self, batch, *, augment):
            found, encoded, lengths = original(self, batch, augment=augment)
            return (found * math.nan if augment and next(counter) in steps else found), encoded, lengths

        monkeypatch.setattr(RecognizerModule, "losses", losses)

    def test_weights_stay_and_utterances_are_named(self, settings, monkeypatch, caplog):
        caplog.set_level(logging.WARNING, "speechrnn")
        snapshots = []
        self.poison(monkeypatch, {2})
        original = RecognizerModule.on_train_batch_end = lambda self, *_: snapshots.append(
            torch.cat([p.detach().flatten() for p in self.parameters()])
        )
        monkeypatch.setattr(RecognizerModule, "on_train_batch_end", original)
        train(settings(trainer__max_epochs=1))
        assert torch.equal(snapshots[1], snapshots[2])
        assert not torch.equal(snapshots[2], snapshots[3])
        assert "weights unchanged; utterances: train0" in caplog.text

    def test_patience_ends_the_run(self, settings, monkeypatch):
        self.poison(monkeypatch, set(range(100)))
        with pytest.raises(DataError, match="4 steps in a row"):
            train(settings(trainer__nonfinite_patience=4))


class TestPreflight:
    """Faults of the data are named before training."""

    def changed(self, corpus: Path, folder: Path, change) -> str:
        folder.mkdir()
        for split in ("train", "dev"):
            write_manifest(
                folder / f"cuts_{split}.jsonl.gz", [change(u, split) for u in read_manifest(corpus / f"cuts_{split}.jsonl.gz")]
            )
        return str(folder)

    def replace(self, utterance, **changes):
        import dataclasses

        return dataclasses.replace(utterance, **changes)

    def test_unknown_symbols_are_listed_with_code_point_count_and_id(self, settings, corpus, tmp_path):
        tokens = tmp_path / "tokens.txt"
        tokens.write_text("<space>\na\nb\nc\n")
        with pytest.raises(DataError, match=r"symbol 'd' \(U\+0064 LATIN SMALL LETTER D\)") as caught:
            train(settings(head__tokens=str(tokens)))
        assert "first in train0" in caught.value.message

    def test_a_target_longer_than_its_frames_is_left_out_and_named(self, settings, corpus, tmp_path, caplog):
        def change(u, split):
            return self.replace(u, text="a" * 200) if (u.id, split) == ("train003", "train") else u

        # One of 24 is more than 1 %.
        with pytest.raises(DataError, match="1 of 24 utterances have more tokens") as caught:
            train(settings(data__dir=self.changed(corpus, tmp_path / "one", change)))
        assert "train003" in caught.value.message
        assert "no frame rate would do" in caught.value.remedy

    def test_one_faulty_transcript_does_not_double_the_frame_rate(self, settings, corpus, tmp_path, caplog):
        caplog.set_level(logging.WARNING, "speechrnn")

        def change(u, split):
            return self.replace(u, text="a" * 200) if (u.id, split) == ("train003", "train") else u

        with pytest.raises(DataError, match="at 50 frames/s: train003") as caught:
            train(settings(data__dir=self.changed(corpus, tmp_path / "one", change), model__factor=0))
        assert "model.factor=1" in caught.value.remedy
        assert "left out" not in caplog.text, "what stops is not said to go on"

    def test_transcripts_too_dense_for_the_frame_rate_are_told_one_that_does(self, settings, corpus, tmp_path):
        # Eight tokens a second and a blank between equal ones, at 100/16 frames/s.
        with pytest.raises(DataError, match="at 6 frames/s") as caught:
            train(settings(model__factor=16))
        rate = float(caught.value.remedy.split(" of ")[1].split("/s")[0])
        train(settings(model__factor=int(100 / rate), trainer__max_epochs=1))

    def test_a_rare_infeasible_utterance_is_left_out_named_and_training_goes_on(self, settings, tmp_path, caplog, monkeypatch):
        import speechrnn.training.preflight as preflight

        caplog.set_level(logging.WARNING, "speechrnn")
        monkeypatch.setattr(preflight, "MOST_INFEASIBLE", 0.05)

        def change(u, split):
            return self.replace(u, text="a" * 200) if u.id in ("train003", "dev001") else u

        corpus = Path(settings()["data"]["dir"])
        run = train(settings(data__dir=self.changed(corpus, tmp_path / "one", change), trainer__max_epochs=1))
        assert "training data: 1 utterances left out" in caplog.text
        assert "train003" in caplog.text
        # dev is checked too: one infeasible utterance would make its loss infinite for good.
        assert "dev data: 1 utterances left out" in caplog.text
        assert math.isfinite(read_acoustic(run.path).info["measures"]["dev_loss"])

    def test_the_same_id_in_train_and_dev_does_not_mix_recordings(self, settings, corpus, tmp_path):
        def change(u, split):
            return self.replace(u, id=f"u{u.id[-2:]}")

        runs = [
            train(settings(data__dir=folder, run__dir=str(tmp_path / f"run{n}"), trainer__max_epochs=1, data__speeds=[1.0]))
            for n, folder in enumerate([str(corpus), self.changed(corpus, tmp_path / "same", change)])
        ]
        weights = read_acoustic(runs[0].path)
        clips = [u.clip for u in read_manifest(tmp_path / "same" / "cuts_dev.jsonl.gz")]
        originals = [u.clip for u in read_manifest(corpus / "cuts_dev.jsonl.gz")]
        assert weights
        from speechrnn.training.batches import FrameCache

        cache = FrameCache(weights.network().frontend, 8000, 100)
        train_clips = [u.clip for u in read_manifest(tmp_path / "same" / "cuts_train.jsonl.gz")]
        for clip in train_clips:
            cache.frames(clip)
        for clip, original in zip(clips, originals, strict=True):
            assert torch.equal(cache.frames(clip), cache.frames(original))

    def test_an_empty_dev_is_refused(self, settings, corpus, tmp_path):
        def change(u, split):
            return self.replace(u, text="xyz") if split == "dev" else u

        with pytest.raises(DataError, match="dev data: no utterance is left"):
            train(settings(data__dir=self.changed(corpus, tmp_path / "nodev", change)))

    def test_a_missing_recording_is_named(self, settings, corpus, tmp_path):
        def change(u, split):
            return self.replace(u, audio=u.audio.with_name("gone.wav")) if u.id == "train001" else u

        with pytest.raises(DataError, match=r"gone\.wav"):
            train(settings(data__dir=self.changed(corpus, tmp_path / "gone", change)))

    def test_long_utterances_are_left_out_by_name(self, settings, caplog):
        caplog.set_level(logging.WARNING, "speechrnn")
        train(settings(data__max_duration_s=1.0, trainer__max_epochs=1))
        assert "longer than data.max_duration_s = 1 s" in caplog.text

    def test_no_data_directory(self, settings, tmp_path):
        with pytest.raises(DataError, match="no such data directory"):
            train(settings(data__dir=str(tmp_path / "nowhere")))
        with pytest.raises(UsageError, match=r"data\.dir is not set"):
            train(settings(data__dir=None, run__dir=str(tmp_path / "r2")))


def test_out_of_memory_names_the_longest_and_a_limit(settings, monkeypatch):
    def losses(self, batch, *, augment):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(RecognizerModule, "losses", losses)
    with pytest.raises(DataError, match="out of memory in a batch of 4 utterances") as caught:
        train(settings())
    assert "train0" in caught.value.message
    assert "data.batch_s=" in caught.value.remedy


def test_a_full_disk_leaves_the_old_checkpoint(settings, monkeypatch):
    run = train(settings(trainer__schedule="constant"))
    last = run.path / "checkpoints" / "last.ckpt"
    before = last.read_bytes()

    def full(content, stream):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    from speechrnn.training.run import resume

    with pytest.raises(DataError, match="No space left on device"):
        resume(run.path, {"trainer": {"max_epochs": 5}})
    assert last.read_bytes() == before
    assert {path.name for path in last.parent.iterdir() if path.name.startswith(".")} == set()


class TestBlankMonitor:
    """The plateau every CTC run begins with is told from a run that is stuck."""

    def test_early_and_falling_is_a_plateau(self):
        monitor = BlankMonitor()
        monitor.losses = [50.0, 49.0, 48.0, 47.0, 46.0, 45.0]
        assert monitor.verdict(0.99, 100.0, 5000) == "plateau"
        monitor.losses = [50.0] * 6
        assert monitor.verdict(0.99, 100.0, 100) == "plateau"

    def test_late_and_flat_is_stuck(self):
        monitor = BlankMonitor()
        monitor.losses = [50.0] * 6
        assert monitor.verdict(0.99, 100.0, 5000) == "stuck"

    def test_a_model_that_speaks_is_neither(self):
        monitor = BlankMonitor()
        monitor.losses = [50.0] * 6
        assert monitor.verdict(0.8, 100.0, 5000) == ""
        assert monitor.verdict(0.98, 12.0, 5000) == ""

    def test_a_stuck_run_is_told_what_to_do(self, settings, caplog, monkeypatch):
        caplog.set_level(logging.INFO, "speechrnn")
        monkeypatch.setattr(BlankMonitor, "STEPS", 10)
        monkeypatch.setattr(BlankMonitor, "BLANK", 0.5)
        original = RecognizerModule.losses

        def silent(self, batch, *, augment):
            losses, encoded, lengths = original(self, batch, augment=augment)
            return losses, encoded * 0, lengths

        monkeypatch.setattr(RecognizerModule, "losses", silent)
        train(settings(trainer__learning_rate=1e-9, trainer__schedule="constant", trainer__max_epochs=7))
        assert caplog.text.count("normal while the loss falls") == 1
        assert caplog.text.count("this run is stuck") == 1
        assert "trainer.learning_rate" in caplog.text
        assert "trainer.overfit_batches=1" in caplog.text
