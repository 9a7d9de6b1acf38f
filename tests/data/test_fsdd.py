from __future__ import annotations

import pytest

from speechrnn.data.corpora import fsdd
from speechrnn.data.prepared import read_splits
from speechrnn.errors import DataError, UsageError


def _index(utterance) -> int:
    return int(utterance.id.rsplit("_", 1)[1])


def test_contract(fsdd_layout, tmp_path, check_corpus):
    record = check_corpus(lambda out: fsdd.prepare(fsdd_layout, out), tmp_path / "out")
    assert (record["unit"], record["sampling_rate"]) == ("letters", 8_000)
    splits = read_splits(tmp_path / "out")
    assert {_index(one) for one in splits["test"]} == {0, 1, 2, 3, 4}
    assert {_index(one) for one in splits["dev"]} == {5, 6, 7, 8, 9}
    assert {_index(one) for one in splits["train"]} == {10, 11}
    assert {(one.text, one.custom["label"]) for one in splits["train"]} == {("ZERO", "0"), ("THREE", "3"), ("NINE", "9")}


def test_leave_one_speaker_out(fsdd_layout, tmp_path, check_corpus):
    record = check_corpus(lambda out: fsdd.prepare(fsdd_layout / "recordings", out, leave_out="theo"), tmp_path / "out")
    splits = read_splits(tmp_path / "out")
    assert {one.speaker for one in splits["test"]} == {"theo"}
    assert len(splits["test"]) == 36
    assert {one.speaker for one in (*splits["train"], *splits["dev"])} == {"george", "lucas"}
    assert {_index(one) for one in splits["dev"]} == {5, 6, 7, 8, 9}
    assert {_index(one) for one in splits["train"]} == {0, 1, 2, 3, 4, 10, 11}
    assert "theo" in record["split_rule"]


def test_an_unknown_speaker_is_a_wrong_call(fsdd_layout, tmp_path):
    with pytest.raises(UsageError, match="'teo'") as error:
        fsdd.prepare(fsdd_layout, tmp_path / "out", leave_out="teo")
    assert error.value.remedy == "did you mean 'theo'?"


def test_a_wrong_folder(tmp_path):
    with pytest.raises(DataError, match="no recordings such as"):
        fsdd.prepare(tmp_path, tmp_path / "out")


@pytest.mark.corpus
@pytest.mark.slow
def test_the_real_corpus(shared_data, tmp_path, check_corpus):
    record = check_corpus(lambda out: fsdd.prepare(shared_data("fsdd"), out), tmp_path / "out")
    assert {split: row["utterances"] for split, row in record["splits"].items()} == {"train": 2400, "dev": 300, "test": 300}
