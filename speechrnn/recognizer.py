"""A trained model as a user holds it: ``load`` and the small protocols every kind of model fulfils."""

from __future__ import annotations

import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from speechrnn.audio import Clip
from speechrnn.errors import DataError, Unsupported, UsageError
from speechrnn.records import Posteriors, Segment, Transcript

if TYPE_CHECKING:
    import numpy as np
    import torch

    from speechrnn.decoding.decoder import Helpers, Reading
    from speechrnn.decoding.options import DecodingOptions
    from speechrnn.text.normalize import TextOptions
    from speechrnn.text.tokenizer import Tokenizer

logger = logging.getLogger("speechrnn")

WINDOW = 256
"""Most recordings read ahead and sorted by length."""
WINDOW_S = 1800
"""Most seconds of them."""
MAX_BATCH_S = 240
"""Most seconds, padding counted in, that go through the network at once."""


@runtime_checkable
class Recognizer(Protocol):
    """What ``transcribe`` and ``evaluate`` need of a model, whatever its kind."""

    tokenizer: Tokenizer
    """Reference text -> tokens; its ``unit`` (chars, letters, phones) says which rates make sense."""
    text_options: TextOptions
    """Normalization of references, stored with the model."""
    sampling_rate: int
    """Hz; other rates are resampled on the way in."""
    writes_words: bool
    """Whether its transcripts have words, so that word errors can be counted."""

    def transcribe(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Transcript:
        """Transcribe one recording: a path, a clip of one, or float32 samples of shape (S,) with their ``sample_rate`` (Hz)."""

    def transcribe_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Transcript]:
        """Transcribe many, in the order given (batched by length inside).

        A recording that cannot be read raises, or, with ``on_error``, is handed to it and left out.
        ``progress`` is told how many recordings are newly done.
        """

    def info(self) -> dict[str, Any]:
        """The content of ``model.json``: kind, version, sizes, measures, data licence, checksum."""


