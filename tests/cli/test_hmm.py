"""A GMM-HMM from the outside: trained, used, compared and damaged by the same commands as a network."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tones import RATE, sing, write_corpus

from speechrnn.audio import Clip, read_clip
from speechrnn.data.augment import change_speed
from speechrnn.data.manifest import read_manifest, write_manifest
from speechrnn.decoding.forced import MISMATCH
from speechrnn.errors import DataError, Unsupported
from speechrnn.hmm.store import read_hmm
from speechrnn.recognizer import load


def test_every_rung_is_kept_and_said(hmm_run: Path) -> None:
    assert sorted(path.name for path in (hmm_run / "rungs").iterdir()) == ["lda", "mono", "tri", "unadapted"]
    log = (hmm_run / "train.log").read_text()
    assert all(f"{rung}: " in log for rung in ("mono", "tri", "lda", "sat"))
    record = json.loads((hmm_run / "run.json").read_text())
    assert record["finished"] is True
    assert set(record["rungs"]) == {"mono", "tri", "lda", "sat"}
    assert (hmm_run / "model" / "decoding.yaml").is_file()


def test_a_folder_that_holds_a_run_is_left_alone_with_advice_that_can_be_followed(hmm_run: Path, sung: Path, speechrnn) -> None:
    called = speechrnn("train", "experiment=base/hmm", f"data.dir={sung}", f"run.dir={hmm_run}")
    assert called.status == 2
    assert "holds a run already" in called.err
    assert "remove the folder" in called.err
    assert "--resume" not in called.err


def test_it_transcribes_what_it_has_not_heard(hmm_run: Path, sung: Path, speechrnn, tmp_path: Path) -> None:
    called = speechrnn(
        "evaluate", sung / "cuts_test.jsonl.gz", "-m", hmm_run, "-m", hmm_run / "rungs" / "mono", "-o", tmp_path / "ev"
    )
    assert called.status == 0, called.err
    systems = json.loads((tmp_path / "ev" / "scores.json").read_text())["systems"]
    assert [system["name"] for system in systems] == ["base/hmm sat", "base/hmm mono"]
    assert systems[0]["per"]["percent"] <= 10


def test_a_recordings_own_speaker_is_what_counts_and_order_is_kept(hmm_run: Path, sung: Path) -> None:
    recognizer = load(hmm_run)
    paths = sorted((sung / "audio").glob("test*.wav"))[:6]
    together = list(recognizer.transcribe_many(paths))
    assert [t.id for t in together] == [str(path) for path in paths]
    # Without speakers' names each file is a speaker: what else is given changes nothing.
    alone = [recognizer.transcribe(path) for path in paths]
    assert [t.text for t in together] == [t.text for t in alone]
    # Clips of two speakers, taking turns: each speaker's are heard together, and still come in the order given.
    clips = [Clip(str(i), path, speaker="ab"[i % 2]) for i, path in enumerate(paths)]
    assert [t.id for t in recognizer.transcribe_many(clips)] == list("012345")
    assert [t.tokens for t in together] == [t.tokens for t in alone]
    samples, rate = soundfile.read(paths[0], dtype="float32")
    assert recognizer.transcribe(samples, sample_rate=rate).text == alone[0].text


def test_times_lie_where_the_tones_are(hmm_run: Path) -> None:
    recognizer = load(hmm_run)
    alignment = recognizer.align(sing("abcd", np.random.default_rng(5)), "abcd", sample_rate=RATE)
    assert [token.text for token in alignment.tokens] == list("abcd")
    starts = [token.start for token in alignment.tokens]
    expected = [0.05 + 0.15 * i for i in range(4)]
    assert np.abs(np.array(starts) - expected).max() <= 0.05
    wrong = recognizer.align(sing("abcd", np.random.default_rng(5)), "dcba", sample_rate=RATE)
    assert wrong.score < MISMATCH < alignment.score <= 0


@pytest.mark.parametrize("inside", ["another hiss", "a hum", "a whistle"])
def test_what_sounds_in_the_pauses_of_a_long_recording_is_not_heard(hmm_run: Path, inside: str) -> None:
    pause = np.arange(6 * RATE) / RATE
    core = slice(round(0.4 * RATE), round(5.6 * RATE))

    def story(inside: str) -> np.ndarray:
        parts = []
        for text in texts:
            hiss = np.random.default_rng([3, len(parts)]).standard_normal(len(pause))
            if inside == "another hiss":
                hiss[core] = hiss[core][::-1]
            elif inside != "a hiss":
                tone = 1.4 * np.sin(2 * np.pi * {"a hum": 100.0, "a whistle": 1700.0}[inside] * pause)
                hiss[core] = 0.1 * hiss[core] + tone[core]
            parts += [sing(text, np.random.default_rng(len(parts))), (0.003 * hiss).astype(np.float32)]
        return np.concatenate(parts)

    texts = ["abcd", "dcba", "badc", "cadb", "dbca", "acbd"]
    recognizer = load(hmm_run)
    once, again = (recognizer.transcribe(story(sound), sample_rate=RATE).tokens for sound in ("a hiss", inside))
    assert again == once
    once, again = (recognizer.align(story(sound), "".join(texts), sample_rate=RATE) for sound in ("a hiss", inside))
    assert again.score == pytest.approx(once.score, abs=0.01)
    assert again.tokens == once.tokens
    starts = [(len(sing("abcd", np.random.default_rng(0))) / RATE + 6) * n + 0.05 + 0.15 * i for n in range(6) for i in range(4)]
    assert np.abs(np.array([token.start for token in once.tokens]) - starts).max() <= 0.06


def test_a_texts_score_is_its_odds_against_the_best_text_there_is(hmm_run: Path, tmp_path: Path) -> None:
    """Every text of up to three letters is tried."""
    recordings = ("ab", "c", "dba")
    texts = ["".join(letters) for n in (1, 2, 3) for letters in itertools.product("abcd", repeat=n)]
    items = []
    for seed, said in enumerate(recordings):
        soundfile.write(tmp_path / f"{said}.wav", sing(said, np.random.default_rng(seed)), RATE)
        # One speaker's, as in training: by the mean over a single tone alone, it would be heard as another one.
        items += [(Clip(f"{said} {text}", tmp_path / f"{said}.wav", speaker="s"), text) for text in texts]
    found = iter(load(hmm_run).align_many(items))
    for said in recordings:
        scores = {text: next(found).score for text in texts}
        assert max(scores, key=scores.__getitem__) == said
        assert scores[said] == 0.0
        assert all(score < MISMATCH for text, score in scores.items() if len(text) == len(said) and text != said)


def test_a_speaker_with_too_little_speech_is_heard_by_the_gaussians_for_strangers(hmm_run: Path) -> None:
    """As by the model without adaptation, to the bit; one with more is adapted to."""
    adapted, stranger = load(hmm_run), load(hmm_run / "rungs" / "unadapted")
    short, long = (sing(text, np.random.default_rng(8)) for text in ("dba", "abcdbadc" * 4))
    shorter, longer = (adapted.posteriors(sound, sample_rate=RATE).log_probs for sound in (short, long))
    assert np.array_equal(shorter, stranger.posteriors(short, sample_rate=RATE).log_probs)
    assert not np.allclose(longer, stranger.posteriors(long, sample_rate=RATE).log_probs, atol=0.1)


def test_digital_silence_is_not_heard(hmm_run: Path) -> None:
    recognizer = load(hmm_run)
    for seed, text in enumerate(("abcd", "dacb", "bdca")):
        samples = sing(text, np.random.default_rng(seed))
        alone = recognizer.transcribe(samples, sample_rate=RATE)
        # Whole hops, so that frames lie where they lay.
        pad = np.zeros(RATE, np.float32)
        padded = recognizer.transcribe(np.concatenate([pad, samples, pad, pad]), sample_rate=RATE)
        assert padded.text == alone.text == text
        starts = np.array([[token.start for token in found.tokens] for found in (alone, padded)])
        assert np.abs(starts[1] - starts[0] - 1).max() <= 0.03
    assert recognizer.transcribe(np.zeros(RATE, np.float32), sample_rate=RATE).text == ""


def test_posteriors_are_of_phones_and_follow_the_tones(hmm_run: Path) -> None:
    recognizer = load(hmm_run)
    found = recognizer.posteriors(sing("abc", np.random.default_rng(5)), sample_rate=RATE)
    assert found.tokens == ("<blank>", *"abcd")
    np.testing.assert_allclose(np.exp(found.log_probs).sum(1), 1.0, atol=1e-4)
    for i, letter in enumerate("abc"):
        start = round((0.05 + 0.15 * i - found.offset) / found.frame_shift)
        over_the_tone = np.exp(found.log_probs[start : start + 12, 1:]).mean(0)
        assert found.tokens[1 + int(over_the_tone.argmax())] == letter
    with pytest.raises(Unsupported, match="whole, not in chunks"):
        recognizer.stream()
    with pytest.raises(Unsupported, match="hears silence itself"):
        load(hmm_run, vad=True)


def test_states_are_told_for_every_frame(hmm_run: Path) -> None:
    recognizer = load(hmm_run)
    tokens = recognizer.align(sing("ab", np.random.default_rng(5)), "ab", sample_rate=RATE, states=True).tokens
    assert tokens[0].start == 0
    assert all(before.end == after.start for before, after in itertools.pairwise(tokens))
    number = read_hmm(hmm_run / "model").acoustic.gmm.num_states
    assert all(0 <= int(token.text) < number for token in tokens)


def test_what_it_cannot_do_or_say_is_told(hmm_run: Path, speechrnn, tmp_path: Path) -> None:
    recognizer = load(hmm_run)
    sound = sing("ab", np.random.default_rng(5))
    with pytest.raises(DataError, match="its text is empty"):
        recognizer.align(sound, " ", sample_rate=RATE)
    with pytest.raises(DataError, match="'x'"):
        recognizer.align(sound, "axb", sample_rate=RATE)
    with pytest.raises(DataError, match="do not fit into"):
        recognizer.align(sound, "abcd" * 30, sample_rate=RATE)
    with pytest.raises(DataError, match="less than one analysis window"):
        recognizer.transcribe(sound[:20], sample_rate=RATE)
    with pytest.raises(Unsupported, match="takes no hotwords"):
        load(hmm_run, helpers=speechrnn_helpers(hotwords=(("ab", 1.0),)))
    soundfile.write(tmp_path / "a.wav", sound, RATE)
    refused = speechrnn("transcribe", tmp_path / "a.wav", "-m", hmm_run, "--letter-lm", hmm_run / "model" / "lm.arpa.gz")
    assert refused.status == 2
    assert "takes no letter_lm" in refused.err


def speechrnn_helpers(**given):
    from speechrnn.decoding.helpers import Helpers

    return Helpers(**given)


def test_settings_of_networks_are_refused_by_name(sung: Path, speechrnn, tmp_path: Path) -> None:
    out = tmp_path / "run"
    called = speechrnn("train", "experiment=base/hmm", f"data.dir={sung}", f"run.dir={out}", "model=blstm")
    assert (called.status, called.err.count("\n")) == (2, 2)
    assert "has no such group" in called.err
    called = speechrnn("train", "experiment=base/hmm", f"data.dir={sung}", "ladder.mono.gausians=3", "trainer.max_epochs=3")
    assert called.status == 2
    assert "did you mean 'ladder.mono.gaussians'?" in called.err
    assert "unknown key trainer" in called.err
    shown = speechrnn("train", "experiment=base/hmm", "--print-config")
    assert shown.status == 0
    assert "kind: hmm" in shown.out
    assert not out.exists()


@pytest.mark.parametrize("words", [True, False])
def test_words_are_read_by_a_lexicon_or_by_their_letters(words: bool, tmp_path: Path, speechrnn) -> None:
    data = write_corpus(tmp_path / "data", {"train": 40, "dev": 10, "test": 4}, seed=3)
    if words:
        said = [line for name in "abcd" for line in _spellings(name)]
        (data / "lexicon.txt").write_text("".join(said))
    out = tmp_path / "run"
    called = speechrnn(
        "train",
        "experiment=base/hmm",
        f"data.dir={data}",
        f"run.dir={out}",
        "ladder.top=mono",
        "ladder.mono.gaussians=60",
        "ladder.mono.iterations=12",
    )
    assert called.status == 0, called.err
    assert ("spelled by their letters" in called.err) is not words
    recognizer = load(out)
    assert recognizer.tokenizer.unit == ("phones" if words else "chars")
    found = recognizer.transcribe(data / "audio" / "train000.wav")
    assert found.text == " ".join(word.text for word in found.words)
    assert all(word.start < word.end for word in found.words)


def _spellings(first: str) -> list[str]:
    every = [first, *(first + b for b in "abcd"), *(first + b + c for b in "abcd" for c in "abcd")]
    return [f"{word}\t{' '.join(word)}\n" for word in every]


def test_an_utterance_too_short_for_its_text_is_named(tmp_path: Path, speechrnn) -> None:
    data = write_corpus(tmp_path / "data", {"train": 20, "dev": 4}, seed=4)
    soundfile.write(data / "audio" / "train007.wav", sing("a", np.random.default_rng(0))[:900], RATE)
    utterances = [
        dataclasses.replace(u, text="abcd abcd abcd", num_samples=900, recording_samples=900) if u.id == "train007" else u
        for u in read_manifest(data / "cuts_train.jsonl.gz")
    ]
    write_manifest(data / "cuts_train.jsonl.gz", utterances)
    called = speechrnn("train", "experiment=base/hmm", f"data.dir={data}", f"run.dir={tmp_path / 'run'}", *QUICK_MONO)
    assert called.status == 0, called.err
    assert "1 utterances are too short for their texts and left out: train007" in called.err
    assert "19 utterances" in called.err


QUICK_MONO = ("ladder.top=mono", "ladder.mono.iterations=3", "ladder.mono.gaussians=40", "data.unit=letters")


@pytest.mark.parametrize(
    ("given", "limit_s", "said"),
    [
        ([], 3600.0, "at speeds 0.9, 1, 1.1,"),
        ([], 10.0, "at speed 1,"),
        (["data.speeds=[1]"], 3600.0, "at speed 1,"),
        (["data.speeds=[0.8,1.25]"], 10.0, "at speeds 0.8, 1.25,"),
    ],
)
def test_little_data_is_heard_at_three_speeds(given, limit_s, said, sung: Path, tmp_path: Path, monkeypatch) -> None:
    from speechrnn.config import compose
    from speechrnn.jobs import train_hmm

    monkeypatch.setattr(train_hmm, "SPEEDS_S", limit_s)
    run = train_hmm.train(compose(["experiment=base/hmm", f"data.dir={sung}", f"run.dir={tmp_path / 'run'}", *QUICK_MONO, *given]))
    assert said in (run.path / "train.log").read_text()


def test_speeds_that_nobody_speaks_at_are_refused(sung: Path, speechrnn, tmp_path: Path) -> None:
    called = speechrnn("train", "experiment=base/hmm", f"data.dir={sung}", f"run.dir={tmp_path / 'run'}", "data.speeds=[1,3]")
    assert called.status == 2
    assert "data.speeds is [1.0, 3.0]" in called.err
    assert not (tmp_path / "run").exists()


class _Listened(Exception):
    """Carries what a ladder would be trained on."""


def test_a_speaker_at_another_speed_is_another_one(sung: Path, tmp_path: Path, monkeypatch) -> None:
    from speechrnn.config import compose
    from speechrnn.jobs import train_hmm

    def ladder(topology, said, heard, *others, **more):
        raise _Listened(heard)

    def listen(data: Path, speeds: str):
        with pytest.raises(_Listened) as caught:
            train_hmm.train(
                compose(["experiment=base/hmm", f"data.dir={data}", f"run.dir={tmp_path / speeds}", f"data.speeds={speeds}"])
            )
        return caught.value.args[0]

    monkeypatch.setattr(train_hmm, "Ladder", ladder)
    utterances = [
        dataclasses.replace(u, speaker="ab"[i % 2]) for i, u in enumerate(read_manifest(sung / "cuts_train.jsonl.gz")[:8])
    ]
    slow, fast = tmp_path / "slow", tmp_path / "fast"
    played = []
    for u in utterances:
        sound = change_speed(read_clip(u.clip, RATE), 1.25, RATE)
        soundfile.write(tmp_path / f"{u.id}.wav", sound, RATE, subtype="FLOAT")
        played.append(
            dataclasses.replace(u, audio=tmp_path / f"{u.id}.wav", offset=0, num_samples=len(sound), recording_samples=len(sound))
        )
    for folder, own in ((slow, utterances), (fast, played)):
        shutil.copytree(sung, folder)
        write_manifest(folder / "cuts_train.jsonl.gz", own)
    both, once, faster = listen(slow, "[1,1.25]"), listen(slow, "[1]"), listen(fast, "[1.0]")
    assert [h.id for h in both] == 2 * [u.id for u in utterances]
    assert len({h.speaker for h in both}) == 4
    for found, wanted in zip(both, once + faster, strict=True):
        assert found.tokens == wanted.tokens
        np.testing.assert_allclose(found.cepstra, wanted.cepstra, atol=1e-4)


@pytest.mark.parametrize("what", ["weights", "config", "tokens"])
def test_a_damaged_model_is_refused(hmm_run: Path, tmp_path: Path, what: str) -> None:
    from speechrnn.checksum import sha256

    copy = tmp_path / "model"
    shutil.copytree(hmm_run / "model", copy)
    if what == "weights":
        from safetensors.numpy import load_file, save_file

        arrays = load_file(copy / "weights.safetensors")
        arrays["tree.yes"] = np.zeros_like(arrays["tree.yes"])
        save_file(arrays, copy / "weights.safetensors")
    elif what == "config":
        (copy / "config.yaml").write_text((copy / "config.yaml").read_text().replace("silence_states: 5", "silence_states: 4"))
    else:
        (copy / "tokens.txt").write_text((copy / "tokens.txt").read_text() + "q\n")
    info = json.loads((copy / "model.json").read_text())
    info["sha256"] = {name: sha256(copy / name) for name in info["sha256"]}
    (copy / "model.json").write_text(json.dumps(info))
    with pytest.raises(DataError, match="disagree"):
        load(copy)


def test_a_model_comes_back_as_it_was_written(hmm_run: Path) -> None:
    stored = read_hmm(hmm_run / "model")
    assert stored.options.rung == "sat"
    assert stored.acoustic.unadapted is not None
    assert stored.acoustic.view.matrix is not None
    assert stored.acoustic.gmm.means.shape[1] == 20
    again = read_hmm(hmm_run / "model")
    frames = np.random.default_rng(0).standard_normal((9, 20))
    assert np.array_equal(stored.acoustic.gmm.score(frames), again.acoustic.gmm.score(frames))


def test_stopped_in_training_it_says_that_it_is_not_resumed(sung, speechrnn, tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("speechrnn.hmm.ladder.Ladder.climb", stopped)
    said = speechrnn("train", "experiment=base/hmm", f"data.dir={sung}", f"run.dir={tmp_path / 'run'}", *QUICK_MONO)
    assert (said.status, said.out) == (130, "")
    assert "not resumed" in said.err
    assert f"remove {tmp_path / 'run'}" in said.err
