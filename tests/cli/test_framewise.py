"""A label for every frame, and the hybrid of network and hidden Markov model, from the outside."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from tones import TONES

from speechrnn.data.manifest import read_manifest, write_manifest
from speechrnn.data.utterance import AlignedItem
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import DataError
from speechrnn.recognizer import PosteriorSource, Recognizer, load

QUICK = (
    "model=gru", "model.hidden=16", "model.layers=1", "model.factor=1", "trainer.max_epochs=10", "trainer.learning_rate=0.02",
    "trainer.average=none", "features.frontend.mel_bins=20", "features.specaugment.time_masks=0",
)  # fmt: skip


def timed(folder: Path, corpus: Path) -> Path:
    """A copy of the tones' manifests that says when each tone sounds: 120 ms, 50 ms after the start and 30 ms apart."""
    for split in ("train", "dev", "test"):
        aligned = []
        for utterance in read_manifest(corpus / f"cuts_{split}.jsonl.gz"):
            spans = [(c, 0.05 + 0.15 * i) for i, c in enumerate(utterance.text) if TONES[c]]
            items = tuple(AlignedItem(c, start, 0.12) for c, start in spans)
            aligned.append(dataclasses.replace(utterance, alignment={"phone": items}))
        write_manifest(folder / f"cuts_{split}.jsonl.gz", aligned)
    return folder


@pytest.fixture(scope="module")
def corpus(sung, tmp_path_factory) -> Path:
    return timed(tmp_path_factory.mktemp("timed"), sung)


@pytest.fixture(scope="module")
def run(corpus, speechrnn, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "framewise"
    called = speechrnn("train", "experiment=base/framewise", f"data.dir={corpus}", f"run.dir={out}", *QUICK)
    assert called.status == 0, called.err
    return out


def test_frames_and_segments_are_found(run, corpus, speechrnn, tmp_path):
    out = tmp_path / "report"
    called = speechrnn("evaluate", corpus / "cuts_test.jsonl.gz", "-m", run, "-o", out)
    assert called.status == 0, called.err
    (system,) = json.loads((out / "scores.json").read_text())["systems"]
    assert system["frames"]["percent"] < 8
    assert system["segments"]["f1"] > 90
    assert system["per"]["percent"] < 5
    assert "frames of 10 ms have another label" in (out / "report.html").read_text()
    assert "segments within 20 ms: F1" in called.out


def test_times_are_where_the_tones_are_at_any_place_in_a_batch(run, corpus):
    recognizer = load(run)
    assert isinstance(recognizer, Recognizer)
    assert isinstance(recognizer, PosteriorSource)
    utterances = read_manifest(corpus / "cuts_test.jsonl.gz")
    together = list(recognizer.transcribe_many([u.clip for u in utterances]))
    for utterance, transcript in zip(utterances, together, strict=True):
        alone = recognizer.transcribe(utterance.clip)
        assert (alone.text, [t.text for t in alone.tokens]) == (transcript.text, [t.text for t in transcript.tokens])
    first = together[0]
    starts = [item.start for item in utterances[0].alignment["phone"]]
    np.testing.assert_allclose([token.start for token in first.tokens], starts, atol=0.021)


def test_priors_are_those_of_the_training_frames(run):
    from speechrnn.models.export import read_acoustic

    stored = read_acoustic(run)
    priors = stored.weights["head.log_prior"].exp()
    assert float(priors.sum()) == pytest.approx(1, abs=1e-5)
    # Five equal labels but for silence: pauses and spaces between words.
    assert stored.vocabulary.tokens[0] == "<silence>"
    assert 0.2 < float(priors[0]) < 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda item: dataclasses.replace(item, start=9.0), "its audio at"),
        (None, "no alignment of level 'phone'"),
    ],
)
def test_labels_that_do_not_fit_are_refused_by_name(change, message, corpus, speechrnn, tmp_path):
    for split in ("train", "dev"):
        utterances = read_manifest(corpus / f"cuts_{split}.jsonl.gz")
        changed = {"phone": tuple(map(change, utterances[3].alignment["phone"]))} if change else {}
        utterances[3] = dataclasses.replace(utterances[3], alignment=changed)
        write_manifest(tmp_path / f"cuts_{split}.jsonl.gz", utterances)
    called = speechrnn("train", "experiment=base/framewise", f"data.dir={tmp_path}", f"run.dir={tmp_path / 'run'}", *QUICK)
    assert called.status == 1
    assert message in called.err
    assert "train003" in called.err


def test_a_level_that_is_nowhere_is_refused_with_those_there_are(corpus, speechrnn, tmp_path):
    called = speechrnn(
        "train", "experiment=base/framewise", "head.level=syllable", f"data.dir={corpus}", f"run.dir={tmp_path / 'run'}"
    )
    assert called.status == 1
    assert "alignment of level 'syllable'" in called.err
    assert "there is phone: set head.level" in called.err


