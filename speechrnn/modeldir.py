"""Model directories: written whole or not at all, verified when read. Arrays only, nothing is unpickled.

``model.json`` holds the format version, the kind, sizes and the SHA-256 of every other file; ``weights.safetensors`` the
arrays; ``config.yaml``, ``tokens.txt``, ``text.yaml`` and, for phones, ``lexicon.txt`` what is needed to use them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechrnn import __version__
from speechrnn.atomic import atomic_folder, left_aside
from speechrnn.checksum import sha256
from speechrnn.errors import DataError

if TYPE_CHECKING:
    import numpy as np

VERSION = 1
"""Format version; readers take every older one."""
KINDS = ("rnn", "hmm", "lm", "onnx")
INFO, WEIGHTS = "model.json", "weights.safetensors"
OUTSIDE = {INFO, "decoding.yaml", "README.md"}
"""Files without a checksum: the list itself, weights tuned later, the card for people."""
MAX_JSON_BYTES = 10_000_000
_TYPES: dict[str, type] = {
    "version": int,
    "kind": str,
    "speechrnn": str,
    "name": str,
    "tokens": int,
    "weights": int,
    "data": dict,
    "measures": dict,
    "parents": list,
    "sha256": dict,
}
"""What each entry of ``model.json`` must be where it stands there."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A verified model directory: its path, ``model.json``, and its arrays by name."""

    path: Path
    info: dict[str, Any]
    weights: dict[str, np.ndarray]

    @property
    def id(self) -> str:
        """Name and the first digits of the weights' checksum."""
        return f"{self.info.get('name', self.path.name)}@{self.info['sha256'][WEIGHTS][:8]}"

    def file(self, name: str) -> Path:
        """A file of the model, its checksum known to be right.

        Raises:
            DataError: ``model.json`` does not list it, so nobody vouches for it.
        """
        if name not in self.info["sha256"]:
            raise DataError(f"{self.path / INFO}: lists no {name}", "fetch or train the model again")
        return self.path / name


def model_folder(path: Path) -> Path:
    """The model directory that a path means: itself, or ``model/`` of a run directory."""
    return path / "model" if not (path / INFO).exists() and (path / "model").is_dir() else path


def write_model(
    path: Path,
    kind: str,
    weights: Mapping[str, np.ndarray],
    texts: Mapping[str, str | bytes],
    info: Mapping[str, Any],
    parts: Mapping[str, Path] | None = None,
) -> None:
    """Write a model directory.

    Args:
        path: the directory; an older model there is replaced in one step.
        kind: rnn, hmm, lm or onnx.
        weights: arrays by name.
        texts: content of the further files by name (config.yaml, tokens.txt, …).
        info: further plain values for model.json: name, sizes, parents, measures, licence of the data.
        parts: model directories it is made of, copied into it under these names.
    """
    from safetensors.numpy import save

    with atomic_folder(path) as folder:
        # safetensors' own save_file hides a full disk behind an error of its own and makes files that only the owner reads.
        (folder / WEIGHTS).write_bytes(save(dict(sorted(weights.items()))))
        for name, text in texts.items():
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        sums = {file.name: sha256(file) for file in sorted(folder.iterdir()) if file.name not in OUTSIDE}
        for name, part in (parts or {}).items():
            # Its own model.json vouches for its files, and this one for that.
            files = (INFO, *read_info(part)["sha256"])
            (folder / name).mkdir()
            for file in files:
                (folder / name / file).write_bytes((part / file).read_bytes())
            sums[f"{name}/{INFO}"] = sha256(folder / name / INFO)
        size = int(sum(array.size for array in weights.values()))
        content = {"version": VERSION, "kind": kind, "speechrnn": __version__, **info, "weights": size, "sha256": sums}
        (folder / INFO).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8", newline="\n")


def read_info(path: Path) -> dict[str, Any]:
    """``model.json`` of a model directory.

    Raises:
        DataError: no model there, damaged, or of a newer release.
    """
    file = path / INFO
    if not file.is_file():
        left = left_aside(path) or left_aside(path / "model")
        raise DataError(
            f"{path}: no model in it ({INFO} is missing)" if path.is_dir() else f"{path}: no such model directory",
            f"the last model is in {left}: writing its successor was cut off; rename it"
            if left
            else "give a model directory, or a run directory that holds model/",
        )
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise ValueError("too large")
        info = json.loads(file.read_text(encoding="utf-8"))
        version, kind = info["version"], info["kind"]
        _check_types(info)
    except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
        raise DataError(f"{file}: damaged: {error}", "fetch or train the model again") from None
    if version > VERSION:
        raise DataError(
            f"{file}: format {version}, written by speechrnn {info.get('speechrnn', '?')}; this release reads up to {VERSION}",
            f"pip install 'speechrnn>={info.get('speechrnn', '')}'",
        )
    if kind not in KINDS:
        raise DataError(f"{file}: a model of kind {kind!r}", f"this release knows {', '.join(KINDS)}")
    return dict(info)


def _check_types(info: Mapping[str, Any]) -> None:
    """Refuse by ``ValueError`` what would surprise whoever uses the description later."""
    for name, expected in _TYPES.items():
        if name in info and (not isinstance(info[name], expected) or isinstance(info[name], bool)):
            raise ValueError(f"{name} has the wrong type, {type(info[name]).__name__}")
    for name in ("title", "name", "licence"):
        if not isinstance(info.get("data", {}).get(name, ""), str):
            raise ValueError(f"data.{name} is no text")
    if info["version"] < 1 or not all(isinstance(checksum, str) for checksum in info["sha256"].values()):
        raise ValueError("impossible version or checksums")


def read_model(path: Path) -> ModelFiles:
    """Read and verify a model directory.

    Raises:
        DataError: as :func:`read_info`; a file missing, truncated, exchanged or of another format.
    """
    info = read_info(path)
    for name, expected in info["sha256"].items():
        file = path / name
        if Path(name).name != name and not _is_part(name):
            raise DataError(f"{path / INFO}: lists the file {name!r} outside the model", "do not use this model")
        if not file.is_file():
            raise DataError(f"{file}: missing", "fetch or train the model again")
        if sha256(file) != expected:
            raise DataError(
                f"{file}: its checksum is not the one in {INFO}: truncated, exchanged or edited", "fetch or train the model again"
            )
    if WEIGHTS not in info["sha256"]:
        raise DataError(f"{path / INFO}: lists no {WEIGHTS}", "fetch or train the model again")
    return ModelFiles(path, info, read_weights(path / WEIGHTS))


def _is_part(name: str) -> bool:
    """Whether a file is the ``model.json`` of a model inside the model."""
    folder, _, file = name.rpartition("/")
    return file == INFO and Path(folder).name == folder and folder not in ("", ".", "..")


def read_weights(file: Path) -> dict[str, np.ndarray]:
    """Arrays of a safetensors file; anything else, a renamed pickle above all, is refused unopened."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(file))
    except (SafetensorError, ValueError, OSError) as error:
        raise DataError(
            f"{file}: no safetensors file ({error})", "fetch or train the model again; other formats are never opened"
        ) from None
