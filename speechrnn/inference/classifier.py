"""One statement about a whole recording: its class, or a number."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from speechrnn.audio import Clip
from speechrnn.errors import DataError, Unsupported
from speechrnn.inference.listener import Listener
from speechrnn.inference.network import Network
from speechrnn.records import Classification, Token, Transcript

if TYPE_CHECKING:
    import torch

    from speechrnn.inference.sound import Sound
    from speechrnn.models.export import StoredAcoustic

MOST_S = 600.0
"""Longest recording (s): it goes through the network in one piece."""
ALTERNATIVES = 5
"""Classes that a transcript names beside the most probable one, at most."""


class NetworkClassifier:
    """A recurrent network that says one thing of a recording, in float32; batches do not change what it says.

    Args:
        stored: what the model directory holds.
        device: where it computes.
    """

    writes_words = False

    def __init__(self, stored: StoredAcoustic, device: torch.device) -> None:
        self._info = stored.info
        self.id = stored.id
        self.tokenizer: Any = stored.vocabulary
        """The classes."""
        self.text_options = stored.options.text
        self.sampling_rate = stored.options.sampling_rate
        self.label: str = getattr(stored.options.head, "label", "") or getattr(stored.options.head, "value", "")
        """Where the manifests it was trained on have their labels."""
        self._network = Network(stored, device)
        # Nothing is cut to windows: what is said is said of the whole.
        whole = self._network.frames(round(MOST_S * self.sampling_rate)) + 1
        self._network.windows = dataclasses.replace(self._network.windows, size=whole)
        self._listener = Listener(self._network)

    def info(self) -> dict[str, Any]:
        """The content of ``model.json``."""
        return {**self._info, "id": self.id}

    def classify(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Classification:
        """The classes of a recording with their probabilities.

        Args:
            audio: a path, a clip, or float samples of shape (S,) with their ``sample_rate`` (Hz).
            sample_rate: Hz.

        Raises:
            DataError: it cannot be read, is too short, or longer than ten minutes.
            Unsupported: the model gives a number.
        """
        if self.tokenizer.unit != "classes":
            raise Unsupported(f"{self.id} gives a number, not a class", "use transcribe")
        ((_, row),) = self._heard([self._listener.sound(audio, sample_rate)])
        order = np.argsort(-row, kind="stable")
        return Classification(tuple(self.tokenizer.tokens[i] for i in order), tuple(float(np.exp(row[i])) for i in order))

    def transcribe(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Transcript:
        """The most probable class, or the number, as a transcript of one token; raises as :meth:`classify`."""
        ((sound, row),) = self._heard([self._listener.sound(audio, sample_rate)])
        return self._transcript(sound, row)

    def transcribe_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[Transcript]:
        """The same of many, in the order given."""
        for sound, row in self._heard(audio, on_error, progress, batch_size):
            yield self._transcript(sound, row)

    def _heard(
        self,
        audio: Iterable[str | Path | Clip | Sound],
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[tuple[Sound, np.ndarray]]:
        """Recordings with what the network says of each, (K,)."""
        for sound, parts in self._listener.posteriors(self._short(audio, on_error, progress), on_error, progress, batch_size):
            yield sound, next(iter(parts))[0]

    def _short(
        self,
        audio: Iterable[str | Path | Clip | Sound],
        on_error: Callable[[Clip, DataError], None] | None,
        progress: Callable[[int], None] | None,
    ) -> Iterator[Sound]:
        """Recordings that are not too long."""
        for item in audio:
            try:
                sound = self._listener.sound(item)
                seconds = sound.num_samples / self.sampling_rate
                if seconds > MOST_S:
                    raise DataError(
                        f"{sound.clip.id}: {seconds:.0f} s long, and a recording is classified as a whole",
                        f"cut it into stretches of at most {MOST_S:.0f} s",
                    )
            except DataError as error:
                if on_error is None:
                    raise
                on_error(item if isinstance(item, Clip) else Clip(str(item), Path(str(item))), error)
                if progress:
                    progress(1)
            else:
                yield sound

    def _transcript(self, sound: Sound, row: np.ndarray) -> Transcript:
        seconds = sound.num_samples / self.sampling_rate
        blank = Transcript(sound.clip.id, "", seconds, channel=sound.clip.channel, model=self.id, unit=self.tokenizer.unit)
        if self.tokenizer.unit == "value":
            text = f"{float(row[0]):.9g}"
            return dataclasses.replace(blank, text=text, tokens=(Token(text, 0.0, seconds, 1.0),))
        best, *others = np.argsort(-row, kind="stable")[: ALTERNATIVES + 1]
        names = self.tokenizer.tokens
        token = Token(names[best], 0.0, seconds, round(float(np.exp(row[best])), 4))
        return dataclasses.replace(blank, text=names[best], tokens=(token,), alternatives=tuple(names[i] for i in others))
