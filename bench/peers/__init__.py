"""Other decoders, each in an environment of its own, driven over pipes: a line in asks for a round, a line of JSON comes out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGES = {
    "flashlight_text": ["flashlight-text==0.0.7", "numpy"],
    "pyctcdecode_beam": ["pyctcdecode==0.5.0", "kenlm", "numpy<2"],
}


class PeerMissing(Exception):
    """A peer cannot be installed here."""


class Peer:
    """A running peer.

    Args:
        name: of its script beside this file.
        task: what the script reads: files and settings.
    """

    def __init__(self, name: str, task: dict[str, Any]) -> None:
        python = _environment(name)
        self._process = subprocess.Popen(
            [str(python), str(HERE / f"{name}.py"), json.dumps(task)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def round(self) -> dict[str, Any]:
        """Decode everything once: ``seconds`` and, for each utterance, token ``ids`` or ``words``."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer ended with {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """End the peer."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def _environment(name: str) -> Path:
    """The interpreter of a peer's environment, made where it is missing."""
    folder = HERE.parent.parent / f".venv-{name}"
    python = folder / "bin/python"
    if not (folder / ".ready").exists():
        uv = Path(sys.executable).parent / "uv"
        try:
            subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
            subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *PACKAGES[name]], check=True)
        except subprocess.CalledProcessError as error:
            raise PeerMissing(f"{' '.join(PACKAGES[name])} could not be installed into an environment of its own") from error
        (folder / ".ready").touch()
    return python
