"""Speech recognized while it is spoken: samples in chunks of any size, words as soon as they are certain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from speechrnn.audio import Resampler
from speechrnn.decoding.decoder import Decoder, GreedyDecoder, Reading
from speechrnn.decoding.neural import GreedyTransducer
from speechrnn.decoding.stepwise import TransducerDecoder
from speechrnn.errors import Unsupported, UsageError
from speechrnn.inference.assemble import assemble
from speechrnn.inference.network import Network, NetworkStream
from speechrnn.inference.pieces import Piece
from speechrnn.inference.sound import check_samples
from speechrnn.records import Transcript
from speechrnn.text.tokenizer import SPACE, Tokenizer


@dataclass(frozen=True, slots=True)
class Partial:
    """What is heard so far.

    Attributes:
        final: words (of a model without words: tokens) that cannot change any more.
        open: what follows them, as it looks now.
    """

    final: str
    open: str

    @property
    def text(self) -> str:
        """Both."""
        return f"{self.final} {self.open}".strip() if self.final and self.open else self.final or self.open


class Stream:
    """A recording that is still going on; made by ``recognizer.stream()``.

    Args:
        network: unidirectional.
        decoder: of the recognizer; greedy decoding is certain of a word when it has ended, a beam search at the next cut into
            pieces, after half a minute to a minute.
        tokenizer: of the model.
        rate: Hz of the samples that come.
        model: its id, for the transcript.

    Raises:
        Unsupported: the model is bidirectional, attends to whole utterances, or normalizes by the whole recording or speaker.
    """

    def __init__(
        self,
        network: Network,
        decoder: Decoder,
        tokenizer: Tokenizer,
        rate: int,
        model: str = "",
    ) -> None:
        if network.attends:
            raise Unsupported(
                "a decoder with attention needs the whole utterance and cannot stream",
                "train a transducer (head=transducer) or CTC, or transcribe the recording when it is there",
            )
        self._owner, self._network = network, NetworkStream(network)
        self._decoder, self._tokenizer = decoder, tokenizer
        self._resampler = Resampler(rate, network.sampling_rate)
        self._cutter = network.cutter()
        self._written = self._begin()
        """What a transducer has written of the open piece."""
        self._rate, self._model = network.sampling_rate, model
        self.frames_needed = network.factor
        """Front-end frames an output frame waits for."""
        self.latency = network.latency_samples / network.sampling_rate
        """Seconds from the start of an output frame to the end of the samples it needs; computing comes on top."""
        self._readings: list[tuple[int, Reading]] = []
        self._num_samples = 0
        self._ended = False

    def feed(self, samples: np.ndarray) -> None:
        """Hear the next samples (S,), floats in [-1, 1); S may be anything.

        Raises:
            UsageError: no samples, or the stream has ended.
        """
        if self._ended:
            raise UsageError("the stream has ended", "begin another one: recognizer.stream()")
        self._hear(self._resampler.feed(check_samples(samples)))

    def finish(self) -> Transcript:
        """The recording is over: its transcript, as of the whole."""
        if not self._ended:
            self._hear(self._resampler.finish())
            self._take(self._network.finish())
            for piece in self._cutter.finish():
                self._decode(piece)
            self._ended = True
        blank = Transcript("", "", self._num_samples / self._rate, model=self._model, unit=self._tokenizer.unit)
        return assemble(blank, self._readings, self._tokenizer, self._owner.frame_shift, self._owner.origin)

    def partial(self) -> Partial:
        """What is heard so far; a beam search decodes the open piece for it."""
        final = [reading.text for _, reading in self._readings if reading.text]
        log_probs = self._cutter.open
        if self._ended or not len(log_probs):
            return Partial(" ".join(final), "")
        if isinstance(self._decoder, TransducerDecoder) and self._written is not None:
            reading = self._decoder.read(self._written.paths()[0])
        else:
            reading = self._decoder(log_probs)
            if not isinstance(self._decoder, GreedyDecoder):
                return Partial(" ".join(final), reading.text)
        ids = reading.path.ids
        certain = self._certain(reading, len(log_probs))
        parts = [self._tokenizer.decode(part.tolist()) for part in (ids[:certain], ids[certain:])]
        return Partial(" ".join([*final, *filter(None, parts[:1])]), parts[1])

    def _certain(self, reading: Reading, n_frames: int) -> int:
        """How many symbols of a greedy reading of the open piece are final.

        A symbol is, when another one or a blank has come after it; in a model with words a word is, when its boundary is.
        """
        ended = int(np.sum(reading.path.ends < n_frames))
        if SPACE not in self._tokenizer.tokens:
            return ended
        boundaries = np.flatnonzero(reading.path.ids[:ended] == self._tokenizer.tokens.index(SPACE))
        return int(boundaries[-1]) + 1 if len(boundaries) else 0

    def _hear(self, samples: np.ndarray) -> None:
        self._num_samples += len(samples)
        self._take(self._network.feed(samples))

    def _take(self, log_probs: np.ndarray) -> None:
        before = self._cutter.start
        for piece in self._cutter.feed(log_probs):
            self._decode(piece)
        if self._cutter.start != before:
            self._written, log_probs = self._begin(), self._cutter.open
        if self._written is not None:
            self._written.feed([log_probs])

    def _begin(self) -> GreedyTransducer | None:
        """Greedy decoding that goes on frame by frame, by a decoder that depends on what it has written."""
        return self._decoder.begin() if isinstance(self._decoder, TransducerDecoder) and self._decoder.is_greedy else None

    def _decode(self, piece: Piece) -> None:
        self._readings.append((piece.start, self._decoder(piece.log_probs)))
