from __future__ import annotations

import unicodedata

import pytest

from speechrnn.data.corpora import mboshi
from speechrnn.data.prepared import read_splits
from speechrnn.errors import DataError


def test_contract(mboshi_layout, tmp_path, check_corpus):
    record = check_corpus(lambda out: mboshi.prepare(mboshi_layout, out), tmp_path / "out", disjoint=("text",))
    assert (record["unit"], record["splits"]["test"]["utterances"]) == ("letters", 5)
    assert record["splits"]["dev"]["utterances"] == 300
    assert record["aligned_utterances"] == 425 - 2 - 2


def test_letters_get_the_times_and_keep_their_tone(mboshi_layout, tmp_path):
    mboshi.prepare(mboshi_layout, tmp_path / "out")
    for utterance in read_splits(tmp_path / "out")["test"]:
        if not utterance.alignment:
            assert utterance.id.endswith(("_2", "_3"))
            continue
        phones = [item.symbol for item in utterance.alignment["phone"]]
        assert phones[0] == "SIL"
        assert "".join(phones[1:]) == utterance.text.replace(" ", "")
        words = utterance.alignment["word"]
        assert [item.symbol for item in words] == utterance.text.split()
        assert words[0].start == 0.1
        assert words[0].end == pytest.approx(0.2)
        assert words[-1].end == pytest.approx(utterance.alignment["phone"][-1].end)


def test_translation_and_speaker(mboshi_layout, tmp_path):
    mboshi.prepare(mboshi_layout, tmp_path / "out")
    test = read_splits(tmp_path / "out")["test"]
    assert {utterance.speaker for utterance in test} == {"abiayi", "martial"}
    assert sum(utterance.custom == {"french": "Voilà"} for utterance in test) == 4


def test_decomposed_transcripts_are_composed(mboshi_layout, tmp_path):
    for path in (mboshi_layout / "full_corpus_newsplit").rglob("*.mb.cleaned"):
        path.write_text(unicodedata.normalize("NFD", path.read_text(encoding="utf-8")), encoding="utf-8")
    mboshi.prepare(mboshi_layout, tmp_path / "out")
    for utterances in read_splits(tmp_path / "out").values():
        assert all(unicodedata.is_normalized("NFC", utterance.text) for utterance in utterances)


def test_a_wrong_folder_names_what_was_expected(tmp_path):
    with pytest.raises(DataError, match=r"full_corpus_newsplit.train: not found"):
        mboshi.prepare(tmp_path, tmp_path / "out")


def test_a_malformed_alignment_is_named(mboshi_layout, tmp_path):
    path = next((mboshi_layout / "forced_alignments_supervised_spkr").rglob("*dev_0.txt"))
    path.write_text("SIL 0.0 0.1\nM 0.1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 2: 'M 0\.1' is not PHONE START END"):
        mboshi.prepare(mboshi_layout, tmp_path / "out")


@pytest.mark.corpus
@pytest.mark.slow
def test_the_real_corpus(shared_data, tmp_path, check_corpus):
    record = check_corpus(lambda out: mboshi.prepare(shared_data("mboshi"), out), tmp_path / "out", disjoint=("text",))
    assert {split: row["utterances"] for split, row in record["splits"].items()} == {"train": 4316, "dev": 300, "test": 265}
    assert record["aligned_utterances"] == 4881
    letters = {letter for utterance in read_splits(tmp_path / "out")["train"] for letter in utterance.text}
    assert len(letters) == 32
    assert "ε" in letters
