"""A recurrent network that writes tokens, as a user holds it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from speechrnn.audio import Clip
from speechrnn.decoding.decoder import Decoder, Reading, make_decoder
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.stepwise import StepwiseDecoder
from speechrnn.decoding.tuned import tuned_decoder
from speechrnn.errors import DataError, Unsupported
from speechrnn.inference.alignment import align_sound
from speechrnn.inference.assemble import assemble
from speechrnn.inference.language import with_rescorer
from speechrnn.inference.listener import Listener
from speechrnn.inference.network import Network
from speechrnn.inference.sound import Sound, with_texts
from speechrnn.inference.stream import Stream
from speechrnn.inference.vad import Silero
from speechrnn.modeldir import WEIGHTS
from speechrnn.models.export import StoredAcoustic
from speechrnn.models.head import TokenOptions
from speechrnn.records import Alignment, Posteriors, Transcript
from speechrnn.text.normalize import normalize


class RnnRecognizer:
    """A recurrent network that writes tokens, by CTC, a transducer or a decoder with attention, in float32.

    An utterance's result does not depend on what else is in its batch. A recording longer than a window (24 s) is heard
    stretch by stretch between its pauses, by a unidirectional model from block to block, and decoded in pieces: memory does not
    grow with its length.

    Args:
        stored: what the model directory holds.
        path: of the model directory.
        device: where it computes.
        decoding, helpers, vad: see :func:`speechrnn.recognizer.load`.
    """

    def __init__(
        self,
        stored: StoredAcoustic,
        path: Path,
        device: torch.device,
        decoding: DecodingOptions | None = None,
        helpers: Helpers | None = None,
        *,
        vad: bool = False,
    ) -> None:
        self._info = stored.info
        self.id = stored.id
        self.tokenizer = stored.tokenizer
        self.text_options = stored.options.text
        head = stored.options.head
        self.text_source = head.text if isinstance(head, TokenOptions) else "text"
        self.sampling_rate = stored.options.sampling_rate
        checksum = stored.info["sha256"][WEIGHTS]
        self._device = device
        helpers = with_rescorer(helpers, self._device)
        self._network = Network(stored, self._device)
        self._decoder = tuned_decoder(path, checksum, self.tokenizer, self.text_options, decoding, helpers, self._network.steps)
        self.writes_words = self._decoder.writes_words
        self.decoded_words = self.changed_words = 0
        self._listener = Listener(self._network, Silero() if vad else None)

    @property
    def hears_speakers(self) -> bool:
        """Whether a recording is heard by how its speaker sounds in all that is given at once."""
        return self._network.normalization == "speaker"

    def info(self) -> dict[str, Any]:
        """The content of ``model.json``, and how it decodes."""
        return {**self._info, "id": self.id, "decoding": self._decoder.description}

    def posteriors(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Posteriors:
        """Log posteriors of one recording, (T, K).

        Raises:
            Unsupported: the model is a transducer or attends.
        """
        self._check_frames_alone("give posteriors")
        ((_, parts),) = self._listener.posteriors([self._listener.sound(audio, sample_rate)])
        return Posteriors(np.concatenate(list(parts)), self.tokenizer.tokens, self._network.frame_shift, self._network.origin)

    def transcribe(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Transcript:
        """Transcribe one recording: a path, a clip, or float samples of shape (S,) with their ``sample_rate`` (Hz).

        Raises:
            DataError: it cannot be read, or holds less than one analysis window of sound.
        """
        (transcript,) = self._transcribe([self._listener.sound(audio, sample_rate)])
        return transcript

    def transcribe_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[Transcript]:
        """Transcribe many, in the order given; some hundred at a time are sorted by length into batches.

        While one recording is decoded the next ones are, too, on all cores.
        """
        return self._transcribe(audio, on_error, progress, batch_size)

    def _transcribe(
        self,
        audio: Iterable[str | Path | Clip | Sound],
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[Transcript]:
        threads = os.cpu_count() or 1
        ahead: deque[tuple[Sound, list[tuple[int, Future[Reading]]]]] = deque()
        with ThreadPoolExecutor(threads) as pool:
            for sound, parts in self._listener.posteriors(audio, on_error, progress, batch_size):
                try:
                    ahead.append((sound, self._decode(parts, pool, 2 * threads)))
                except DataError as error:
                    # A long recording is read while it is decoded, so its damage is found here.
                    if on_error is None:
                        raise
                    on_error(sound.clip, error)
                if len(ahead) > 2 * threads:
                    yield self._transcript(*ahead.popleft())
            while ahead:
                yield self._transcript(*ahead.popleft())

    def decoder_for(self, options: DecodingOptions, helpers: Helpers | None) -> Decoder:
        """A decoder of what :meth:`heard_many` gives; a recurrent language model that rescores remembers its scores."""
        helpers = with_rescorer(helpers, self._device, remember=True)
        return make_decoder(self.tokenizer, self.text_options, options, helpers, steps=self._network.steps)

    def posteriors_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[tuple[Clip, np.ndarray, int]]:
        """Clips with their log posteriors (T, K) and samples, in the order given; raises as :meth:`posteriors`."""
        self._check_frames_alone("give posteriors")
        return self.heard_many(audio, on_error=on_error, progress=progress, batch_size=batch_size)

    def heard_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[tuple[Clip, np.ndarray, int]]:
        """Clips with what a decoder of :meth:`decoder_for` reads, and samples, in the order given."""
        for sound, parts in self._listener.posteriors(audio, on_error, progress, batch_size):
            try:
                log_probs = np.concatenate(list(parts))
            except DataError as error:
                if on_error is None:
                    raise
                on_error(sound.clip, error)
            else:
                yield sound.clip, log_probs, sound.num_samples

    def align(
        self, audio: str | Path | Clip | np.ndarray, text: str, *, sample_rate: int | None = None, states: bool = False
    ) -> Alignment:
        """Times of the words and tokens of a text that is spoken in a recording.

        Args:
            audio: a path, a clip, or float samples of shape (S,) with their ``sample_rate`` (Hz).
            text: what is said; normalized as the model's training texts.
            sample_rate: Hz.
            states: tokens where the network names them, blanks between, in place of their durations.

        Raises:
            DataError: the recording cannot be read; the text is empty, holds what the model cannot write, or is too long for it.
            Unsupported: the model is a transducer or attends.
        """
        self._check_frames_alone("align")
        (alignment,) = self._align([(self._listener.sound(audio, sample_rate), text)], states=states)
        return alignment

    def align_many(
        self,
        items: Iterable[tuple[str | Path | Clip, str]],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        states: bool = False,
    ) -> Iterator[Alignment]:
        """Align many recordings with their texts, in the order given; errors as in :meth:`transcribe_many`."""
        self._check_frames_alone("align")
        yield from self._align(with_texts(items, self._listener.sound, on_error), on_error, states=states)

    def _align(
        self,
        items: Sequence[tuple[Sound, str]],
        on_error: Callable[[Clip, DataError], None] | None = None,
        *,
        states: bool,
    ) -> Iterator[Alignment]:

        # Two clips may be equal; each sound is its own.
        texts = {id(sound): text for sound, text in items}
        for sound, parts in self._listener.posteriors((sound for sound, _ in items), on_error):
            text = normalize(texts[id(sound)], self.text_options)
            try:
                yield align_sound(self._network, sound, np.concatenate(list(parts)), text, self.tokenizer, states=states)
            except DataError as error:
                if on_error is None:
                    raise
                on_error(sound.clip, error)

    def _check_frames_alone(self, what: str) -> None:
        """Refuse what needs posteriors that do not depend on what was written before."""
        if isinstance(self._decoder, StepwiseDecoder):
            raise Unsupported(
                f"{self.id}, {self._decoder.name}, hears a token in the light of those it has written, so it cannot {what}",
                "give a model with head.kind ctc",
            )

    def stream(self, *, sample_rate: int | None = None) -> Stream:
        """Begin to recognize a recording that arrives in chunks, at ``sample_rate`` (Hz; by default the model's).

        Raises:
            Unsupported: the model is bidirectional, attends to whole utterances, or normalizes by utterance or speaker.
        """
        return Stream(self._network, self._decoder, self.tokenizer, sample_rate or self.sampling_rate, self.id)

    def _decode(self, parts: Iterable[np.ndarray], pool: ThreadPoolExecutor, most: int) -> list[tuple[int, Future[Reading]]]:
        """Begin to decode a recording's pieces, of which at most ``most`` wait; the first frame of each and its reading."""
        found: list[tuple[int, Future[Reading]]] = []
        for piece in self._network.cutter().cut(parts):
            found.append((piece.start, pool.submit(self._decoder, piece.log_probs)))
            if len(found) > most:
                found[-most][1].result()
        return found

    def _transcript(self, sound: Sound, decoded: list[tuple[int, Future[Reading]]]) -> Transcript:
        """A decoded recording with its times in seconds."""
        readings = [(start, future.result()) for start, future in decoded]
        self.decoded_words += sum(len(reading.text.split()) for _, reading in readings)
        self.changed_words += sum(reading.changed for _, reading in readings)
        seconds = sound.num_samples / self.sampling_rate
        blank = Transcript(sound.clip.id, "", seconds, channel=sound.clip.channel, model=self.id, unit=self.tokenizer.unit)
        return assemble(blank, readings, self.tokenizer, self._network.frame_shift, self._network.origin)
