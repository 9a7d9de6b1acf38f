"""Stored networks: they read back whole and fast; hostile and contradictory directories cost nothing and are named."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import speechrnn
from speechrnn.checksum import sha256
from speechrnn.errors import DataError
from speechrnn.features.frontend import FeatureOptions
from speechrnn.features.logmel import LogmelOptions
from speechrnn.features.mfcc import MfccOptions
from speechrnn.models import export
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.ctc import CtcOptions
from speechrnn.models.encoder import EncoderOptions
from speechrnn.models.export import read_acoustic, write_acoustic
from speechrnn.models.transducer import TransducerOptions
from speechrnn.text.lexicon import read_lexicon
from speechrnn.text.normalize import TextOptions, normalize
from speechrnn.text.tokenizer import Tokenizer

TOKENS = ("<blank>", "<space>", "a", "b")


def store(path: Path, **changes) -> AcousticModel:
    torch.manual_seed(0)
    encoder = {"layers": 1, "hidden": 8, **changes.pop("model", {})}
    options = ModelOptions(model=EncoderOptions(**encoder), **changes)
    network = AcousticModel(options, TOKENS).eval()
    write_acoustic(path, options, Tokenizer(TOKENS, "chars"), network.state_dict(), {"name": "x"})
    return network


def change(folder: Path, name: str, **values) -> None:
    """Edit a YAML file of a model and give it its new checksum, as an attacker would."""
    content = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    for key, value in values.items():
        content[key] = {**content[key], **value} if isinstance(value, dict) else value
    (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    info = json.loads((folder / "model.json").read_text())
    info["sha256"][name] = sha256(folder / name)
    (folder / "model.json").write_text(json.dumps(info))


@pytest.mark.parametrize("frontend", [None, LogmelOptions(), MfccOptions()], ids=str)
@pytest.mark.parametrize("model", [{}, {"cell": "gru", "subsampling": "conv", "conv_size": 8, "layer_norm": True}], ids=str)
def test_a_stored_network_computes_what_it_did(tmp_path, frontend, model):
    features = FeatureOptions(frontend) if frontend else FeatureOptions()
    network = store(tmp_path / "m", features=features, model=model)
    again = read_acoustic(tmp_path / "m").network()
    assert not any(tensor.is_meta for tensor in (*again.parameters(), *again.buffers()))
    samples, lengths = 0.1 * torch.randn(2, 9000), torch.tensor([9000, 5000])
    assert torch.equal(again(samples, lengths).log_probs, network(samples, lengths).log_probs)


OPEN = """
import sys, time
from speechrnn.models.export import read_acoustic
for path in sys.argv[1:]:
    stored = read_acoustic(path)
    start = time.perf_counter()
    stored.network()
    print(time.perf_counter() - start, "torch._dynamo" in sys.modules)
