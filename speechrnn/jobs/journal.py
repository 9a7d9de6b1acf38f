"""The journal of a folder of transcripts: an interrupted call, made again, goes on where it stopped.

It lies in the output folder while the work lasts: what was asked for, which files the call writes, and a line for each
recording that is done. Results are written whole before their line is, so a process killed at any moment loses at most the
line, and its recording is done anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from speechrnn.atomic import left_over
from speechrnn.errors import DataError, UsageError

NAME = ".speechrnn-transcribe.jsonl"


class Journal:
    """What is done of a call.

    Args:
        folder: the output folder.

    Raises:
        DataError: a journal that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._lines = self._read()
        self.planned = frozenset(name for line in self._lines for name in line.get("planned", ()))
        """Files, from the output folder, that an interrupted call was to write: they may be replaced."""
        self._done = {line["done"]: line["input"] for line in self._lines if "done" in line}

    def _read(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")[:-1]:
            try:
                found.append(dict(json.loads(line)))
            except (ValueError, TypeError):
                raise DataError(f"{self.path}: damaged", "remove it, and give --overwrite to begin anew") from None
        return found

    def is_done(self, recording: Path, outputs: Sequence[Path]) -> bool:
        """Whether a recording was transcribed before, has not changed since, and all its files are there."""
        if str(recording.absolute()) not in self._done or not recording.exists():
            # Of a recording that is gone whoever reads it says so.
            return False
        return self._done[str(recording.absolute())] == _state(recording) and all(path.exists() for path in outputs)

    def begin(self, call: Mapping[str, str | None], planned: Sequence[str], *, anew: bool = False) -> None:
        """Begin, or go on with what an interrupted call has left.

        Args:
            call: all that shapes the results, in plain values: model, decoding, formats, channels.
            planned: files, from the output folder, that it writes.
            anew: results of another call may be replaced.

        Raises:
            UsageError: an interrupted call was another one.
        """
        before = self._lines[0].get("call", {}) if self._lines else dict(call)
        other = sorted(key for key in {*before, *call} if before.get(key) != call.get(key))
        if other and not anew:
            said = "; ".join(f"{key} {before.get(key)}, now {call.get(key)}" for key in other)
            raise UsageError(
                f"{self.path.parent}: holds results of an interrupted call with {said}",
                "make the same call to go on, choose another folder, or begin anew with --overwrite",
            )
        if other or not self._lines:
            self._done = {}
            self.path.write_text("", encoding="utf-8")
            self._append({"version": 1, "call": dict(call)})
        else:
            # A line that a kill cut short has no line feed.
            content = self.path.read_bytes()
            self.path.write_bytes(content[: content.rfind(b"\n") + 1])
        self._append({"planned": sorted(planned)})

    def done(self, recording: Path) -> None:
        """A recording's files are written."""
        self._append({"done": str(recording.absolute()), "input": _state(recording)})

    def finish(self) -> None:
        """All is done: the journal goes, and with it what a killed process has left half-written under temporary names."""
        for folder in {(self.path.parent / name).parent for name in self.planned}:
            for path in left_over(folder):
                path.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def _append(self, entry: Mapping[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
            stream.write(json.dumps(entry) + "\n")


def _state(recording: Path) -> list[int]:
    """What changes with a file: its size, and when it was written."""
    found = recording.stat()
    return [found.st_size, found.st_mtime_ns]
