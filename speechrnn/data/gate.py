"""The one gate: a line of a Lhotse manifest becomes an utterance, or an error that names what is refused.

Lhotse itself would run a recording of ``type: command`` through a shell and fetch a ``url``. Here a manifest is data:
only recordings that are files pass, everything else is refused by its name, and reading needs no Lhotse at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from speechrnn.data.utterance import AlignedItem, Utterance
from speechrnn.errors import DataError

_LARGEST = 2**53
"""No count of samples is larger; beyond it floats skip whole numbers."""
_LONGEST_S = 1e7
"""No recording is longer (s)."""
_DEEPEST = 20
"""Levels of nesting in custom fields."""


def parse_cut(line: bytes, folder: Path, where: str) -> Utterance:
    """One line of a manifest, at ``where`` (file and line), with relative paths starting at ``folder``.

    Raises:
        DataError: whatever is wrong with it.
    """
    return _utterance(_parse(line, where), folder, where)


def _parse(line: bytes, where: str) -> dict[str, Any]:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not a value")

    try:
        value = json.loads(line.decode("utf-8-sig"), parse_constant=refuse)
    except RecursionError:
        raise DataError(f"{where}: nested too deeply", "not a manifest of utterances") from None
    except ValueError as error:
        raise DataError(f"{where}: not JSON: {error}", "a manifest holds one Lhotse cut as JSON in each line") from None
    if not isinstance(value, dict):
        raise DataError(f"{where}: not a JSON object", "a manifest holds one Lhotse cut as JSON in each line")
    return value


class _Fields:
    """Typed access to the fields of one JSON object; every fault names the line."""

    def __init__(self, values: Mapping[str, Any], where: str, what: str) -> None:
        self.values, self.where, self.what = values, where, what

    def fail(self, message: str, remedy: str = "correct the manifest, or prepare the data anew") -> NoReturn:
        raise DataError(f"{self.where}: {self.what}: {message}", remedy)

    def text(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            self.fail(f"{name} is {'missing' if value is None else f'{value!r}, not a text'}")
        if any("\ud800" <= character <= "\udfff" for character in value):
            self.fail(f"{name} is {value!r}, which is not Unicode text")
        return value

    def whole(self, name: str) -> int:
        value = self.values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LARGEST:
            self.fail(f"{name} is {_short(value)}, not a whole number above 0")
        return value

    def seconds(self, name: str, default: float | None = None) -> float:
        value = self.values.get(name, default)
        if not _is_time(value):
            self.fail(f"{name} is {_short(value)}, not a time in seconds")
        return float(value)

    def inner(self, name: str) -> Mapping[str, Any]:
        value = self.values.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fail(f"{name} is not an object")
        return value


def _utterance(cut: Mapping[str, Any], folder: Path, where: str) -> Utterance:
    identity = cut.get("id")
    fields = _Fields(cut, where, f"cut {identity!r}" if isinstance(identity, str) else "cut")
    kind = fields.text("type", "missing")
    if kind not in ("MonoCut", "MultiCut", "Cut"):
        fields.fail(
            f"its type is {kind!r}, which is not read", "save cuts of single recordings (MonoCut), after mixing or padding is done"
        )
    if cut.get("features") is not None:
        fields.fail("it carries stored features, which are not read", "drop them: cuts.drop_features()")
    identity = fields.text("id")
    if not identity or any(character in identity for character in "\0\n\r"):
        fields.fail(f"its id is {identity!r}")
    recording = _Fields(fields.inner("recording"), where, f"recording of cut {identity!r}")
    if not recording.values:
        fields.fail("it has no recording", "save the cuts with their recordings")
    audio = _audio(recording, folder)
    rate = recording.whole("sampling_rate")
    total = recording.whole("num_samples")
    offset = round(fields.seconds("start") * rate)
    length = round(fields.seconds("duration") * rate)
    if length < 1:
        fields.fail("it is shorter than one sample")
    if offset + length > total + 1:
        fields.fail(f"it ends at sample {offset + length}, its recording at {total}")
    channel, channels = _channel(fields, recording)
    spoken = _supervision(fields)
    custom = {**fields.inner("custom"), **spoken.inner("custom")}
    _check_plain(custom, fields)
    return Utterance(
        id=identity,
        audio=audio,
        sampling_rate=rate,
        offset=offset,
        num_samples=min(length, total - offset),
        channel=channel,
        text=spoken.text("text"),
        speaker=spoken.text("speaker", ""),
        language=spoken.text("language", ""),
        alignment=_alignment(spoken),
        custom=custom,
        channels=channels,
        recording_samples=None if offset + length >= total else total,
    )


def _audio(recording: _Fields, folder: Path) -> Path:
    if recording.values.get("transforms"):
        recording.fail(
            "it is to be transformed while loading (speed, volume, rate), which is not done",
            "save the transformed audio, or drop it",
        )
    sources = recording.values.get("sources")
    if not isinstance(sources, list) or len(sources) != 1 or not isinstance(sources[0], dict):
        recording.fail("it does not have exactly one source", "one file for each recording")
    source = _Fields(sources[0], recording.where, recording.what)
    kind = source.text("type", "missing")
    if kind != "file":
        source.fail(
            f"its source is of type {kind!r}; only files are read, nothing is executed or fetched",
            "save the audio as a file and name it",
        )
    name = source.text("source")
    if not name or "\0" in name:
        source.fail(f"its path is {name!r}")
    return Path(os.path.normpath(folder / name))


def _channel(cut: _Fields, recording: _Fields) -> tuple[int | None, int]:
    """The channel (``None``: all mixed, or the only one) and how many the recording has."""
    channels = recording.values.get("channel_ids") or recording.values["sources"][0].get("channels") or [0]
    channel = cut.values.get("channel", 0)
    if not isinstance(channels, list) or (channel not in channels and channel != channels):
        cut.fail(f"its channel is {channel!r}, its recording has {channels!r}", "a cut is one channel, or all of them mixed")
    return None if len(channels) == 1 or channel == channels else channels.index(channel), len(channels)


def _supervision(cut: _Fields) -> _Fields:
    supervisions = cut.values.get("supervisions") or []
    if not isinstance(supervisions, list) or len(supervisions) != 1 or not isinstance(supervisions[0], dict):
        count = len(supervisions) if isinstance(supervisions, list) else "no list of"
        cut.fail(f"it has {count} supervisions, not one", "cut it at its supervisions: cuts.trim_to_supervisions()")
    return _Fields(supervisions[0], cut.where, cut.what)


def _alignment(spoken: _Fields) -> dict[str, tuple[AlignedItem, ...]]:
    levels: dict[str, tuple[AlignedItem, ...]] = {}
    for level, items in spoken.inner("alignment").items():
        if not isinstance(items, list) or not all(isinstance(item, list) and len(item) == 4 for item in items):
            spoken.fail(f"its {level} alignment is not a list of [symbol, start, duration, score]")
        for symbol, start, duration, score in items:
            if (
                not isinstance(symbol, str)
                or not _is_time(start)
                or not _is_time(duration)
                or not (score is None or _is_number(score))
            ):
                spoken.fail(f"its {level} alignment holds {_short([symbol, start, duration, score])}")
        levels[level] = tuple(AlignedItem(symbol, float(a), float(b), score) for symbol, a, b, score in items)
    return levels


def _check_plain(custom: Any, cut: _Fields, depth: int = 0) -> None:
    """Custom fields are plain values: arrays, features and recordings that Lhotse would load are refused."""
    if depth > _DEEPEST:
        cut.fail("a custom field is nested too deeply", "store plain values")
    if isinstance(custom, dict):
        if {"storage_type", "storage_path", "sources", "array"} & custom.keys():
            cut.fail(
                "a custom field holds a stored array, features or a recording, which are not read",
                "drop it, or store a plain value",
            )
        custom = list(custom.values())
    if isinstance(custom, list):
        for value in custom:
            _check_plain(value, cut, depth + 1)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _is_time(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= _LONGEST_S


def _short(value: Any) -> str:
    """The value as written, at most a line of it."""
    try:
        text = repr(value)
    except ValueError:  # a number of thousands of digits
        return "a huge number"
    return text if len(text) <= 80 else f"{text[:80]}…"
