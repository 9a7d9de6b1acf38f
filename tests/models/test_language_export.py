"""Stored language models read back whole; damaged, foreign and contradictory directories are named and cost nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from speechrnn.checksum import sha256
from speechrnn.errors import DataError
from speechrnn.modeldir import write_model
from speechrnn.models.language import LanguageNetwork, LanguageOptions, score
from speechrnn.models.language_export import LETTERS, LEXICON, LanguageModelOptions, read_language, write_language
from speechrnn.text.normalize import TextOptions

TOKENS = ("<unk>", "<s>", "</s>", "<space>", "a", "ɛ́", "kp")
EXPECTED = [-1.602363, -1.457061, -2.410297, -2.128221, -1.381307]
"""Log probabilities under the fixture."""


def store(path: Path, files: dict[str, bytes] | None = None, text: TextOptions = TextOptions(), **network) -> LanguageNetwork:
    torch.manual_seed(0)
    options = LanguageOptions(**{"hidden": 6, "embedding": 6, **network})
    made = LanguageNetwork(options, len(TOKENS)).eval()
    stored = LanguageModelOptions(options, "letter", True, text)
    write_language(path, stored, TOKENS, made.state_dict(), {"name": "x", "measures": {"dev_perplexity": 3.5}}, files)
    return made


def reseal(folder: Path, name: str, content: str) -> None:
    """Change a file and give it its new checksum, as an attacker would."""
    (folder / name).write_text(content, encoding="utf-8")
    info = json.loads((folder / "model.json").read_text())
    info["sha256"][name] = sha256(folder / name)
    (folder / "model.json").write_text(json.dumps(info))


def change(folder: Path, **values) -> None:
    content = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    for key, value in values.items():
        content[key] = {**content[key], **value} if isinstance(value, dict) else value
    reseal(folder, "config.yaml", yaml.safe_dump(content))


@pytest.mark.parametrize("network", [{}, {"cell": "gru", "layers": 2}, {"tie": True}], ids=str)
def test_a_stored_network_scores_as_it_did(tmp_path: Path, network: dict) -> None:
    made = store(tmp_path / "m", **network)
    stored = read_language(tmp_path / "m")
    again = stored.network()
    assert stored.tokens == TOKENS
    assert not again.training
    assert not any(tensor.is_meta for tensor in (*again.parameters(), *again.buffers()))
    sentences = [np.array([4, 5, 3, 6]), np.array([0])]
    for found, expected in zip(score(again, sentences), score(made, sentences), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_model_of_format_1_is_read_for_good() -> None:
    """Written by release 0.1; every later release has to read it and compute the same."""
    stored = read_language(Path(__file__).resolve().parent.parent / "fixtures" / "language-v1")
    assert (stored.tokens, stored.options.unit, stored.options.text.case) == (TOKENS, "letter", "lower")
    (found,) = score(stored.network(), [np.array([4, 5, 3, 6])])
    np.testing.assert_allclose(found, EXPECTED, atol=1e-4)


def test_what_makes_tokens_of_texts_travels_with_it(tmp_path: Path) -> None:
    text = TextOptions(case="lower", remove=".,")
    store(tmp_path / "m", {LETTERS: b"a\nkp\n"}, text)
    stored = read_language(tmp_path / "m")
    assert (stored.options.unit, stored.options.word_boundary, stored.options.text) == ("letter", True, text)
    assert stored.letters == tmp_path / "m" / LETTERS
    assert stored.lexicon is None
    assert "3.5" in (tmp_path / "m" / "README.md").read_text(encoding="utf-8")
    (tmp_path / "m" / LETTERS).write_text("b\n")
    with pytest.raises(DataError, match=rf"{LETTERS}: its checksum"):
        read_language(tmp_path / "m")
    store(tmp_path / "m", {LEXICON: b"a\ta\n"})
    assert read_language(tmp_path / "m").lexicon == tmp_path / "m" / LEXICON


@pytest.mark.parametrize(
    "model", [{"hidden": 10**6}, {"hidden": 10**30}, {"layers": 10**9}, {"tie": True, "embedding": 3}], ids=str
)
def test_a_configuration_other_than_its_weights_takes_no_memory(tmp_path: Path, model: dict) -> None:
    store(tmp_path / "m")
    change(tmp_path / "m", model=model)
    with pytest.raises(DataError, match="weights and configuration disagree"):
        read_language(tmp_path / "m").network()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokens.txt", "a\nb\n", r"tokens\.txt: not <unk> <s> </s>"),
        ("tokens.txt", "<unk>\n<s>\n</s>\na\na\n", r"tokens\.txt: not <unk> <s> </s>"),
        ("tokens.txt", "", r"tokens\.txt: empty"),
        ("text.yaml", "case: upper\n", "different rules for texts"),
        ("config.yaml", "model: {cell: lsmt}\n", "did you mean 'lstm'"),
        ("config.yaml", "unti: word\n", "did you mean 'unit'"),
        ("config.yaml", "unit: ${oc.env:HOME}\n", "interpolation"),
    ],
)
def test_damage_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    store(tmp_path / "m")
    reseal(tmp_path / "m", name, content)
    with pytest.raises(DataError, match=message):
        read_language(tmp_path / "m")


def test_weights_of_another_vocabulary_are_refused(tmp_path: Path) -> None:
    store(tmp_path / "m")
    reseal(tmp_path / "m", "tokens.txt", "".join(f"{token}\n" for token in TOKENS[:-1]))
    with pytest.raises(DataError, match=r"bias float32 \(7,\) instead of float32 \(6,\)"):
        read_language(tmp_path / "m").network()


def test_a_recognizer_is_no_language_model(tmp_path: Path) -> None:
    write_model(tmp_path / "m", "rnn", {"a": np.zeros(1, np.float32)}, {}, {})
    with pytest.raises(DataError, match="a model of kind rnn, not lm"):
        read_language(tmp_path / "m")
