from __future__ import annotations

import pytest

from speechrnn.errors import DataError
from speechrnn.text.lexicon import missing_words, read_lexicon, write_lexicon

LEXICON = {"A": [("AH",), ("EY",)], "B": [("B", "IY")], "wá": [("w", "á")]}


def test_roundtrip(tmp_path):
    write_lexicon(tmp_path / "lexicon.txt", LEXICON)
    assert read_lexicon(tmp_path / "lexicon.txt") == LEXICON
    assert (tmp_path / "lexicon.txt").read_text(encoding="utf-8") == "A\tAH\nA\tEY\nB\tB IY\nwá\tw á\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_generous_reading(tmp_path, encoding):
    text = "wa\u0301\tw a\u0301\r\n\r\nB  B IY\r\nA\tAH\r\nA\tEY\r\nA\tAH"
    (tmp_path / "lexicon.txt").write_bytes(text.encode(encoding))
    assert read_lexicon(tmp_path / "lexicon.txt") == {"wá": [("w", "á")], "B": [("B", "IY")], "A": [("AH",), ("EY",)]}


def test_a_phrase_before_a_tab_is_one_entry(tmp_path):
    (tmp_path / "lexicon.txt").write_text("new york\tn j\n", encoding="utf-8")
    assert read_lexicon(tmp_path / "lexicon.txt") == {"new york": [("n", "j")]}


def test_missing_words():
    assert missing_words(LEXICON, ["A X B", "Y X"]) == {"X": 2, "Y": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"A\tAH\nB\n", "line 2: 'B' lacks"),
        (b"\tAH\n", "line 1"),
        (b"A\t \n", "line 1"),
        (b"\n \n", "no words in it"),
        (b"caf\xe9\tk", "byte 3 is not utf-8"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, message):
    (tmp_path / "lexicon.txt").write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read_lexicon(tmp_path / "lexicon.txt")
    assert "lexicon.txt" in error.value.message


def test_no_lexicon(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_lexicon(tmp_path / "lexicon.txt")
    with pytest.raises(DataError, match="cannot be read"):
        read_lexicon(tmp_path)
