"""Which channels of a recording are transcribed: all mixed, one, or each by itself, as in calls with a side a channel."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from speechrnn.audio import Clip, info
from speechrnn.errors import DataError, UsageError
from speechrnn.transcripts.format import Format
from speechrnn.transcripts.registry import ALL, FORMATS

logger = logging.getLogger("speechrnn")
MIX, EACH = "mix", "each"


@dataclass
class Channels:
    """The choice of channels.

    Args:
        asked: ``mix``, ``each``, or the number of a channel, counted from 1.

    Raises:
        UsageError: none of these.
    """

    asked: str = MIX
    _said: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        number = int(self.asked) if self.asked.isascii() and self.asked.isdigit() else 0
        if self.asked not in (MIX, EACH) and not number:
            raise UsageError(f"--channel {self.asked} is not known", "give mix, each, or the number of a channel, counted from 1")
        self._index = number - 1

    def clips(self, path: Path, identity: str) -> list[Clip]:
        """What is transcribed of a recording; that channels are mixed is said once.

        Raises:
            DataError: it cannot be read, or has no such channel.
        """
        try:
            found = info(path).channels
        except DataError:
            if self.asked != MIX:
                raise
            # Whoever reads it says what is wrong.
            found = 1
        if self.asked == EACH:
            return [Clip(identity, path, channel=channel if found > 1 else None) for channel in range(found)]
        if self.asked == MIX:
            if found > 1 and not self._said:
                self._said = True
                logger.warning(
                    "%s: its %d channels are mixed (further ones are not named); --channel each transcribes them one by one",
                    identity,
                    found,
                )
            return [Clip(identity, path)]
        if self._index >= found:
            has = "one channel" if found == 1 else f"{found} channels"
            raise DataError(f"{identity}: no channel {self.asked}, the recording has {has}", "give another --channel, mix or each")
        return [Clip(identity, path, channel=self._index)]

    def formats(self, chosen: Sequence[Format], asked: str, *, printed: bool, into: bool) -> list[Format]:
        """The formats that can hold the choice; of ``all`` those that hold one channel only are left out.

        Args:
            chosen: formats.
            asked: as given.
            printed: lines on standard output can be of several channels.
            into: for :mod:`speechrnn.jobs.insertions`, which adds one transcript.

        Raises:
            UsageError: a format, or an insertion, holds one channel.
        """
        if self.asked != EACH:
            return list(chosen)
        if into:
            raise UsageError("--channel each adds several transcripts", "give --channel 1, then --channel 2 --into the result")
        fit = [form for form in chosen if form.write_all is not None or (printed and form.name in ("txt", "json"))]
        if len(fit) < len(chosen) and asked != ALL:
            names = ", ".join(form.name for form in chosen if form not in fit)
            several = ", ".join(name for name, form in FORMATS.items() if form.write_all is not None)
            raise UsageError(
                f"--channel each: a file of {names} holds one channel", f"choose {several}, or a call for each channel: --channel 1"
            )
        return fit