"""


def test_networks_open_at_once_in_a_new_process(tmp_path):
    kinds = list(itertools.product(("stack", "conv", "conv2d"), (CtcOptions(), TransducerOptions())))
    folders = [tmp_path / f"{subsampling} {head.kind}" for subsampling, head in kinds]
    for folder, (subsampling, head) in zip(folders, kinds, strict=True):
        store(folder, model={"layers": 3, "hidden": 256, "subsampling": subsampling}, head=head)
    done = subprocess.run([sys.executable, "-c", OPEN, *folders], check=True, capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [compiler for _, compiler in lines] == ["False"] * len(kinds), "torch's compiler takes seconds to import"
    assert all(float(seconds) < 1 for seconds, _ in lines)


@pytest.mark.parametrize(
    "model",
    [{"hidden": 10**6}, {"hidden": 10**18}, {"hidden": 10**30}, {"layers": 10**9}, {"conv_size": 10**9, "subsampling": "conv"}],
)
def test_a_configuration_larger_than_its_weights_takes_no_memory(tmp_path, model):
    store(tmp_path / "m")
    change(tmp_path / "m", "config.yaml", model=model)
    with pytest.raises(DataError, match="weights and configuration disagree"):
        read_acoustic(tmp_path / "m").network()


@pytest.mark.parametrize("head", [{"layers": 10**9}, {"hidden": 10**9}, {"embedding": 10**18}, {"joint": 10**9}])
def test_nor_does_such_a_head(tmp_path, head):
    store(tmp_path / "m", head=TransducerOptions(hidden=8, embedding=4, joint=8))
    change(tmp_path / "m", "config.yaml", head=head)
    with pytest.raises(DataError, match="weights and configuration disagree"):
        read_acoustic(tmp_path / "m").network()


def test_an_analysis_window_out_of_all_proportion_is_refused(tmp_path):
    store(tmp_path / "m")
    change(tmp_path / "m", "config.yaml", sampling_rate=384_000, features={"frontend": {"kind": "fbank", "window_ms": 1000.0}})
    with pytest.raises(DataError, match="window of 384000 samples"):
        read_acoustic(tmp_path / "m").network()


def test_weights_of_another_type_are_refused(tmp_path):
    network = store(tmp_path / "m")
    weights = {name: tensor.double() for name, tensor in network.state_dict().items()}
    write_acoustic(tmp_path / "m", network.options, Tokenizer(TOKENS, "chars"), weights, {"name": "x"})
    with pytest.raises(DataError, match=r"float64 \(.*\) instead of float32"):
        read_acoustic(tmp_path / "m").network()


@pytest.mark.parametrize("name", ["config.yaml", "tokens.txt", "text.yaml"])
def test_a_file_that_nobody_vouches_for_is_not_read(tmp_path, name):
    store(tmp_path / "m")
    info = json.loads((tmp_path / "m" / "model.json").read_text())
    del info["sha256"][name]
    (tmp_path / "m" / "model.json").write_text(json.dumps(info))
    with pytest.raises(DataError, match=rf"model\.json: lists no {name}"):
        read_acoustic(tmp_path / "m")


def test_two_rules_for_texts_are_refused(tmp_path):
    store(tmp_path / "m")
    change(tmp_path / "m", "text.yaml", case="upper")
    with pytest.raises(DataError, match="different rules for texts"):
        read_acoustic(tmp_path / "m")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_pronunciations_are_read_in_the_form_of_the_texts(tmp_path, form):
    rule = TextOptions(unicode=form)
    (tmp_path / "lexicon.txt").write_text("wá\tw á\n", encoding="utf-8")
    lexicon = read_lexicon(tmp_path / "lexicon.txt", form)
    tokenizer = Tokenizer(("<blank>", *lexicon[normalize("wá", rule)][0]), "phones", lexicon)
    options = ModelOptions(model=EncoderOptions(layers=1, hidden=4), head=CtcOptions(unit="phones"), text=rule)
    weights = AcousticModel(options, tokenizer.tokens).state_dict()
    export.write_acoustic(tmp_path / "m", options, tokenizer, weights, {"name": "x"})
    stored = read_acoustic(tmp_path / "m")
    assert stored.tokenizer.encode(normalize("wá", rule)) == [1, 2]


def test_a_model_of_format_1_is_read_for_good():
    """Written by release 0.1; every later release has to read it and compute the same."""
    recognizer = speechrnn.load(Path(__file__).resolve().parent.parent / "fixtures" / "model-v1", "cpu")
    tone = (0.1 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype(np.float32)
    posteriors = recognizer.posteriors(tone, sample_rate=8000)
    assert posteriors.tokens == ("<blank>", "<space>", "a", "ɛ́", "kp")
    assert posteriors.frame_shift == 0.02
    np.testing.assert_allclose(posteriors.log_probs[10], [-1.6552517, -1.6341863, -1.2751061, -1.4532701, -2.2962141], atol=1e-4)


def test_counts_of_words_travel_with_a_model_of_phones_and_are_checked(tmp_path):
    options = ModelOptions(model=EncoderOptions(layers=1, hidden=8), head=CtcOptions(unit="phones"))
    network = AcousticModel(options, ("<blank>", "OW"))
    tokenizer = Tokenizer(("<blank>", "OW"), "phones", {"O": [("OW",)], "ÖH": [("OW",)]}, {"O": 6, "ÖH": 2})
    write_acoustic(tmp_path / "m", options, tokenizer, network.state_dict(), {"name": "x"})
    assert read_acoustic(tmp_path / "m").tokenizer.counts == {"O": 6, "ÖH": 2}
    file = tmp_path / "m" / "counts.tsv"
    file.write_text("O\t6\nOH\t-2\n", encoding="utf-8")
    info = json.loads((tmp_path / "m" / "model.json").read_text())
    info["sha256"]["counts.tsv"] = sha256(file)
    (tmp_path / "m" / "model.json").write_text(json.dumps(info))
    with pytest.raises(DataError, match=r"counts\.tsv, line 2"):
        read_acoustic(tmp_path / "m")
    # Models written before there were counts lack the file.
    file.unlink()
    del info["sha256"]["counts.tsv"]
    (tmp_path / "m" / "model.json").write_text(json.dumps(info))
    assert read_acoustic(tmp_path / "m").tokenizer.counts == {}
