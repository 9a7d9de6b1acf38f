"""Whole or not at all: full disks, failing renames, writers killed in between."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from speechrnn.atomic import atomic_folder, atomic_path, left_aside
from speechrnn.errors import DataError


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "x").write_text("old")
    return tmp_path / "model"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_takes_the_place_of_the_older_one(folder):
    with atomic_folder(folder) as new:
        (new / "y").write_text("new")
        assert names(folder) == ["x"]
    assert names(folder) == ["y"]
    assert names(folder.parent) == ["model"]


def test_a_folder_that_cannot_take_its_place_leaves_the_older_one(folder, monkeypatch):
    rename = Path.rename

    def refuse(path, target):
        if path.suffix == ".tmp":
            raise PermissionError(13, "in use")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(DataError, match="in use"), atomic_folder(folder) as new:
        (new / "x").write_text("new")
    assert (folder / "x").read_text() == "old"
    assert names(folder.parent) == ["model"]


def test_what_a_killed_writer_left_aside_is_taken_back(folder):
    left = folder.rename(folder.with_name(".model.00ff00ff.old"))
    assert left_aside(folder) == left
    with pytest.raises(RuntimeError), atomic_folder(folder):
        raise RuntimeError
    assert (folder / "x").read_text() == "old"
    assert left_aside(folder) is None


@pytest.mark.parametrize("write", [atomic_path, atomic_folder])
def test_an_error_of_ones_own_leaves_no_trace(tmp_path, write):
    def half() -> None:
        with write(tmp_path / "out") as new:
            (new / "x" if new.is_dir() else new).write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert names(tmp_path) == []


@pytest.mark.parametrize("write", [atomic_path, atomic_folder])
def test_a_folder_that_is_a_file_is_told(tmp_path, write):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="could not be written"), write(tmp_path / "file" / "out"):
        pytest.fail("nothing can be written here")


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from speechrnn.modeldir import write_model
from speechrnn.errors import DataError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_model(Path(sys.argv[1]), "rnn", {"a": np.zeros(100_000, np.float32)}, {}, {})
except DataError as error:
    print(error.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_a_model_that_finds_no_room_is_told_and_the_older_one_stays(folder):
    told = subprocess.run([sys.executable, "-c", LIMITED, folder], capture_output=True, text=True, check=True).stdout
    assert "could not be written: File too large" in told
    assert (folder / "x").read_text() == "old"
    assert names(folder.parent) == ["model"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such modes")
def test_weights_are_readable_as_the_umask_says(tmp_path):
    import numpy as np

    from speechrnn.modeldir import write_model

    before = os.umask(0o022)
    try:
        write_model(tmp_path / "model", "rnn", {"a": np.zeros(3, np.float32)}, {}, {})
    finally:
        os.umask(before)
    for file in (tmp_path / "model").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o644, file.name
