"""Model directories: what is written reads back; truncated, exchanged, hostile and newer ones are refused."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from speechrnn.checksum import sha256
from speechrnn.errors import DataError, Unsupported
from speechrnn.modeldir import read_info, read_model, write_model
from speechrnn.recognizer import load

WEIGHTS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(1, np.float32)}


@pytest.fixture
def model(tmp_path) -> Path:
    write_model(tmp_path / "model", "rnn", WEIGHTS, {"config.yaml": "x: 1\n"}, {"name": "test"})
    return tmp_path / "model"


def reseal(model: Path, name: str) -> None:
    """Give a changed file the checksum an attacker would."""
    info = json.loads((model / "model.json").read_text())
    info["sha256"][name] = sha256(model / name)
    (model / "model.json").write_text(json.dumps(info))


def test_what_is_written_reads_back(model):
    files = read_model(model)
    assert files.info["kind"] == "rnn"
    assert files.info["weights"] == 7
    assert files.id.startswith("test@")
    for name, array in WEIGHTS.items():
        np.testing.assert_array_equal(files.weights[name], array)


def test_writing_replaces_the_older_model_in_one_step(model):
    write_model(model, "rnn", {"c": np.zeros(2, np.float32)}, {}, {"name": "newer"})
    assert set(read_model(model).weights) == {"c"}
    assert [path.name for path in model.parent.iterdir()] == ["model"]


def test_a_model_left_aside_by_a_killed_writer_is_named(model):
    left = model.rename(model.with_name(".model.00ff00ff.old"))
    for path in (model, model.parent):
        with pytest.raises(DataError) as caught:
            read_info(path)
        assert str(left) in caught.value.remedy


def test_truncated_weights_are_named(model):
    file = model / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(DataError, match=r"weights\.safetensors: its checksum"):
        read_model(model)
    reseal(model, "weights.safetensors")
    with pytest.raises(DataError, match="no safetensors file"):
        read_model(model)


def test_exchanged_weights_are_noticed(model, tmp_path):
    write_model(tmp_path / "other", "rnn", {"a": np.zeros((2, 3), np.float32), "b": np.ones(1, np.float32)}, {}, {})
    (model / "weights.safetensors").write_bytes((tmp_path / "other" / "weights.safetensors").read_bytes())
    with pytest.raises(DataError, match="exchanged"):
        read_model(model)


def test_a_renamed_pickle_is_never_opened(model):
    marker = model.parent / "marker"

    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    (model / "weights.safetensors").write_bytes(pickle.dumps(Hostile()))
    reseal(model, "weights.safetensors")
    with pytest.raises(DataError, match="no safetensors file"):
        load(model)
    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": "1"}', '{"version": 1, "kind": "rnn", "sha256": []}', "[" * 100_000]
    + [
        json.dumps({"version": 1, "kind": "rnn", "sha256": {}, **wrong})
        for wrong in ({"data": 5}, {"data": {"title": 5}}, {"name": []}, {"version": 0}, {"version": True}, {"sha256": {"a": 1}})
    ],
)
def test_a_damaged_description_is_named(model, content):
    (model / "model.json").write_text(content)
    with pytest.raises(DataError, match=r"model\.json: damaged"):
        read_info(model)


def test_a_newer_format_says_which_release_to_install(model):
    info = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps({**info, "version": 99, "speechrnn": "7.1"}))
    with pytest.raises(DataError) as caught:
        read_info(model)
    assert "speechrnn>=7.1" in caught.value.remedy


def test_files_outside_the_directory_are_refused(model):
    info = json.loads((model / "model.json").read_text())
    info["sha256"]["../outside"] = "0" * 64
    (model / "model.json").write_text(json.dumps(info))
    with pytest.raises(DataError, match="outside the model"):
        read_model(model)


def test_missing_things_are_named(model, tmp_path):
    with pytest.raises(DataError, match="no such model directory"):
        load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no model in it"):
        load(tmp_path / "empty")
    (model / "config.yaml").unlink()
    with pytest.raises(DataError, match=r"config\.yaml: missing"):
        read_model(model)


def test_environment_variables_in_yaml_are_refused(model):
    (model / "config.yaml").write_text("sampling_rate: ${oc.env:HOME}\n")
    reseal(model, "config.yaml")
    (model / "text.yaml").write_text("{}\n")
    with pytest.raises(DataError, match="interpolation"):
        load(model)


def test_a_model_of_another_kind_is_refused_by_name(tmp_path):
    write_model(tmp_path / "m", "onnx", WEIGHTS, {}, {})
    with pytest.raises(Unsupported, match="kind onnx"):
        load(tmp_path / "m")