def test_states_of_a_network_are_no_tied_states(corpus, speechrnn, tmp_path):
    for split in ("train", "dev"):
        utterances = [
            dataclasses.replace(
                u, alignment={"state": tuple(dataclasses.replace(item, symbol="<blank>") for item in u.alignment["phone"])}
            )
            for u in read_manifest(corpus / f"cuts_{split}.jsonl.gz")
        ]
        write_manifest(tmp_path / f"cuts_{split}.jsonl.gz", utterances)
    called = speechrnn(
        "train", "experiment=base/framewise", "head.level=state", f"data.dir={tmp_path}", f"run.dir={tmp_path / 'run'}", *QUICK
    )
    assert called.status == 1
    assert "no numbers: <blank>" in called.err
    assert "hidden Markov model" in called.err


def check_that_the_gaussians_posteriors_give_the_gaussians_reading(run, hmm_run, data):
    """Divided by priors, posteriors are likelihoods again: where they come from the Gaussians, nothing may change."""
    hmm, hybrid = (load(path, decoding=DecodingOptions()) for path in (hmm_run, run))
    clips = [u.clip for u in read_manifest(data / "cuts_test.jsonl.gz")]
    listener = hybrid._labeler.listener

    def heard(audio, *_):
        for clip, log_likes, _ in hmm.heard_many(audio):
            joint = log_likes + hybrid._log_prior
            yield listener.sound(clip), joint - np.logaddexp.reduce(joint, axis=1, keepdims=True)

    hybrid._labeler.heard, hybrid._factor = heard, 1
    assert [t.text for t in hybrid.transcribe_many(clips)] == [t.text for t in hmm.transcribe_many(clips)]


def test_the_hybrid_reads_states_through_the_graph(hmm_run, sung, speechrnn, tmp_path):
    data = tmp_path / "states"
    for split in ("train", "dev", "test"):
        out = data / f"cuts_{split}.jsonl.gz"
        called = speechrnn("align", sung / f"cuts_{split}.jsonl.gz", "-m", hmm_run, "--states", "-o", out)
        assert called.status == 0, called.err
    states = {item.symbol for u in read_manifest(data / "cuts_train.jsonl.gz") for item in u.alignment["state"]}
    assert len(states) > 10
    run = tmp_path / "hybrid"
    called = speechrnn(
        "train", "experiment=base/framewise", "head.level=state", f"head.hmm={hmm_run}", f"data.dir={data}", f"run.dir={run}",
        *QUICK, "trainer.max_epochs=15", "data.speeds=1.0", "model.factor=2",
    )  # fmt: skip
    assert called.status == 0, called.err
    called = speechrnn("tune", data / "cuts_dev.jsonl.gz", "-m", run)
    assert called.status == 0, called.err
    called = speechrnn("evaluate", data / "cuts_test.jsonl.gz", "-m", run, "-m", hmm_run, "-o", tmp_path / "report")
    assert called.status == 0, called.err
    scores = json.loads((tmp_path / "report" / "scores.json").read_text())["systems"]
    # Equal tones 30 ms apart are one to it now and then; by chance three of four would be wrong.
    assert scores[0]["per"]["percent"] <= 20
    check_that_the_gaussians_posteriors_give_the_gaussians_reading(run, hmm_run, data)
    # The directory holds all it needs, and nothing else is read.
    hmm = json.loads((run / "model" / "hmm" / "model.json").read_text())
    assert hmm["kind"] == "hmm"
    assert load(run).transcribe(next(iter(read_manifest(data / "cuts_test.jsonl.gz"))).clip).text
    (run / "model" / "hmm" / "model.json").write_text("{}")
    with pytest.raises(DataError, match="checksum"):
        load(run)


def test_a_manifest_of_alignments_is_made_of_a_manifest_and_replaces_nothing(hmm_run, sung, speechrnn, tmp_path):
    out = tmp_path / "new" / "cuts_test.jsonl.gz"
    assert speechrnn("align", sung / "cuts_test.jsonl.gz", "-m", hmm_run, "-o", out).status == 0
    first = read_manifest(out)[0]
    assert [item.symbol for item in first.alignment["phone"]] == list(first.text.replace(" ", ""))
    again = speechrnn("align", sung / "cuts_test.jsonl.gz", "-m", hmm_run, "-o", out)
    assert again.status == 2
    assert "would be replaced" in again.err
    wave = first.audio
    odd = speechrnn("align", wave, "ab", "-m", hmm_run, "-o", tmp_path / "x.jsonl.gz")
    assert odd.status == 2
    assert "is a manifest" in odd.err
