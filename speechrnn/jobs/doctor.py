"""What is installed, what works, and which command mends what does not."""

from __future__ import annotations

import importlib
import io
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from speechrnn import __version__

OK, NOTE, BROKEN = "ok", "note", "broken"
_ESSENTIAL_FORMATS = ("WAV", "FLAC")
_SOUND = (
    ("WAV", "PCM_16", 16_000),
    ("FLAC", "PCM_16", 16_000),
    ("OGG", "VORBIS", 16_000),
    ("OGG", "OPUS", 48_000),
    ("MP3", "MPEG_LAYER_III", 16_000),
    ("AIFF", "PCM_16", 16_000),
    ("NIST", "PCM_16", 16_000),
)
"""Containers and encodings that are tried, with a rate (Hz) each takes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        name: what was looked at.
        state: ``ok``, ``note`` (works, but look at it) or ``broken`` (nothing works without).
        found: versions, names, numbers.
        remedy: what to do where it is not ok.
    """

    name: str
    state: str
    found: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """Look at everything, the quick things first; a check that fails is itself a finding."""
    yield Finding("speechrnn", OK, f"{__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    yield from requirements()
    for name, check in _CHECKS:
        try:
            yield check()
        except Exception as error:
            yield Finding(name, BROKEN, f"{type(error).__name__}: {error}", "install speechrnn anew into a fresh environment")
    yield from extras()


def requirements(distribution: str = "speechrnn") -> Iterator[Finding]:
    """One finding for all packages that are needed: missing ones and those of a version that is not supported are named."""
    from packaging.requirements import Requirement

    wrong, count = [], 0
    for requirement in map(Requirement, metadata.requires(distribution) or ()):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        count += 1
        installed = _version(requirement.name)
        if installed is None or not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} {installed or 'missing'} (needed: {requirement.specifier or 'any'})")
    if wrong:
        yield Finding("packages", BROKEN, "; ".join(wrong), f"pip install --upgrade {distribution}")
    else:
        yield Finding("packages", OK, f"{count} needed, all there")


def extras(distribution: str = "speechrnn") -> Iterator[Finding]:
    """A finding for each extra: installed, or the line that installs it."""
    from packaging.requirements import Requirement

    needed: dict[str, list[str]] = {}
    for requirement in map(Requirement, metadata.requires(distribution) or ()):
        for extra in metadata.metadata(distribution).get_all("Provides-Extra") or ():
            if (
                requirement.marker
                and requirement.marker.evaluate({"extra": extra})
                and not requirement.marker.evaluate({"extra": ""})
            ):
                needed.setdefault(extra, []).append(requirement.name)
    for extra, names in sorted(needed.items()):
        if extra == "all":
            continue
        missing = [name for name in names if _version(name) is None]
        if missing:
            yield Finding(f"extra {extra}", NOTE, f"not installed: {', '.join(missing)}", f"pip install '{distribution}[{extra}]'")
        else:
            yield Finding(f"extra {extra}", OK, ", ".join(f"{name} {_version(name)}" for name in names))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _torch() -> Finding:
    import torch

    product = torch.ones(2, 3) @ torch.ones(3, 2)
    if product.tolist() != [[3, 3], [3, 3]]:
        return Finding("torch", BROKEN, f"{torch.__version__}: a matrix product is wrong", "install torch anew")
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU build"
    return Finding("torch", OK, f"{torch.__version__}, {build}")


def _accelerator() -> Finding:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        return Finding("accelerator", OK, ", ".join(names))
    if torch.backends.mps.is_available():
        return Finding("accelerator", OK, "Apple GPU (mps)")
    if torch.version.cuda:
        return Finding(
            "accelerator", NOTE, "none that torch can use", "check the driver with nvidia-smi; without a GPU all is well"
        )
    return Finding("accelerator", OK, "none: the CPU computes")


def _cpu() -> Finding:
    import torch

    fast = [
        name
        for name, probe in (("AVX-512 BF16", "_is_avx512_bf16_supported"), ("AMX", "_is_amx_tile_supported"))
        if _probe(torch, probe)
    ]
    bf16 = f"bf16 by {' and '.join(fast)}" if fast else "no bf16 instructions: fp32 is faster than mixed precision"
    set_by = f" (OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']})" if "OMP_NUM_THREADS" in os.environ else ""
    return Finding("CPU", OK, f"{torch.get_num_threads()} threads of {os.cpu_count()} cores{set_by}, {bf16}")


def _probe(torch: Any, name: str) -> bool:
    check = getattr(torch.cpu, name, None)
    return bool(check and check())


def _torchaudio() -> Finding:
    door = importlib.import_module("speechrnn.features._torchaudio")
    state = "extension loaded" if door.EXTENSION_LOADED else "without its extension, which is not needed"
    return Finding("torchaudio", OK, f"{door.torchaudio.__version__}, {state}")


def _sound() -> Finding:
    import numpy as np
    import soundfile

    wave = (0.1 * np.sin(np.arange(48_000) / 20)).astype(np.float32)
    readable: list[str] = []
    lost: list[str] = []
    for container, encoding, rate in _SOUND:
        label = f"Ogg/{encoding.capitalize()}" if container == "OGG" else container
        try:
            stream = io.BytesIO()
            soundfile.write(stream, wave, rate, format=container, subtype=encoding)
            stream.seek(0)
            samples, _ = soundfile.read(stream)
            (readable if len(samples) else lost).append(label)
        except (RuntimeError, TypeError, ValueError):
            lost.append(label)
    found = f"libsndfile {soundfile.__libsndfile_version__}: {' '.join(readable)}{'; not: ' + ' '.join(lost) if lost else ''}"
    if set(_ESSENTIAL_FORMATS) & set(lost):
        return Finding("sound files", BROKEN, found, "pip install --force-reinstall soundfile")
    return Finding("sound files", NOTE if lost else OK, found, "convert such files to WAV or FLAC" if lost else "")


def _resampling() -> Finding:
    import numpy as np

    from speechrnn import audio

    length = len(audio.resample(np.zeros(441, np.float32), 44_100, 16_000))
    state = OK if length == 160 else BROKEN
    return Finding("resampling", state, f"soxr {_version('soxr')}", "" if state == OK else "pip install --force-reinstall soxr")


def _compiled_loops() -> Finding:
    from speechrnn.scoring import align_kernels
    from speechrnn.scoring.rates import count

    if count("abc", "abd").errors != 1:
        return Finding(
            "compiled loops", BROKEN, f"numba {_version('numba')}: a wrong result", "pip install --force-reinstall numba"
        )
    folder = getattr(getattr(align_kernels.trace, "_cache", None), "cache_path", None)
    if folder is None:
        return Finding(
            "compiled loops",
            NOTE,
            f"numba {_version('numba')}, compiled anew in each run: no cache folder is writable",
            "set NUMBA_CACHE_DIR to a folder you may write",
        )
    return Finding("compiled loops", OK, f"numba {_version('numba')}, kept in {folder}")


def _configurations() -> Finding:
    from speechrnn.config import conf_folder

    folder = conf_folder()
    count = len(list((folder / "experiment").rglob("*.yaml")))
    state = OK if count else BROKEN
    return Finding("configurations", state, f"{count} experiments in {folder}", "" if count else "install speechrnn anew")


_CHECKS: tuple[tuple[str, Callable[[], Finding]], ...] = (
    ("torch", _torch),
    ("accelerator", _accelerator),
    ("CPU", _cpu),
    ("torchaudio", _torchaudio),
    ("sound files", _sound),
    ("resampling", _resampling),
    ("compiled loops", _compiled_loops),
    ("configurations", _configurations),
)