@runtime_checkable
class PosteriorSource(Protocol):
    """A model that gives frame posteriors."""

    def posteriors(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Posteriors:
        """Log posteriors, shape (T, K)."""


def load(path: str | Path, device: str = "auto", decoding: DecodingOptions | None = None, helpers: Helpers | None = None) -> Any:
    """Open a model directory.

    Args:
        path: a model directory, or a run directory that holds ``model/``.
        device: ``cpu``, ``cuda``, ``mps``, or ``auto``: a GPU where there is one.
        decoding: how posteriors become tokens; greedy by default.
        helpers: a language model, a lexicon, hotwords: they call for a beam search.

    Raises:
        DataError: the directory is missing, damaged or was made by a newer release; a helper that does not fit the model.
        UsageError: no such device; helpers that do not fit each other.
    """
    from speechrnn.modeldir import read_info

    path = Path(path)
    if not (path / "model.json").exists() and (path / "model").is_dir():
        path = path / "model"
    kind = read_info(path)["kind"]
    if kind != "rnn":
        raise Unsupported(f"{path}: a model of kind {kind}, which this release cannot run", "give a model of kind rnn")
    return RnnRecognizer(path, device, decoding, helpers)


class RnnRecognizer:
    """A recurrent network with CTC, in float32.

    An utterance's result does not depend on what else is in its batch.

    Args:
        path: a model directory of kind rnn.
        device, decoding, helpers: see :func:`load`.
    """

    def __init__(
        self, path: Path, device: str = "auto", decoding: DecodingOptions | None = None, helpers: Helpers | None = None
    ) -> None:
        from speechrnn.decoding.decoder import make_decoder
        from speechrnn.decoding.options import DecodingOptions
        from speechrnn.models.export import read_acoustic

        stored = read_acoustic(path)
        self._info = stored.info
        self.id = stored.id
        self.tokenizer = stored.tokenizer
        self.text_options = stored.options.text
        self.sampling_rate = stored.options.sampling_rate
        self._decoder = make_decoder(self.tokenizer, self.text_options, decoding or DecodingOptions(), helpers)
        self.writes_words = self._decoder.writes_words
        self.decoded_words = self.changed_words = 0
        self._device = pick_device(device)
        self._network = stored.network().to(self._device)
        self._by_speaker = stored.options.features.normalization.mode == "speaker"
        grid = self._network.frontend.grid
        self._window = grid.size
        self._frame_shift = self._network.frame_shift
        # A frame speaks for the hop around its window's middle.
        self._offset = (grid.size - grid.hop) / 2 / self.sampling_rate

    def info(self) -> dict[str, Any]:
        """The content of ``model.json``, and how it decodes."""
        return {**self._info, "id": self.id, "decoding": self._decoder.description}

    def posteriors(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Posteriors:
        """Log posteriors of one recording, (T, K)."""
        samples = self._samples(audio, sample_rate)
        return self._wrap(self._run([samples], None)[0])

    def transcribe(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Transcript:
        """Transcribe one recording: a path, a clip, or float samples of shape (S,) with their ``sample_rate`` (Hz)."""
        samples = self._samples(audio, sample_rate)
        name = str(audio) if isinstance(audio, str | Path) else audio.id if isinstance(audio, Clip) else ""
        channel = audio.channel if isinstance(audio, Clip) else None
        log_probs = self._run([samples], None)[0]
        return self._transcript(name, channel, len(samples), self._decoder(log_probs))

    def transcribe_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[Transcript]:
        """Transcribe many, in the order given; ``WINDOW`` recordings at a time are sorted by length into batches.

        While one recording is decoded the next ones are, too, on all cores.
        """
        threads = os.cpu_count() or 1
        ahead: deque[tuple[Clip, int, Future[Reading]]] = deque()
        with ThreadPoolExecutor(threads) as pool:
            for clip, log_probs, n_samples in self.posteriors_many(
                audio, on_error=on_error, progress=progress, batch_size=batch_size
            ):
                ahead.append((clip, n_samples, pool.submit(self._decoder, log_probs)))
                if len(ahead) > 2 * threads:
                    yield self._finished(*ahead.popleft())
            while ahead:
                yield self._finished(*ahead.popleft())

    def _finished(self, clip: Clip, n_samples: int, reading: Future[Reading]) -> Transcript:
        return self._transcript(clip.id, clip.channel, n_samples, reading.result())

    def posteriors_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[tuple[Clip, np.ndarray, int]]:
        """Clips with their log posteriors (T, K) and samples, in the order given."""
        clips = [item if isinstance(item, Clip) else Clip(str(item), Path(item)) for item in audio]
        speakers = self._speaker_moments(clips) if self._by_speaker else {}
        waiting = deque(clips)
        while waiting:
            loaded: list[tuple[Clip, np.ndarray]] = []
            while waiting and len(loaded) < WINDOW and sum(len(samples) for _, samples in loaded) < WINDOW_S * self.sampling_rate:
                clip = waiting.popleft()
                try:
                    loaded.append((clip, self._samples(clip, None)))
                except DataError as error:
                    if on_error is None:
                        raise
                    on_error(clip, error)
                    if progress:
                        progress(1)
            order = sorted(range(len(loaded)), key=lambda i: -len(loaded[i][1]))
            results: dict[int, np.ndarray] = {}
            for batch in _batches(order, [len(samples) for _, samples in loaded], batch_size, MAX_BATCH_S * self.sampling_rate):
                speaker = [speakers.get(loaded[i][0].voice) for i in batch] if self._by_speaker else None
                found = self._run([loaded[i][1] for i in batch], speaker)
                results.update(zip(batch, found, strict=True))
                if progress:
                    progress(len(batch))
            for i, (clip, samples) in enumerate(loaded):
                yield clip, results[i], len(samples)

    def _samples(self, audio: str | Path | Clip | np.ndarray, sample_rate: int | None) -> np.ndarray:
        """Samples at the model's rate, float32 (S,)."""
        import numpy as np

        from speechrnn import audio as sound

        if isinstance(audio, np.ndarray):
            if sample_rate is None:
                raise UsageError("samples without sample_rate", "give sample_rate=, in Hz")
            if audio.ndim != 1 or not np.issubdtype(audio.dtype, np.floating) or not np.isfinite(audio).all():
                raise UsageError(
                    f"samples of shape {audio.shape} and type {audio.dtype}, or not finite",
                    "give finite floats in [-1, 1) of shape (S,), one channel",
                )
            return sound.resample(audio.astype(np.float32), sample_rate, self.sampling_rate)
        return sound.read_clip(audio if isinstance(audio, Clip) else Clip(str(audio), Path(audio)), self.sampling_rate)

    def _speaker_moments(self, clips: list[Clip]) -> dict[str, np.ndarray]:
        """Mean and deviation (2, F) by voice, of all clips that have a frame; a clip without a label is a voice of its own."""
        import torch

        from speechrnn.features.normalization import Statistics

        found: dict[str, Statistics] = {}
        for clip in clips:
            with contextlib.suppress(DataError):
                samples = torch.from_numpy(self._samples(clip, None)).to(self._device)
                frames, _ = self._network.frontend(samples[None], torch.tensor([len(samples)], device=self._device))
                if frames.shape[1]:
                    found.setdefault(clip.voice, Statistics()).add(frames[0].cpu().numpy())
        return {speaker: statistics.moments() for speaker, statistics in found.items()}

    def _run(self, batch: list[np.ndarray], speaker: list[np.ndarray | None] | None) -> list[np.ndarray]:
        """Log posteriors (T, K) of each; T is 0 where there is less than one analysis window of sound."""
        import numpy as np

        nothing = np.zeros((0, len(self.tokenizer)), np.float32)
        heard = [i for i, samples in enumerate(batch) if len(samples) >= self._window]
        moments = None if speaker is None else [found for i in heard if (found := speaker[i]) is not None]
        rows = dict(zip(heard, self._forward([batch[i] for i in heard], moments), strict=True)) if heard else {}
        return [rows.get(i, nothing) for i in range(len(batch))]

    def _forward(self, batch: list[np.ndarray], speaker: list[np.ndarray] | None) -> list[np.ndarray]:
        """Log posteriors (T, K) of each, through the network."""
        import numpy as np
        import torch

        lengths = torch.tensor([len(samples) for samples in batch], device=self._device)
        padded = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(samples) for samples in batch], batch_first=True).to(
            self._device
        )
        moments = None if speaker is None else torch.from_numpy(np.stack(speaker)).to(self._device)
        # TF32 would round products to 10 bits: fp32 is promised.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            output = self._network(padded, lengths, moments)
        rows = output.log_probs.cpu().numpy()
        return [row[:length] for row, length in zip(rows, output.lengths.tolist(), strict=True)]

    def _wrap(self, log_probs: np.ndarray) -> Posteriors:
        return Posteriors(log_probs, self.tokenizer.tokens, self._frame_shift, self._offset)

    def _transcript(self, name: str, channel: int | None, n_samples: int, reading: Reading) -> Transcript:
        """A decoded recording with its times in seconds."""
        from speechrnn.decoding.greedy import to_tokens, to_words
        from speechrnn.text.tokenizer import SPACE

        duration = n_samples / self.sampling_rate
        if n_samples < self._window:
            window = 1000 * self._window / self.sampling_rate
            logger.warning(
                "%s: %.0f ms of audio, less than one analysis window (%.0f ms): nothing to hear", name, 1000 * duration, window
            )
        self.decoded_words += len(reading.text.split())
        self.changed_words += reading.changed
        tokens = to_tokens(reading.path, self.tokenizer.tokens, self._frame_shift, self._offset, duration)
        spoken = tuple(token for token in tokens if token.text != SPACE)
        confidence = min((token.confidence for token in spoken), default=1.0)
        segments = (Segment(reading.text, spoken[0].start, spoken[-1].end, confidence),) if spoken else ()
        return Transcript(
            name,
            reading.text,
            duration,
            segments,
            to_words(tokens, reading.words),
            tokens,
            channel=channel,
            model=self.id,
            alternatives=reading.alternatives,
        )


def _batches(order: list[int], sizes: list[int], batch_size: int, most: float) -> Iterator[list[int]]:
    """Cut indices, the largest first, into batches of at most ``batch_size`` and ``most`` padded samples."""
    batch: list[int] = []
    for index in order:
        if batch and (len(batch) == batch_size or sizes[batch[0]] * (len(batch) + 1) > most):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def pick_device(device: str) -> torch.device:
    """``auto`` to the best device there is.

    Raises:
        UsageError: unknown, or not there.
    """
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    name = "cuda" if device == "gpu" else device
    if not there.get(name.partition(":")[0]):
        raise UsageError(
            f"device {device!r} is not there", f"there is: auto, {', '.join(name for name, found in there.items() if found)}"
        )
    return torch.device(name)
