"""What a user types, in this process; and one model of one's own recordings, trained by the command line."""

from __future__ import annotations

import contextlib
import io
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tones import RATE, sing, write_corpus

from speechrnn.cli.main import run

SPELLING = str.maketrans("abcd", "aéɔŋ")
"""How the tones are written: with letters that have an accent or lie outside Latin-1."""
SMALL = (
    "data.batch_size=4",
    "data.speeds=[1]",
    "features.frontend.mel_bins=20",
    "features.specaugment.time_masks=0",
    "features.specaugment.frequency_masks=0",
    "model.layers=1",
    "model.hidden=32",
    "model.dropout=0",
    "trainer.learning_rate=1e-2",
    "trainer.ema_decay=0.9",
    "trainer.accelerator=cpu",
    "trainer.precision=32",
    "trainer.threads=1",
)
"""Settings that learn the tones in seconds."""


@dataclass(frozen=True)
class Said:
    """A command's exit status and what it wrote where."""

    status: int
    out: str
    err: str

    def error(self) -> tuple[str, str]:
        """The two lines of the error, without their indentation; nothing else was said, least of all a traceback."""
        lines = self.err.splitlines()
        assert len(lines) == 2, self.err
        assert lines[0].startswith("error: ")
        assert lines[1].startswith("       ")
        return lines[0].removeprefix("error: "), lines[1].strip()


def say(*words: object) -> Said:
    """Run ``speechrnn WORDS`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run([str(word) for word in words])
    assert "Traceback" not in err.getvalue(), err.getvalue()
    assert "\x1b" not in out.getvalue() + err.getvalue(), "no color where there is no terminal"
    return Said(status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def speechrnn():
    return say


@dataclass(frozen=True)
class Own:
    """A folder of one's own recordings and what was made of it."""

    recordings: Path
    data: Path
    run: Path
    imported: Said
    trained: Said

    @property
    def model(self) -> Path:
        """The model directory."""
        return self.run / "model"


def write_recordings(folder: Path, number: int, seed: int = 0) -> None:
    """Recordings beside transcripts as different editors save them: plain, with a byte-order mark, CRLF, decomposed."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for index in range(number):
        sung = " ".join("".join(rng.choice(list("abcd"), rng.integers(1, 4))) for _ in range(rng.integers(1, 3)))
        text = sung.translate(SPELLING)
        soundfile.write(folder / f"{index:02d} né.wav", sing(sung, rng), RATE)
        written = [
            text.encode(),
            b"\xef\xbb\xbf" + text.encode(),
            f"{text}\r\n".encode(),
            unicodedata.normalize("NFD", text).encode("utf-16"),
        ]
        (folder / f"{index:02d} né.txt").write_bytes(written[index % len(written)])


@pytest.fixture(scope="session")
def own(tmp_path_factory) -> Own:
    torch.set_num_threads(1)
    home = tmp_path_factory.mktemp("own")
    recordings = home / "Aufnahmen (été 2024) – ɓɔŋ"
    data, run_dir = home / "Daten, #1 = 'neu'", home / "Läufe (1)" / "a=b"
    write_recordings(recordings, 72)
    imported = say("data", "import", "folder", recordings, data)
    # Convolutions this small take a click, which they never heard, for a tone.
    words = (*SMALL, "model=blstm", "trainer.max_epochs=20")
    trained = say("train", "experiment=base", f"data.dir={data}", f"run.dir={run_dir}", *words)
    return Own(recordings, data, run_dir, imported, trained)


@pytest.fixture(scope="session")
def tones(tmp_path_factory) -> Path:
    """A small data directory."""
    return write_corpus(tmp_path_factory.mktemp("tones"), {"train": 12, "dev": 4, "test": 4})


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    return SMALL


QUICK_HMM = (
    "ladder.mono.gaussians=60",
    "ladder.mono.iterations=12",
    *(f"ladder.{rung}.{key}" for rung in ("tri", "lda", "sat") for key in ("gaussians=80", "iterations=12", "least_gain=300")),
    "ladder.dims=20",
    # Letters are pitches here, and at another speed others.
    "data.speeds=[1]",
)


@pytest.fixture(scope="session")
def sung(tmp_path_factory) -> Path:
    """Words of tones, no lexicon: they are spelled."""
    return write_corpus(tmp_path_factory.mktemp("sung"), {"train": 60, "dev": 12, "test": 12})


@pytest.fixture(scope="session")
def hmm_run(sung, speechrnn, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("hmm") / "run"
    called = speechrnn("train", "experiment=base/hmm", f"data.dir={sung}", f"run.dir={out}", "data.unit=letters", *QUICK_HMM)
    assert (called.status, called.out) == (0, f"{out}\n"), called.err
    return out
