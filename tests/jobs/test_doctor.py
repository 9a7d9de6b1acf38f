from __future__ import annotations

from importlib import metadata

import pytest
import soundfile

from speechrnn.cli.main import run
from speechrnn.jobs import doctor
from speechrnn.jobs.doctor import BROKEN, NOTE, OK, Finding


def states() -> dict[str, Finding]:
    return {finding.name: finding for finding in doctor.examine()}


def test_here_everything_essential_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    printed = capsys.readouterr().out
    header, *lines = printed.splitlines()
    assert header.split() == ["what", "state", "found"]
    assert {"speechrnn", "torch", "accelerator", "CPU", "torchaudio", "packages"} <= {line.split()[0] for line in lines if line}
    assert "FLAC" in printed
    assert metadata.version("torch") in printed


def test_a_missing_and_an_unsupported_package_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"numpy": "2.0", "torch": "1.0", "new": "3.0"}
    monkeypatch.setattr(
        metadata, "requires", lambda name: ["numpy>=1.26", "torch>=2.11,<2.14", "lhotse<2", "panphon; extra == 'report'"]
    )
    monkeypatch.setattr(doctor, "_version", installed.get)
    (finding,) = doctor.requirements()
    assert finding.state == BROKEN
    assert finding.found == "torch 1.0 (needed: <2.14,>=2.11); lhotse missing (needed: <2)"
    assert "pip install" in finding.remedy


def test_an_extra_is_installed_or_its_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", {"panphon": "0.22", "matplotlib": "3.9", "sacrebleu": "2.5"}.get)
    found = {finding.name: finding for finding in doctor.extras()}
    assert found["extra report"].state == OK
    assert found["extra synth"] == Finding("extra synth", NOTE, "not installed: espeakng-loader", "pip install 'speechrnn[synth]'")
    assert "extra all" not in found


def test_sound_formats_that_cannot_be_decoded_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = soundfile.write

    def write(stream: object, *arguments: object, format: str, **options: object) -> None:
        if format in refused:
            raise soundfile.LibsndfileError(1)
        real(stream, *arguments, format=format, **options)

    monkeypatch.setattr(soundfile, "write", write)
    refused = {"MP3"}
    finding = states()["sound files"]
    assert finding.state == NOTE
    assert finding.found.endswith("not: MP3")
    refused = {"WAV"}
    assert states()["sound files"].state == BROKEN


def test_a_check_that_fails_is_a_finding_and_the_status_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Finding:
        raise OSError("libcudart.so.13: cannot open shared object file")

    monkeypatch.setattr(doctor, "_CHECKS", (("torch", broken),))
    assert run(["doctor"]) == 1
    printed = capsys.readouterr()
    assert "libcudart.so.13" in printed.out
    assert "Traceback" not in printed.err


def test_loops_that_cannot_be_kept_are_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    from speechrnn.scoring import align_kernels

    assert doctor._compiled_loops().state == OK
    monkeypatch.setattr(align_kernels, "trace", align_kernels.trace.py_func)  # type: ignore[attr-defined]
    finding = doctor._compiled_loops()
    assert finding.state == NOTE
    assert "NUMBA_CACHE_DIR" in finding.remedy
