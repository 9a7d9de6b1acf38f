"""Labels of frames, as a user holds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from speechrnn.audio import Clip
from speechrnn.errors import DataError
from speechrnn.inference.listener import Listener
from speechrnn.inference.network import Network
from speechrnn.models.framewise import FrameOptions
from speechrnn.records import Posteriors, Token, Transcript
from speechrnn.text.labels import SILENCE

if TYPE_CHECKING:
    import torch

    from speechrnn.inference.sound import Sound
    from speechrnn.models.export import StoredAcoustic


class FrameLabeler:
    """A recurrent network that names every frame, in float32.

    Its transcripts hold a token for each run of equal labels, but silence.

    Args:
        stored: what the model directory holds.
        device: where it computes.
    """

    writes_words = False

    def __init__(self, stored: StoredAcoustic, device: torch.device) -> None:
        assert isinstance(stored.options.head, FrameOptions)
        self._info, self.id = stored.info, stored.id
        self.tokenizer: Any = stored.vocabulary
        """The labels."""
        self.text_options, self.sampling_rate = stored.options.text, stored.options.sampling_rate
        self.level = stored.options.head.level
        """Of the alignments that it learned."""
        self.network = Network(stored, device)
        self.listener = Listener(self.network)

    @property
    def hears_speakers(self) -> bool:
        """Whether a recording is heard by how its speaker sounds in all that is given at once."""
        return self.network.normalization == "speaker"

    def info(self) -> dict[str, Any]:
        """The content of ``model.json``."""
        return {**self._info, "id": self.id}

    def posteriors(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Posteriors:
        """Log posteriors (T, K) of labels in each frame."""
        ((_, parts),) = self.listener.posteriors([self.listener.sound(audio, sample_rate)])
        return Posteriors(np.concatenate(list(parts)), self.tokenizer.tokens, self.network.frame_shift, self.network.offset)

    def posteriors_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[tuple[Clip, np.ndarray, int]]:
        """Clips with their log posteriors (T, K) and samples, in the order given."""
        for sound, log_probs in self.heard(audio, on_error, progress, batch_size):
            yield sound.clip, log_probs, sound.num_samples

    def transcribe(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Transcript:
        """Label one recording: a path, a clip, or float samples of shape (S,) with their ``sample_rate`` (Hz).

        Raises:
            DataError: it cannot be read, or holds less than one analysis window of sound.
        """
        ((sound, log_probs),) = self.heard([self.listener.sound(audio, sample_rate)])
        return self._transcript(sound, log_probs)

    def transcribe_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[Transcript]:
        """Label many, in the order given."""
        for sound, log_probs in self.heard(audio, on_error, progress, batch_size):
            yield self._transcript(sound, log_probs)

    def heard(
        self,
        audio: Iterable[str | Path | Clip | Sound],
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[tuple[Sound, np.ndarray]]:
        """Recordings with their log posteriors (T, K)."""
        for sound, parts in self.listener.posteriors(audio, on_error, progress, batch_size):
            try:
                yield sound, np.concatenate(list(parts))
            except DataError as error:
                # A long recording is read while it is heard.
                if on_error is None:
                    raise
                on_error(sound.clip, error)

    def _transcript(self, sound: Sound, log_probs: np.ndarray) -> Transcript:
        seconds = sound.num_samples / self.sampling_rate
        best = log_probs.argmax(1)
        changes = np.flatnonzero(np.append(True, best[1:] != best[:-1])).tolist()

        def at(frame: int) -> float:
            """The first and the last frame reach to the ends of the recording."""
            inner = self.network.offset + frame * self.network.frame_shift
            return 0.0 if not frame else seconds if frame == len(best) else min(round(inner, 4), seconds)

        tokens = []
        for first, last in zip(changes, [*changes[1:], len(best)], strict=True):
            sure = float(np.exp(log_probs[first:last, best[first]]).mean())
            tokens.append(Token(self.tokenizer.tokens[best[first]], at(first), at(last), round(sure, 4)))
        said = tuple(token for token in tokens if token.text != SILENCE)
        blank = Transcript(sound.clip.id, "", seconds, channel=sound.clip.channel, model=self.id, unit=self.tokenizer.unit)
        return dataclasses.replace(blank, text=" ".join(token.text for token in said), tokens=said)
