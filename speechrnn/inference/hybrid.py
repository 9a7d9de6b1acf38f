"""The classic hybrid: a network's posteriors of states, decoded through a hidden Markov model's graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from speechrnn.audio import Clip
from speechrnn.decoding.confidence import Calibrations
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.tuned import find
from speechrnn.errors import DataError
from speechrnn.hmm.decoder import HmmDecoder
from speechrnn.hmm.phones import SILENCE
from speechrnn.hmm.store import read_hmm
from speechrnn.inference.assemble import assemble
from speechrnn.inference.framewise import FrameLabeler
from speechrnn.inference.gmm import decoded, pieces
from speechrnn.modeldir import WEIGHTS
from speechrnn.models.export import HMM
from speechrnn.models.framewise import FrameHead
from speechrnn.records import Transcript

if TYPE_CHECKING:
    import torch

    from speechrnn.decoding.helpers import Helpers
    from speechrnn.inference.sound import Sound
    from speechrnn.models.export import StoredAcoustic

NEVER = 1e4
"""Nats against a state that training never met."""


class HybridRecognizer:
    """A recurrent network over the tied states of a hidden Markov model, decoded through that model's graph.

    Bourlard and Morgan (1994): posteriors of states divided by their priors are likelihoods up to a factor, and take the place of
    the Gaussians'. Topology, transitions, lexicon and language model are the hidden Markov model's, of which the model directory
    holds a copy.

    Args:
        stored: what the model directory holds.
        path: of the model directory.
        device: where it computes.
        decoding: weights; by default as they were tuned for these helpers.
        helpers: a language model and a lexicon in place of the hidden Markov model's.
    """

    def __init__(
        self,
        stored: StoredAcoustic,
        path: Path,
        device: torch.device,
        decoding: DecodingOptions | None = None,
        helpers: Helpers | None = None,
    ) -> None:
        self._labeler = FrameLabeler(stored, device)
        self._hmm = hmm = read_hmm(path / HMM)
        self.id = stored.id
        self.tokenizer, self.text_options, self.sampling_rate = hmm.tokenizer, hmm.options.text, stored.options.sampling_rate
        n_states = hmm.acoustic.gmm.num_states
        if len(stored.vocabulary) > n_states:
            raise DataError(
                f"{path}: {len(stored.vocabulary)} states, and {n_states} in the hidden Markov model", "train the model again"
            )
        tuned = find(path, stored.info["sha256"][WEIGHTS], helpers, decoding.kind if decoding is not None else "greedy")
        if decoding is None:
            decoding = DecodingOptions() if tuned is None else tuned.apply()
        self._decoder = HmmDecoder(hmm, decoding, helpers, Calibrations() if tuned is None else tuned.calibrations)
        self.writes_words = self._decoder.writes_words
        head = self._labeler.network.head
        assert isinstance(head, FrameHead)
        self._log_prior = np.full(n_states, -np.log(n_states), np.float32)
        self._log_prior[: len(stored.vocabulary)] = head.log_prior.cpu().numpy()
        self._factor = stored.options.model.factor
        self._hop_s, self._offset = self._labeler.network.hop_s, self._labeler.network.offset

    @property
    def hears_speakers(self) -> bool:
        """Whether a recording is heard by how its speaker sounds in all that is given at once."""
        return self._labeler.hears_speakers

    def info(self) -> dict[str, Any]:
        """The content of ``model.json``, and how it decodes."""
        return {**self._labeler.info(), "decoding": self._decoder.description}

    def decoder_for(self, options: DecodingOptions, helpers: Helpers | None) -> HmmDecoder:
        """A decoder of what :meth:`heard_many` gives."""
        return HmmDecoder(self._hmm, options, helpers)

    def heard_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[Clip, np.ndarray, int]]:
        """Clips with what the decoder reads of them, scaled log likelihoods (T, S), and samples."""
        for sound, log_likes in self._heard(audio, on_error, progress):
            yield sound.clip, log_likes, sound.num_samples

    def transcribe(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Transcript:
        """Transcribe one recording; see :meth:`FrameLabeler.transcribe`."""
        (transcript,) = self._transcribe([self._labeler.listener.sound(audio, sample_rate)])
        return transcript

    def transcribe_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[Transcript]:
        """Transcribe many, in the order given, on all cores."""
        return self._transcribe(audio, on_error, progress, batch_size)

    def _heard(
        self,
        audio: Iterable[str | Path | Clip | Sound],
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[tuple[Sound, np.ndarray]]:
        """Recordings with their scaled log likelihoods (T, S), a row for each front-end frame."""
        for sound, log_probs in self._labeler.heard(audio, on_error, progress, batch_size):
            log_likes = np.full((len(log_probs), len(self._log_prior)), -NEVER, np.float32)
            log_likes[:, : log_probs.shape[1]] = log_probs
            # An encoder frame stands for as many front-end frames as it is made of: states last as long as they did in training.
            yield sound, np.repeat(log_likes - self._log_prior, self._factor, axis=0)

    def _transcribe(
        self,
        audio: Iterable[str | Path | Clip | Sound],
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[Transcript]:
        silent = self._hmm.acoustic.tying.owners[:, 0] == SILENCE

        def quiet(log_likes: np.ndarray) -> np.ndarray:
            return np.asarray(silent[log_likes.argmax(1)])

        heard = self._heard(audio, on_error, progress, batch_size)
        for sound, readings in decoded(((sound, pieces(found, self._hop_s, quiet)) for sound, found in heard), self._decoder):
            seconds = sound.num_samples / self.sampling_rate
            blank = Transcript(sound.clip.id, "", seconds, channel=sound.clip.channel, model=self.id, unit=self.tokenizer.unit)
            yield assemble(blank, readings, self.tokenizer, self._hop_s, self._offset)
