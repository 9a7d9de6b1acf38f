"""Configuration: literal paths and texts, types, every fault at once, nearest names, files of one's own."""

import os
import re
from pathlib import Path

import pytest

from speechrnn import config
from speechrnn.config import build, compose, conf_folder, read_yaml, to_plain, to_yaml
from speechrnn.errors import DataError, UsageError
from speechrnn.features.mfcc import MfccOptions
from speechrnn.hmm.options import HmmExperiment
from speechrnn.training.options import Experiment


def experiment(*arguments: str) -> Experiment:
    return build(Experiment, compose(list(arguments)))


@pytest.mark.parametrize(
    "path",
    [
        "/d/Mboshi (2019)/été",
        "a=b",
        "x,y",
        "it's",
        'say "hi"',
        "a #b",
        "${oc.env:HOME}",
        "null.d",
        "[1,2]",
        "{a: 1}",
        "~tilde/in/middle",
    ],
)
def test_paths_are_taken_literally(path):
    expected = Path(os.path.expanduser(path))  # noqa: PTH111
    assert experiment(f"data.dir={path}").data.dir == expected
    assert experiment(f"run.dir={path}").run.dir == expected


@pytest.mark.parametrize("text", [".,;:!?", "a=b", "#", "'", "[", "yes", "1e-3", "ʼ‐"])
def test_texts_are_taken_literally(text):
    assert experiment(f"text.remove={text}").text.remove == text


def test_numbers_lists_and_switches_are_read_as_yaml():
    e = experiment(
        "trainer.learning_rate=1e-3",
        "data.speeds=[0.9, 1]",
        "model.bidirectional=false",
        "seed=7",
        "sampling_rate=null",
        "trainer.devices=2",
    )
    assert (e.trainer.learning_rate, e.data.speeds, e.model.bidirectional, e.seed, e.sampling_rate) == (
        1e-3,
        (0.9, 1.0),
        False,
        7,
        None,
    )
    assert e.trainer.devices == "2"


def test_groups_pick_files_and_single_values_win():
    e = experiment("model=bgru", "features=mfcc", "experiment=an4/small", "model.layers=1", "head=letters")
    assert (e.model.cell, e.model.layers, e.head.unit) == ("gru", 1, "letters")
    assert isinstance(e.features.frontend, MfccOptions)
    assert e.data.dir == Path("data/an4")


def test_every_shipped_choice_composes_to_valid_options():
    for group in (*config.GROUPS, "experiment"):
        for file in sorted((conf_folder() / group).rglob("*.yaml")):
            choice = file.relative_to(conf_folder() / group).with_suffix("").as_posix()
            values = config.compose([f"{group}={choice}"])
            kind: type = HmmExperiment if values.get("kind") == "hmm" else Experiment
            built = build(kind, values)
            assert build(kind, to_plain(built)) == built


