"""Texts of every kind become the same model; scores are those of the model."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pytest

from speechrnn.data.manifest import Utterance, write_manifest
from speechrnn.errors import DataError, UsageError
from speechrnn.jobs.lm import read_sentences, score, train
from speechrnn.lm.estimate import EstimateOptions
from speechrnn.lm.ngram import NgramModel
from speechrnn.lm.units import Splitter, UnitOptions
from speechrnn.text.normalize import TextOptions

LINES = ["Wa\u0301 o", "b o o", "wá b"]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text").write_text("\n".join(LINES), encoding="utf-8")
    return tmp_path / "text"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    utterances = [Utterance(f"u{n}", tmp_path / f"{n}.wav", 16_000, 0, 16_000, 0, line) for n, line in enumerate(LINES)]
    write_manifest(tmp_path / "cuts_train.jsonl.gz", utterances)
    return tmp_path / "cuts_train.jsonl.gz"


def sentences(path: Path, **options) -> list[tuple[str, list[str]]]:
    return list(read_sentences(path, Splitter(UnitOptions(**options))))


def test_manifests_and_plain_texts_hold_the_same_sentences(text: Path, manifest: Path) -> None:
    read = sentences(text)
    assert read == [("1", ["Wá", "o"]), ("2", ["b", "o", "o"]), ("3", ["wá", "b"])]
    assert [tokens for _, tokens in sentences(manifest)] == [tokens for _, tokens in read]
    assert [place for place, _ in sentences(manifest)] == ["u0", "u1", "u2"]


@pytest.mark.parametrize(
    "written",
    [
        lambda text: gzip.compress(text.encode()),
        lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace(" ", "\t\u3000").encode(),
    ],
)
def test_texts_as_people_save_them_hold_the_same_sentences(written, text: Path, tmp_path: Path) -> None:
    content = written("\n".join(LINES))
    other = tmp_path / ("other.gz" if content[:2] == b"\x1f\x8b" else "other")
    other.write_bytes(content)
    assert sentences(other) == sentences(text)


def test_several_texts_are_one_and_options_reach_the_model(text: Path, manifest: Path, tmp_path: Path) -> None:
    units = UnitOptions(text=TextOptions(case="lower"))
    trained = train([text, manifest], tmp_path / "lm.arpa", units, EstimateOptions(2, "witten-bell"))
    assert (trained.sentences, trained.tokens) == (6, 14)
    model = NgramModel.read_arpa(tmp_path / "lm.arpa")
    assert model.vocabulary == ("<unk>", "<s>", "</s>", "b", "o", "wá")
    assert model.counts == trained.model.counts == (6, 8)


def test_phones_come_through_the_lexicon(manifest: Path, text: Path, tmp_path: Path) -> None:
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("Wá\tw a\nwá\tw a\nb\tb\no\to\n", encoding="utf-8")
    assert sentences(manifest, unit="phone", lexicon=lexicon)[0][1] == ["w", "a", "o"]
    with pytest.raises(UsageError, match="holds words, and no lexicon"):
        sentences(manifest, unit="phone")
    lexicon.write_text("b\tb\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"3 words of the texts are not in it: o \(3\), Wá \(1\), wá \(1\)"):
        train([text], tmp_path / "lm.arpa", UnitOptions("phone", lexicon=lexicon))
    assert not (tmp_path / "lm.arpa").exists()


def test_scores_are_those_of_the_model_in_order(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train([text], tmp_path / "lm.arpa", options=EstimateOptions(2, "witten-bell"))
    model = NgramModel.read_arpa(tmp_path / "lm.arpa")
    (tmp_path / "new").write_text("\nb x\n\no\nx y o\n", encoding="utf-8")
    monkeypatch.setattr("speechrnn.jobs.lm.BATCH", 2)
    found = list(score(tmp_path / "new", model))
    assert [(item.place, item.unknown) for item in found] == [("2", (1,)), ("4", ()), ("5", (0, 1))]
    for item in found:
        assert item.log_probs.tolist() == model.score(item.tokens).tolist()
        assert math.isfinite(item.log_probs.sum())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text", None, "no such file"),
        ("text", b"", "no sentences in it"),
        ("text", b"\n \n", "no sentences in it"),
        ("text", b"a\xff", "byte 1 is not"),
        ("text", b"a\nb <s> a\n", "text, line 2: the word <s>"),
        ("text.gz", None, "no such file"),
        ("text.gz", b"a\n\xff\n", "line 2: not utf-8"),
        ("text.gz", gzip.compress(b"a b c\n" * 1000, mtime=0)[:-20], "damaged"),
        ("cuts.jsonl", None, "no such manifest"),
    ],
)
def test_texts_that_cannot_be_read(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        train([tmp_path / name], tmp_path / "lm.arpa")
    assert str(tmp_path / name) in caught.value.message
    assert caught.value.remedy
    assert not (tmp_path / "lm.arpa").exists()
