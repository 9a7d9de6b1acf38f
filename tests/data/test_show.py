from __future__ import annotations

from pathlib import Path

import pytest

from speechrnn.cli.data import _show
from speechrnn.data.prepared import Corpus, read_corpus, write_prepared
from speechrnn.data.show import summarize
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError

CORPUS = Corpus("toy", "A toy", "nowhere", "free", "given", "by hand", "chars")


def make(identity: str, text: str, speaker: str, seconds: float = 1.0) -> Utterance:
    return Utterance(identity, Path("/a.wav"), 8_000, 0, round(8_000 * seconds), None, text, speaker)


@pytest.fixture
def toy(tmp_path):
    splits = {
        "train": [make("a", "ab a", "s1", 1.5), make("b", "ba\u0323\u0301", "s2"), make("c", "ab", "s2", 3600 - 2.5)],
        "dev": [make("d", "ab a", "s3")],
        "test": [make("e", "zz a", "s2"), make("f", "ab a", "s4", 2.0), make("g", "ab", "s4", 3.0)],
    }
    write_prepared(tmp_path, CORPUS, splits)
    return tmp_path


def test_counts(toy):
    train, dev, test = summarize(toy).splits
    assert (train.split, train.utterances, train.speakers, train.words, train.vocabulary, train.letters) == ("train", 3, 2, 4, 3, 9)
    assert train.hours == pytest.approx(1.0)
    assert (test.shortest_s, test.median_s, test.longest_s) == (1.0, 2.0, 3.0)
    assert dev.utterances == 1


def test_letters_keep_their_marks(toy):
    assert summarize(toy).letters == {"a": 9, "b": 6, "z": 2, "a\u0323\u0301": 1}


def test_what_splits_share_and_what_train_lacks(toy):
    summary = summarize(toy, samples=1)
    assert summary.unseen == ("z",)
    assert set(summary.shared) == {
        "train and test share 1 speakers",
        "1 of 1 utterances of dev say a sentence of train",
        "2 of 3 utterances of test say a sentence of train",
        "1 of 3 utterances of test say a sentence of dev",
    }
    assert [len(utterances) for utterances in summary.samples.values()] == [1, 1, 1]


def test_corpus_json(toy):
    record = read_corpus(toy)
    assert (record["name"], record["sampling_rate"], record["min_frame_rate"]) == ("toy", 8_000, 5.0)
    assert record["splits"]["test"]["speakers"] == ["s2", "s4"]
    (toy / "corpus.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"corpus\.json: not JSON"):
        read_corpus(toy)
    (toy / "corpus.json").unlink()
    assert summarize(toy).corpus == {}


def test_a_split_that_is_gone_is_removed(toy):
    write_prepared(toy, CORPUS, {"train": [make("a", "x", "s")]})
    assert [row.split for row in summarize(toy).splits] == ["train"]


def test_no_data_directory(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        summarize(tmp_path / "none")
    with pytest.raises(DataError, match=r"no cuts_train\.jsonl\.gz"):
        summarize(tmp_path)


def test_letters_that_would_not_be_seen_are_code_points(tmp_path, capsys):
    write_prepared(tmp_path, CORPUS, {"train": [make("a", "a\ufeffb\u200d", "s1")], "dev": [make("b", "ab\u200f", "s2")]})
    _show(summarize(tmp_path))
    out = capsys.readouterr().out
    assert "U+FEFF" in out
    assert "U+200D" in out
    assert "never in train: " in out
    assert "U+200F" in out
