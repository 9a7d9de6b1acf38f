from __future__ import annotations

import importlib.util
import itertools
import json

import numpy as np
import pytest

from speechrnn import audio
from speechrnn.data.corpora import synthetic
from speechrnn.data.prepared import read_splits
from speechrnn.errors import DataError, UsageError
from speechrnn.text.lexicon import read_lexicon

pytestmark = pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="the extra synth is not installed")


def test_contract_and_the_same_bytes_twice(tmp_path, check_corpus):
    record = check_corpus(lambda out: synthetic.prepare(out, utterances=20), tmp_path / "out", disjoint=("speaker", "text"))
    assert {split: row["utterances"] for split, row in record["splits"].items()} == {"train": 20, "dev": 2, "test": 2}
    assert (record["sampling_rate"], record["language"], record["snr_db"]) == (16_000, "en-us", None)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    out = tmp_path_factory.mktemp("data") / "synthetic (é)"
    synthetic.prepare(out, utterances=30)
    return out


def test_words_and_phones_have_times_that_cover_the_speech(small):
    for utterance in read_splits(small)["train"]:
        words, phones = utterance.alignment["word"], utterance.alignment["phone"]
        assert [item.symbol for item in words] == utterance.text.split()
        assert all(a.end <= b.start + 1e-4 for a, b in itertools.pairwise(words))
        assert all(a.end == pytest.approx(b.start, abs=1e-4) for a, b in itertools.pairwise(phones))
        assert all(item.duration > 0 for item in (*words, *phones))
        samples = np.abs(audio.read_clip(utterance.clip))
        before, after = samples[: round(16_000 * words[0].start)], samples[round(16_000 * (words[-1].end + 0.1)) :]
        assert max(before[:-200].max(initial=0), after.max(initial=0)) < 0.05 * samples.max()


def test_lexicon_has_every_word_and_the_phones_of_the_alignments(small):
    splits = read_splits(small)
    lexicon = read_lexicon(small / "lexicon.txt")
    everything = [utterance for utterances in splits.values() for utterance in utterances]
    assert {word for utterance in everything for word in utterance.text.split()} == set(lexicon)
    for utterance in everything:
        spoken = [item.symbol for item in utterance.alignment["phone"] if item.symbol != "SIL"]
        assert spoken == " ".join(utterance.custom["pronunciation"]).split()
        for word, phones in zip(utterance.text.split(), utterance.custom["pronunciation"], strict=True):
            assert tuple(phones.split()) in lexicon[word]


@pytest.mark.parametrize("language", ["en-us", "de", "fr", "es"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_word_of_dev_and_test_is_trained_on(language, seed):
    words = {
        split: {word for text in texts for word in text.split()}
        for split, texts in synthetic._texts(600, language, None, seed).items()
    }
    assert words["dev"] | words["test"] <= words["train"]


def test_levels_are_those_of_speech(small):
    for utterance in read_splits(small)["train"][:10]:
        level = 20 * np.log10(np.sqrt(np.square(audio.read_clip(utterance.clip)).mean()))
        assert -36 < level < -20


def test_telephone_and_noise(tmp_path):
    synthetic.prepare(tmp_path / "clean", utterances=10, telephone=True)
    synthetic.prepare(tmp_path / "noisy", utterances=10, telephone=True, noise=0.0)
    clean, noisy = (read_splits(tmp_path / name)["train"] for name in ("clean", "noisy"))
    for one, other in zip(clean, noisy, strict=True):
        assert (one.sampling_rate, one.text, one.num_samples) == (8_000, other.text, other.num_samples)
        quiet, loud = audio.read_clip(one.clip), audio.read_clip(other.clip)
        spectrum = np.square(np.abs(np.fft.rfft(loud)))
        hertz = np.fft.rfftfreq(len(loud), 1 / 8_000)
        assert spectrum[(hertz < 200) | (hertz > 3_600)].sum() < 0.01 * spectrum.sum()
        assert np.abs(loud[:800]).max() > 20 * np.abs(quiet[:800]).max()


def test_noise_from_recordings(tmp_path, write_sound):
    write_sound(tmp_path / "noises" / "rain.flac", seconds=0.3)
    synthetic.prepare(tmp_path / "out", utterances=10, noise=10.0, noise_from=tmp_path / "noises")
    assert json.loads((tmp_path / "out" / "corpus.json").read_text(encoding="utf-8"))["snr_db"] == 10.0
    with pytest.raises(DataError, match="no recordings in it"):
        synthetic.prepare(tmp_path / "out", utterances=10, noise=10.0, noise_from=tmp_path / "out" / "none")


def test_own_sentences_in_another_language(tmp_path):
    (tmp_path / "sw.txt").write_text("habari ya asubuhi\nasante sana\n\njina langu ni juma\nkwaheri", encoding="utf-8")
    synthetic.prepare(tmp_path / "out", utterances=10, language="sw", sentences_from=tmp_path / "sw.txt")
    splits = read_splits(tmp_path / "out")
    assert {split: len(utterances) for split, utterances in splits.items()} == {"train": 10, "dev": 1, "test": 1}
    assert {one.text for one in splits["train"]}.isdisjoint({one.text for one in splits["test"]})
    (tmp_path / "two.txt").write_text("a\nb", encoding="utf-8")
    with pytest.raises(DataError, match="2 sentences, too few"):
        synthetic.prepare(tmp_path / "out", sentences_from=tmp_path / "two.txt")


def test_another_seed_says_other_sentences(small, tmp_path):
    synthetic.prepare(tmp_path / "out", utterances=30, seed=1)
    texts = [{one.text for one in read_splits(folder)["train"]} for folder in (small, tmp_path / "out")]
    assert texts[0] != texts[1]


def test_wrong_calls(tmp_path):
    with pytest.raises(UsageError, match="9 utterances"):
        synthetic.prepare(tmp_path / "out", utterances=9)
    with pytest.raises(UsageError, match="noise recordings without a level"):
        synthetic.prepare(tmp_path / "out", noise_from=tmp_path)
    with pytest.raises(UsageError, match="no grammar for 'sw'"):
        synthetic.prepare(tmp_path / "out", language="sw")


def test_a_voice_that_is_none_leaves_nothing_behind(tmp_path):
    with pytest.raises(DataError, match="there is no voice 'en-gb"):
        synthetic.prepare(tmp_path / "out", language="en-gb")
    assert not list(tmp_path.rglob("*.flac"))
