"""A model that writes a field of the manifest: scored against that field, as a translation."""

from __future__ import annotations

import json
import sys

import pytest
import soundfile
from singers import ATTENTION, write_singer
from tones import RATE

from speechrnn.data.manifest import write_manifest
from speechrnn.data.utterance import Utterance
from speechrnn.models.ctc import CtcOptions


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A model whose texts stand in the field ``sung`` of the manifest, and the manifest."""
    folder = tmp_path_factory.mktemp("translation")
    singer = write_singer(folder / "model", bidirectional=True, head=ATTENTION.__class__(**{**ATTENTION.__dict__, "text": "sung"}))
    utterances = []
    for number, (text, samples) in enumerate(zip(singer.texts, singer.sounds, strict=True)):
        path = folder / f"{number:02d}.wav"
        soundfile.write(path, samples, RATE)
        wrong = "d d d d" if number == 0 else text
        utterances.append(Utterance(path.stem, path, RATE, 0, len(samples), None, "what was said", custom={"sung": wrong}))
    write_manifest(folder / "cuts_dev.jsonl.gz", utterances)
    return singer.path, folder / "cuts_dev.jsonl.gz"


def test_it_is_scored_against_the_field_by_sacrebleu(learned, speechrnn, tmp_path):
    from sacrebleu import corpus_bleu, corpus_chrf

    model, manifest = learned
    called = speechrnn("evaluate", manifest, "-m", model, "-o", tmp_path, "--decoding", "kind=beam", "--decoding", "beam=4")
    assert called.status == 0, called.err
    (system,) = json.loads((tmp_path / "scores.json").read_text())["systems"]
    assert 0 < system["wer"]["errors"] < 8
    pairs = [json.loads(line) for line in (tmp_path / "hypotheses.jsonl").read_text().splitlines()]
    assert {one["reference"] for one in pairs} >= {"d d d d"}
    texts, references = [one["hypothesis"] for one in pairs], [[one["reference"] for one in pairs]]
    for name, expected in (("chrF", corpus_chrf(texts, references)), ("BLEU", corpus_bleu(texts, references))):
        found = system["translation"][name]
        assert found["score"] == pytest.approx(expected.score, abs=1e-3)
        assert found["low"] <= found["score"] <= found["high"]
        assert (found["low"] < found["high"]) == (found["score"] > 0)
        assert "version:" in found["signature"]
        assert f"{name} {expected.score:.2f}" in called.out
    page = (tmp_path / "report.html").read_text()
    assert "as a translation" in page
    assert "beam 4, threshold 25, CTC weight 0.3" in page


def test_without_sacrebleu_the_rest_is_scored_and_what_lacks_is_said(learned, speechrnn, tmp_path, monkeypatch):
    model, manifest = learned
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.bleu", None)
    called = speechrnn("evaluate", manifest, "-m", model, "-o", tmp_path)
    assert called.status == 0, called.err
    assert "pip install 'speechrnn[report]'" in called.err
    (system,) = json.loads((tmp_path / "scores.json").read_text())["systems"]
    assert "wer" in system
    assert "translation" not in system


def test_align_takes_the_field_too(speechrnn, tmp_path):
    singer = write_singer(tmp_path / "model", bidirectional=True, head=CtcOptions(text="sung"))
    soundfile.write(tmp_path / "00.wav", singer.sounds[0], RATE)
    path = tmp_path / "cuts_dev.jsonl.gz"
    write_manifest(
        path, [Utterance("00", tmp_path / "00.wav", RATE, 0, len(singer.sounds[0]), None, "xyz", custom={"sung": singer.texts[0]})]
    )
    called = speechrnn("align", path, "-m", singer.path, "-f", "json")
    assert called.status == 0, called.err
    assert [word["text"] for word in json.loads(called.out)["words"]] == singer.texts[0].split()


def test_the_weight_of_ctc_is_tuned(learned, speechrnn):
    model, manifest = learned
    called = speechrnn("tune", manifest, "-m", model, "--decoding", "kind=beam", "--decoding", "beam=4")
    assert called.status == 0, called.err
    assert "ctc_weight" in (model / "decoding.yaml").read_text()
    assert "ctc_weight" in called.out
    (model / "decoding.yaml").unlink()


def test_a_manifest_without_the_field_is_refused_with_what_there_is(learned, speechrnn, tmp_path):
    model, manifest = learned
    path = tmp_path / "cuts_other.jsonl.gz"
    write_manifest(path, [Utterance("00", manifest.parent / "00.wav", RATE, 0, 4000, None, "a", custom={"french": "b"})])
    called = speechrnn("evaluate", path, "-m", model, "-o", tmp_path / "out")
    assert called.status != 0
    what, remedy = called.error()
    assert "'sung'" in what
    assert "french" in remedy
