"""ARPA files as people's tools write them, and as accidents leave them."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechrnn.errors import DataError
from speechrnn.lm import arpa
from speechrnn.lm.ngram import NgramModel

TINY = """\\data\\
ngram 1=4
ngram 2=2

\\1-grams:
-99\t<s>\t-0.3
-1.1\t</s>
-0.8\t<unk>\t-0.05
-0.5\ta\t-0.2

\\2-grams:
-0.25\t<s> a
-0.35\ta </s>

\\end\\
"""


def same(one: NgramModel, other: NgramModel) -> bool:
    equal = all(np.array_equal(a, b) for a, b in zip(one.arrays, other.arrays, strict=True))
    return equal and (one.vocabulary, one.counts) == (other.vocabulary, other.counts)


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.replace("\t", " ").encode(),
        lambda text: text.replace("\t", "  \t ").replace("a b", "a \t b").encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: ("made by a tool\n2 3 words\n\n" + text).encode(),
        lambda text: text.replace("\n\n", "\n").encode(),
        lambda text: text.replace("\n", "\n\n").encode(),
        lambda text: text.removesuffix("\n").encode() + b"\n\nwhat stands here is not read\n",
        lambda text: text.replace("ngram 1=5", "ngram  1 = 5").encode(),
        lambda text: text.replace("<unk>", "<UNK>").encode(),
        lambda text: text.replace("-0.45\tb a\n", "-0.45\tb a\t0\n").encode(),
        lambda text: gzip.compress(text.encode()),
    ],
)
def test_what_tools_write_is_read_alike(written, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(written(tiny.read_text(encoding="utf-8")))
    assert same(NgramModel.read_arpa(tmp_path / "other"), NgramModel.read_arpa(tiny))


def test_lines_over_several_blocks_are_read_alike(make_arpa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lm.arpa").write_text(make_arpa(4, 4), encoding="utf-8")
    whole = NgramModel.read_arpa(tmp_path / "lm.arpa")
    monkeypatch.setattr(arpa, "BLOCK_ROWS", 7)
    monkeypatch.setattr("speechrnn.lm.lines.BLOCK_BYTES", 64)
    assert same(NgramModel.read_arpa(tmp_path / "lm.arpa"), whole)


def test_unk_comes_first_wherever_it_stands(tiny: Path) -> None:
    read = arpa.read(tiny)
    assert read.vocabulary == ("<unk>", "<s>", "</s>", "a", "b")
    np.testing.assert_allclose(read.levels[0].log_probs / arpa.LN10, [-0.8, -99, -1.1, -0.5, -0.6], rtol=1e-6)
    np.testing.assert_array_equal(read.levels[1].words, [[1, 3], [3, 4], [4, 3], [4, 2]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\data\\", "data", "no line \\data\\ in it"),
        ("ngram 1=5", "ngram 1=4", "line 11: '-0.6\\tb\\t-0.4' where \\2-grams: is expected; there are more n-grams than the head"),
        ("ngram 1=5", "ngram 1=6", "line 13: '\\\\2-grams:' after 5 1-grams; the head of the file promises 6"),
        ("ngram 1=5", "ngram 1=0", "no unigrams are promised"),
        ("ngram 1=5", "ngrams: 5", "line 2: 'ngrams: 5' where 'ngram 1=COUNT' is expected"),
        ("ngram 2=4", "ngram 4=4", "line 3: 'ngram 4=4' where 'ngram 2=COUNT' is expected"),
        ("ngram 3=2", "ngram 3=1", "line 21: '-0.13\\ta b </s>' where \\end\\ is expected; there are more n-grams"),
        (
            "ngram 3=2",
            "ngram 3=999999999999",
            "line 23: '\\\\end\\\\' after 2 3-grams; the head of the file promises 999,999,999,999",
        ),
        ("\\2-grams:", "\\4-grams:", "line 13: '\\\\4-grams:' where \\2-grams: is expected"),
        ("-0.5\ta\t-0.2", "-0.5\ta\t-0.2\t1", "line 10: '-0.5\\ta\\t-0.2\\t1' is not a log10 probability, 1 word and perhaps"),
        ("-0.35\ta b\t-0.15", "-0.35\ta", "line 15: '-0.35\\ta' is not a log10 probability, 2 words and perhaps a backoff weight"),
        ("-0.5\ta\t-0.2", "x\ta\t-0.2", "line 10: 'x' is not a number"),
        ("-0.5\ta\t-0.2", "-0.5\ta\tx", "line 10: 'x' is not a number"),
        ("-0.5\ta\t-0.2", "0.5\ta\t-0.2", "line 10: '0.5' is not the log10 of a probability"),
        ("-0.5\ta\t-0.2", "nan\ta\t-0.2", "line 10: 'nan' is not the log10 of a probability"),
        ("-0.5\ta\t-0.2", "-inf\ta\t-0.2", "line 10: '-inf' is not the log10 of a probability"),
        ("-0.5\ta\t-0.2", "-0.5\ta\tinf", "line 10: 'inf' is not the log10 of a weight"),
        ("-0.6\tb\t", "-0.6\ta\t", "line 11: the word 'a' is listed twice"),
        ("b a\n", "b x\n", "line 16: 'b x': the word 'x' is not among the unigrams"),
        ("\\end\\", "", "cut short: it ends with line 23, without \\end\\"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, message: str, tiny: Path) -> None:
    text = tiny.read_text(encoding="utf-8")
    assert old in text
    tiny.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        arpa.read(tiny)
    assert str(tiny) in caught.value.message
    assert message in caught.value.message
    assert caught.value.remedy


def test_unk_in_two_spellings_is_refused(tiny: Path) -> None:
    text = tiny.read_text(encoding="utf-8")
    tiny.write_text(text.replace("=5", "=6").replace("-0.6\tb", "-0.6\t<UNK>\n-0.6\tb"), encoding="utf-8")
    with pytest.raises(DataError, match="it lists both <unk> and <UNK>"):
        arpa.read(tiny)


def test_a_file_cut_anywhere_is_said_to_be_cut_or_wrong(tiny: Path) -> None:
    whole = tiny.read_bytes()
    for length in range(whole.index(b"\n\\1-grams:"), len(whole) - 2):
        tiny.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"cut short|line \d+|twice|is not among"):
            arpa.read(tiny)


def test_a_compressed_file_cut_short_is_said(tiny: Path) -> None:
    tiny.write_bytes(gzip.compress(tiny.read_bytes())[:-30])
    with pytest.raises(DataError, match="its compression is damaged"):
        arpa.read(tiny)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "no line"),
        (b"\xff\xfe\\\0d\0", "UTF-16"),
        (b"\\data\\\n", "cut short"),
        (b"a" * 100, "longer than"),
    ],
)
def test_what_is_no_arpa_file(content: bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speechrnn.lm.lines.BLOCK_BYTES", 64)
    if content is not None:
        (tmp_path / "lm.arpa").write_bytes(content)
    with pytest.raises(DataError, match=message):
        arpa.read(tmp_path / "lm.arpa")


def test_words_of_other_encodings_are_refused_and_all_of_unicode_is_taken(tiny: Path) -> None:
    text = tiny.read_text(encoding="utf-8")
    # Only the white space of ASCII separates.
    word = "mwána\u00a0\u3000\u0085"
    tiny.write_text(text.replace("\ta", f"\t{word}").replace(" a", f" {word}"), encoding="utf-8")
    assert word in arpa.read(tiny).vocabulary
    tiny.write_bytes(text.encode().replace(b"-0.6\tb", b"-0.6\t\xff"))
    with pytest.raises(DataError, match=r"line 11: b'.xff' is not utf-8"):
        arpa.read(tiny)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(TINY)), st.integers(0, 20))
def test_damage_ends_in_an_error_of_ours_or_in_a_model(tmp_path_factory, noise: bytes, start: int, removed: int) -> None:
    data = TINY.encode()
    path = tmp_path_factory.getbasetemp() / "damaged.arpa"
    path.write_bytes(data[:start] + noise + data[start + removed :])
    with contextlib.suppress(DataError):
        NgramModel.read_arpa(path)
