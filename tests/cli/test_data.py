"""``speechrnn data``: results on standard output, errors in two lines on standard error, exit status by kind."""

from __future__ import annotations

import pytest

from speechrnn.cli.main import run
from speechrnn.data.corpora import MODULES as CORPORA
from speechrnn.data.corpora import corpus_module
from speechrnn.data.importers import MODULES as FORMATS
from speechrnn.data.importers import importer_module


@pytest.fixture
def recordings(tmp_path, write_sound):
    root = tmp_path / "field (é)"
    for index in range(5):
        write_sound(root / f"{index}.wav").with_suffix(".txt").write_text(f"satz {index}", encoding="utf-8")
    return root


def test_every_corpus_and_format_keeps_the_contract():
    for name in CORPORA:
        module = corpus_module(name)
        assert module.CORPUS.name == name
        assert module.__doc__
        assert "track" in module.prepare.__annotations__
    for name in FORMATS:
        assert importer_module(name).import_data.__doc__


def test_prepare_prints_a_table(tmp_path, write_sound, capsys):
    for number in range(20):
        write_sound(tmp_path / "yesno" / f"{'_'.join(f'{number:08b}')}.wav", 1.0, 8_000)
    assert run(["data", "prepare", "yesno", str(tmp_path / "yesno"), str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split() == ["split", "utterances", "hours"]
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [["train", "8"], ["dev", "2"], ["test", "10"]]
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["prepare", "an5", "a", "b"], 2, "there is no corpus 'an5'\n       did you mean 'an4'?"),
        (["prepare", "an4", "a"], 2, "an4 takes 2 paths, 1 given\n       speechrnn data prepare an4 SRC OUT"),
        (["prepare", "synthetic", "a", "b"], 2, "synthetic takes 1 path, 2 given"),
        (["prepare", "an4", "a", "b", "--seed", "3", "--telephone"], 2, "an4 has no option --telephone, --seed"),
        (["prepare", "an4", "a", "b"], 1, "not found, but part of CMU Census"),
        (["import", "flder", "a", "b"], 2, "there is no import format 'flder'\n       did you mean 'folder'?"),
        (["import", "folder", "a", "b"], 1, "a: no such folder"),
        (["import", "folder", "a", "b", "--dev", "2"], 2, "leave no train"),
        (["import", "folder", "a", "b", "--speaker-from", "x"], 2, "choose one of none, folder, prefix"),
        (["show", "a"], 1, "a: no such folder"),
        (["prepare", "an4", "a", "b", "--nonsense"], 2, "--nonsense"),
    ],
)
def test_errors(tmp_path, monkeypatch, capsys, arguments, status, message):
    monkeypatch.chdir(tmp_path)
    assert run(["data", *arguments]) == status
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""
    assert "Traceback" not in err


def test_import_and_show(recordings, tmp_path, capsys):
    assert run(["data", "import", "folder", str(recordings), str(tmp_path / "out"), "--language", "de"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["train", "3"]
    assert run(["data", "show", str(tmp_path / "out"), "--samples", "1"]) == 0
    out = capsys.readouterr().out
    assert "field (é), imported from folder · not stated" in out
    assert "shortest s" in out
    assert "letters: " in out
    assert out.count("satz") == 3


def test_what_was_left_out_is_named_and_the_status_is_one(recordings, tmp_path, capsys):
    (recordings / "2.txt").unlink()
    assert run(["data", "import", "folder", str(recordings), str(tmp_path / "out")]) == 1
    out, err = capsys.readouterr()
    assert "warning: left out: " in err
    assert "2.wav: no transcript 2.txt beside it" in err
    assert out.splitlines()[0].startswith("split")
    assert (tmp_path / "out" / "corpus.json").is_file()


@pytest.mark.parametrize("command", ["prepare", "import", "show"])
def test_help_has_examples(command, capsys):
    assert run(["data", command, "--help"]) == 0
    assert f"speechrnn data {command}" in capsys.readouterr().out