def test_an_experiment_file_says_of_which_kind_it_is(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("kind: hmm\nladder:\n  top: tri\n")
    built = build(HmmExperiment, config.compose([f"experiment={own}", "seed=4"]))
    assert (built.ladder.top, built.seed, built.experiment) == ("tri", 4, str(own))
    with pytest.raises(UsageError, match="a hidden Markov model has no such group"):
        config.compose([f"experiment={own}", "model=gru"])


def test_shipped_values_name_no_key_the_options_lack():
    with pytest.raises(UsageError, match=r"unknown key model\.hiden"):
        build(Experiment, {"model": {"hiden": 3}})


def test_all_faults_are_told_together_with_the_nearest_names():
    with pytest.raises(UsageError) as caught:
        experiment("model.cel=gru", "trainer.max_epochs=many", "data.batch_size=1.5", "modle.layers=2", "model.dropout=2")
    assert caught.value.message.splitlines() == [
        "4 faults in the configuration:",
        "  data.batch_size is '1.5', expected a whole number",
        "  unknown key model.cel: did you mean 'model.cell'?",
        "  trainer.max_epochs is 'many', expected a whole number",
        "  unknown key modle: did you mean 'model'?",
    ]


@pytest.mark.parametrize(
    ("argument", "meant"),
    [
        ("cell=gru", "'model.cell' or 'head.cell'"),
        ("trainer.batch_size=4", "'data.batch_size'"),
        ("data.seed=3", "'seed'"),  # and not data.speeds, which is nearer at hand
        ("epochs=3", "'trainer.max_epochs'"),
        ("features.mel_bins=40", "'features.frontend.mel_bins'"),
        ("features.kind=mfcc", "'features.frontend.kind' or 'head.kind' or 'decoding.kind'"),
    ],
)
def test_a_key_of_another_group_is_found_there(argument, meant):
    with pytest.raises(UsageError, match=re.escape(f"unknown key {argument.partition('=')[0]}: did you mean {meant}?")):
        experiment(argument)


def test_a_key_of_another_kind_is_told_from_a_mistyped_one():
    with pytest.raises(UsageError, match=r"unknown key head\.dropout: only another kind of head has it; known are: "):
        experiment("head.dropout=0.1")


@pytest.mark.parametrize(
    "argument",
    [
        "trainer.max_epochs=.inf",
        "trainer.max_epochs=.nan",
        "trainer.learning_rate=nan",
        "trainer.learning_rate=-.inf",
        "trainer.learning_rate=1e999",
        "features.frontend.preemphasis=.nan",
        "data.speeds=[1, .nan]",
        "data.batch_size=" + "[" * 5000,
        "sampling_rate=&a 8000",
    ],
)
def test_what_is_no_finite_number_is_refused_shortly(argument):
    with pytest.raises(UsageError, match="a fault in the configuration") as caught:
        experiment(argument)
    assert argument.partition("=")[0] in caught.value.message
    assert len(caught.value.message) < 400


def test_whole_numbers_keep_all_their_digits():
    assert experiment("seed=1234567890123456789").seed == 1234567890123456789
    assert experiment("trainer.max_epochs=5.0").trainer.max_epochs == 5


@pytest.mark.parametrize(
    ("group", "kind", "hint"),
    [("head", "hmm", "known are: attention, classify, ctc"), ("head", "transducr", "'transducer'"), ("head", "ctcc", "'ctc'")],
)
def test_a_kind_that_does_not_exist_is_refused(group, kind, hint):
    with pytest.raises(UsageError, match=rf"{group}\.kind is '{kind}'.*{hint}"):
        experiment(f"{group}.kind={kind}")
    with pytest.raises(UsageError, match=r"features\.frontend\.kind is 'mfc': did you mean 'mfcc'"):
        experiment("features.frontend.kind=mfc")


def test_values_out_of_range_are_refused():
    with pytest.raises(UsageError, match=r"model\.cell is 'lsmt'"):
        experiment("model.cell=lsmt")


def test_unknown_choices_get_the_nearest_name():
    with pytest.raises(UsageError) as caught:
        compose(["experiment=an4/smal"])
    assert "an4/small" in caught.value.remedy
    with pytest.raises(UsageError, match="not key=value"):
        compose(["an4/small"])


def test_an_experiment_file_of_ones_own(tmp_path):
    file = tmp_path / "mein (Versuch).yaml"
    file.write_text("defaults:\n  - override /model: bgru\nmodel:\n  hidden: 77\ntext:\n  case: lower\n", encoding="utf-8")
    e = experiment(f"experiment={file}", "model.layers=2")
    assert (e.model.cell, e.model.hidden, e.model.layers, e.text.case) == ("gru", 77, 2, "lower")
    assert experiment(f"experiment={file}", "model=blstm").model.cell == "lstm"


@pytest.mark.parametrize("defaults", ["5", "[5]", "{modle: bgru}", "[model: 3]", "[/trainer/../model: bgru]", "gru"])
def test_defaults_that_name_no_group_are_refused(tmp_path, defaults):
    file = tmp_path / "x.yaml"
    file.write_text(f"defaults: {defaults}\n")
    with pytest.raises(UsageError):
        compose([f"experiment={file}"])


def test_aliases_are_refused_before_they_unfold(tmp_path):
    file = tmp_path / "x.yaml"
    lines = ["a0: &a0 [x, x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}]" for i in range(1, 30)]
    file.write_text("\n".join(lines))
    with pytest.raises(DataError, match="line 1: anchors and aliases"):
        read_yaml(file)


@pytest.mark.parametrize(
    "text",
    [
        "a: ${oc.env:HOME}\n",
        "a: ${b}\n",
        "[1, 2]\n",
        "a: b: c\n",
        "!!python/object/apply:os.system ['true']\n",
        "a: 2026-99-99\n",
        "a: " + "9" * 5000 + "\n",
        "[" * 5000,
    ],
)
def test_hostile_or_broken_yaml_is_refused(tmp_path, text):
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(DataError, match=r"x\.yaml"):
        read_yaml(file)


def test_oversized_yaml_is_refused(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text("a: " + "x" * 2_000_000)
    with pytest.raises(DataError, match="bytes of YAML"):
        read_yaml(file)


def test_what_is_written_reads_back(tmp_path):
    e = experiment("data.dir=/d/Mboshi (2019)/été", "text.remove=#:", "features=mfcc", "init=a b")
    file = tmp_path / "config.yaml"
    file.write_text(to_yaml(e), encoding="utf-8")
    assert build(Experiment, read_yaml(file)) == e


def test_conf_is_found_beside_the_package_first(tmp_path, monkeypatch):
    inside = tmp_path / "speechrnn" / "conf"
    inside.mkdir(parents=True)
    monkeypatch.setattr(config, "__file__", str(tmp_path / "speechrnn" / "config.py"))
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").touch()
    assert conf_folder() == tmp_path / "conf"
    (inside / "config.yaml").touch()
    assert conf_folder() == inside
    (inside / "config.yaml").unlink()
    (tmp_path / "conf" / "config.yaml").unlink()
    with pytest.raises(DataError, match="no configurations"):
        conf_folder()
