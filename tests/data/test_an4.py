from __future__ import annotations

import re

import pytest

from speechrnn.data.corpora import an4
from speechrnn.data.prepared import read_splits
from speechrnn.errors import DataError
from speechrnn.text.lexicon import read_lexicon


def test_contract(an4_layout, tmp_path, check_corpus):
    record = check_corpus(lambda out: an4.prepare(an4_layout, out), tmp_path / "out", disjoint=("speaker",))
    assert (record["unit"], record["sampling_rate"]) == ("chars", 16_000)


def test_dev_is_whole_speakers_until_a_hundred(an4_layout, tmp_path):
    an4.prepare(an4_layout, tmp_path / "out")
    splits = read_splits(tmp_path / "out")
    assert {split: len(utterances) for split, utterances in splits.items()} == {"train": 78, "dev": 102, "test": 12}


def test_transcripts_lose_their_marks(an4_layout, tmp_path):
    an4.prepare(an4_layout, tmp_path / "out")
    for utterances in read_splits(tmp_path / "out").values():
        texts = {utterance.id.split("-")[0]: utterance.text for utterance in utterances}
        assert texts == {"an0": "A B C", "an1": "THIRTEEN", "an2": "NOVEMBER A", "an3": "YES", "an4": "A", "an5": "YES B"}
        assert all(utterance.id.split("-")[1] == utterance.speaker for utterance in utterances)


def test_lexicon(an4_layout, tmp_path):
    an4.prepare(an4_layout, tmp_path / "out")
    assert read_lexicon(tmp_path / "out" / "lexicon.txt")["A"] == [("AH",), ("EY",)]
    assert (tmp_path / "out" / "lexicon.txt").read_text(encoding="utf-8").startswith("A\tAH\nA\tEY\nB\tB IY\n")


def _unigrams(text: str) -> dict[str, float]:
    body = text.split("\\1-grams:\n")[1].split("\n\n")[0]
    return {line.split("\t")[1]: float(line.split("\t")[0]) for line in body.splitlines()}


def _check_arpa(text: str, words: set[str]) -> None:
    unigrams = _unigrams(text)
    assert unigrams.keys() - {"<s>", "</s>", "<UNK>"} == words
    assert int(re.search(r"^ngram 1=(\d+)$", text, re.MULTILINE)[1]) == len(unigrams)
    assert int(re.search(r"^ngram 2=(\d+)$", text, re.MULTILINE)[1]) == 1
    assert text.startswith("\\data\\\n")
    assert text.endswith("\\2-grams:\n0.0000\t<s>\t</s>\n\n\\end\\\n")
    assert (unigrams["THIRTEEN"], unigrams["NOVEMBER"], unigrams["<s>"]) == (-2.0253, -2.0253, -99.0)


def test_language_model_is_repaired_and_the_original_kept(an4_layout, tmp_path):
    an4.prepare(an4_layout, tmp_path / "out")
    repaired = (tmp_path / "out" / "lm.arpa").read_text(encoding="utf-8")
    _check_arpa(repaired, {"A", "B", "C", "NOVEMBER", "THIRTEEN", "YES"})
    assert _unigrams(repaired)["C"] == -1.5
    assert (tmp_path / "out" / "lm.publisher.arpa").read_bytes() == (an4_layout / "etc" / "an4.ug.lm").read_bytes()


def test_a_wrong_folder_names_what_was_expected(tmp_path):
    with pytest.raises(DataError, match=r"an4_train\.fileids: not found") as error:
        an4.prepare(tmp_path, tmp_path / "out")
    assert "speech.cs.cmu.edu" in error.value.remedy


def test_a_missing_recording_is_named(an4_layout, tmp_path):
    (an4_layout / "wav" / "an4_clstk" / "rs0" / "an0-rs0-b.sph").unlink()
    with pytest.raises(DataError, match=r"an0-rs0-b\.\*: no recording of that name"):
        an4.prepare(an4_layout, tmp_path / "out")
    assert not (tmp_path / "out" / "corpus.json").exists()


def test_a_line_that_is_no_transcript_is_named(an4_layout, tmp_path):
    path = an4_layout / "etc" / "an4_test.transcription"
    path.write_text(path.read_text(encoding="utf-8") + "\nNO ID HERE", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 13: 'NO ID HERE' is not WORDS \(name\)"):
        an4.prepare(an4_layout, tmp_path / "out")


@pytest.mark.corpus
def test_the_real_corpus(shared_data, tmp_path, check_corpus):
    record = check_corpus(lambda out: an4.prepare(shared_data("an4"), out), tmp_path / "out", disjoint=("speaker",))
    assert {split: row["utterances"] for split, row in record["splits"].items()} == {"train": 846, "dev": 102, "test": 130}
    assert record["splits"]["test"]["words"] == 773
    lexicon = read_lexicon(tmp_path / "out" / "lexicon.txt")
    assert (len(lexicon), sum(map(len, lexicon.values()))) == (101, 130)
    _check_arpa((tmp_path / "out" / "lm.arpa").read_text(encoding="utf-8"), set(lexicon))
