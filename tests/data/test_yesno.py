from __future__ import annotations

import pytest

from speechrnn.data.corpora import yesno
from speechrnn.data.prepared import read_splits
from speechrnn.errors import DataError


def test_contract(yesno_layout, tmp_path, check_corpus):
    record = check_corpus(lambda out: yesno.prepare(yesno_layout, out), tmp_path / "out")
    assert {split: row["utterances"] for split, row in record["splits"].items()} == {"train": 8, "dev": 2, "test": 10}


def test_split_by_position_and_text_from_the_name(yesno_layout, tmp_path):
    yesno.prepare(yesno_layout, tmp_path / "out")
    splits = read_splits(tmp_path / "out")
    numbers = {split: [int(one.id.replace("_", ""), 2) for one in utterances] for split, utterances in splits.items()}
    assert numbers["test"] == list(range(1, 20, 2))
    assert numbers["dev"] == [0, 10]
    assert splits["dev"][1].text == "NO NO NO NO YES NO YES NO"


def test_either_folder_is_taken(yesno_layout, tmp_path):
    yesno.prepare(yesno_layout, tmp_path / "a")
    yesno.prepare(yesno_layout / "waves_yesno", tmp_path / "b")
    assert (tmp_path / "a" / "cuts_train.jsonl.gz").read_bytes() == (tmp_path / "b" / "cuts_train.jsonl.gz").read_bytes()


def test_a_wrong_folder(tmp_path):
    with pytest.raises(DataError, match="no recordings such as waves_yesno"):
        yesno.prepare(tmp_path, tmp_path / "out")


@pytest.mark.corpus
def test_the_real_corpus(shared_data, tmp_path, check_corpus):
    record = check_corpus(lambda out: yesno.prepare(shared_data("yesno"), out), tmp_path / "out")
    assert {split: row["utterances"] for split, row in record["splits"].items()} == {"train": 24, "dev": 6, "test": 30}
