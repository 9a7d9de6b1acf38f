"""A GMM-HMM as a user holds it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from speechrnn.audio import Clip
from speechrnn.blas import one_thread_each
from speechrnn.decoding.confidence import Calibrations
from speechrnn.decoding.decoder import Reading
from speechrnn.decoding.greedy import to_words
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.tuned import find
from speechrnn.errors import DataError, Unsupported, listed
from speechrnn.hmm.alignment import Segments, segments
from speechrnn.hmm.decoder import ACOUSTIC_SCALE, HmmDecoder, phone_confidences, phone_posteriors, pronounced
from speechrnn.hmm.gmm import Gmm
from speechrnn.hmm.grammar import linear
from speechrnn.hmm.graph import build
from speechrnn.hmm.phones import SILENCE
from speechrnn.hmm.store import read_hmm
from speechrnn.inference.assemble import assemble
from speechrnn.inference.gmm import HmmListener, decode_pieces, decoded, pieces, silence_of
from speechrnn.inference.sound import Sound, with_texts
from speechrnn.modeldir import WEIGHTS
from speechrnn.records import Alignment, Posteriors, Token, Transcript
from speechrnn.text.normalize import normalize
from speechrnn.text.tokenizer import BLANK, SPACE

EXACT_CELLS = 50_000_000
"""Frames times nodes up to which an alignment keeps every path; beyond, a beam does, widened until nothing changes."""
BEAM = 300.0
"""First beam of an alignment that is not exact, in nats."""


class HmmRecognizer:
    """A hidden Markov model with Gaussian mixtures, with its own lexicon and language model or those given.

    Cepstra are normalized by speaker, and a model that was trained speaker-adaptively hears all of a speaker's recordings twice and
    adapts to him before it decodes them. A recording without a speaker's name is a speaker.

    Args:
        path: a model directory of kind hmm.
        decoding: weights; by default as they were tuned for these helpers.
        helpers: a language model and a lexicon in place of its own.
    """

    def __init__(self, path: Path, decoding: DecodingOptions | None = None, helpers: Helpers | None = None) -> None:
        self._stored = stored = read_hmm(path)
        self.id = stored.id
        self.tokenizer = stored.tokenizer
        self.text_options = stored.options.text
        self.sampling_rate = stored.options.sampling_rate
        tuned = find(path, stored.info["sha256"][WEIGHTS], helpers, decoding.kind if decoding is not None else "greedy")
        if decoding is None:
            decoding = DecodingOptions() if tuned is None else tuned.apply()
        self._decoder = HmmDecoder(stored, decoding, helpers, Calibrations() if tuned is None else tuned.calibrations)
        self.writes_words = self._decoder.writes_words
        self._listener = HmmListener(stored.acoustic, stored.options)
        self._hop_s = self._listener.cepstra.hop_s

    @property
    def hears_speakers(self) -> bool:
        """A recording is heard by how its speaker sounds in all that is given at once."""
        return True

    def info(self) -> dict[str, Any]:
        """The content of ``model.json``, and how it decodes."""
        return {**self._stored.info, "id": self.id, "decoding": self._decoder.description}

    def decoder_for(self, options: DecodingOptions, helpers: Helpers | None) -> HmmDecoder:
        """A decoder of what :meth:`heard_many` gives."""
        return HmmDecoder(self._stored, options, helpers)

    def posteriors(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Posteriors:
        """Log posteriors (T, P) of phones in each frame, silence in the place of the blank; without grammar."""
        ((_, frames, gmm),) = self._frames([self._listener.sound(audio, sample_rate)])
        return self._posteriors(gmm.score(frames))

    def posteriors_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[Clip, np.ndarray, int]]:
        """Clips with their log posteriors (T, P) and samples, in the order given."""
        for sound, frames, gmm in self._frames(audio, on_error, progress):
            yield sound.clip, self._posteriors(gmm.score(frames)).log_probs, sound.num_samples

    def _posteriors(self, log_likes: np.ndarray) -> Posteriors:
        acoustic = self._stored.acoustic
        shares = phone_posteriors(acoustic, log_likes)
        log_probs = np.log(np.maximum(shares, np.finfo(np.float32).tiny)).astype(np.float32)
        names = (BLANK, *acoustic.topology.names[1:])
        return Posteriors(log_probs, names, self._hop_s, self._listener.cepstra.offset)

    def stream(self, *, sample_rate: int | None = None) -> NoReturn:
        """Not possible: a speaker's mean is that of all his recordings.

        Raises:
            Unsupported: always.
        """
        raise Unsupported(f"{self.id}: a hidden Markov model hears recordings whole, not in chunks", "give a forward network")

    def transcribe(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Transcript:
        """Transcribe one recording: a path, a clip, or float samples of shape (S,) with their ``sample_rate`` (Hz).

        Raises:
            DataError: it cannot be read, or holds less than one analysis window of sound.
        """
        (transcript,) = self._transcribe([self._listener.sound(audio, sample_rate)], None, None)
        return transcript

    def transcribe_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 16,
    ) -> Iterator[Transcript]:
        """Transcribe many, in the order given, on all cores; all of a speaker's are heard before his first is given."""
        return self._transcribe(audio, on_error, progress)

    def _transcribe(
        self,
        audio: Iterable[str | Path | Clip | Sound],
        on_error: Callable[[Clip, DataError], None] | None,
        progress: Callable[[int], None] | None,
    ) -> Iterator[Transcript]:
        silent = silence_of(self._stored.acoustic)
        heard = (
            (sound, ((start, (gmm, piece)) for start, piece in pieces(frames, self._hop_s, silent)))
            for sound, frames, gmm in self._frames(audio, on_error, progress)
        )
        for sound, readings in decoded(heard, self._decode):
            seconds = sound.num_samples / self.sampling_rate
            blank = Transcript(sound.clip.id, "", seconds, channel=sound.clip.channel, model=self.id, unit=self.tokenizer.unit)
            yield assemble(blank, readings, self.tokenizer, self._hop_s, self._listener.cepstra.offset)

    def _decode(self, piece: tuple[Gmm, np.ndarray]) -> Reading:
        gmm, frames = piece
        return self._decoder(gmm.score(frames))

    def _frames(
        self,
        audio: Iterable[str | Path | Clip | Sound],
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[Sound, np.ndarray, Gmm]]:
        acoustic = self._stored.acoustic

        def hear(frames: np.ndarray, gmm: Gmm) -> list[Segments]:
            return decode_pieces(self._decoder, acoustic, frames, self._hop_s, gmm)

        # What is made of the frames between two of them is so, too.
        with one_thread_each():
            yield from self._listener.frames(audio, hear, on_error, progress)

    def heard_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[Clip, np.ndarray, int]]:
        """Clips with what the decoder reads of them, log likelihoods (T, S) after normalization and adaptation, and samples."""
        for sound, frames, gmm in self._frames(audio, on_error, progress):
            yield sound.clip, gmm.score(frames), sound.num_samples

    def align(
        self, audio: str | Path | Clip | np.ndarray, text: str, *, sample_rate: int | None = None, states: bool = False
    ) -> Alignment:
        """Times of the words and phones of a text that is spoken in a recording.

        Args:
            audio: a path, a clip, or float samples of shape (S,) with their ``sample_rate`` (Hz).
            text: what is said; normalized as the model's training texts.
            sample_rate: Hz.
            states: tokens are tied states, by number, silences' among them.

        Raises:
            DataError: the recording cannot be read; the text is empty, holds a word without pronunciation, or is too long for it.
        """
        (found,) = self._align([(self._listener.sound(audio, sample_rate), text)], None, states)
        return found

    def align_many(
        self,
        items: Iterable[tuple[str | Path | Clip, str]],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        states: bool = False,
    ) -> Iterator[Alignment]:
        """Align many recordings with their texts, in the order given; errors as in :meth:`transcribe_many`."""
        yield from self._align(with_texts(items, self._listener.sound, on_error), on_error, states)

    def _align(
        self, items: list[tuple[Sound, str]], on_error: Callable[[Clip, DataError], None] | None, states: bool
    ) -> Iterator[Alignment]:
        # Two clips may be equal; each sound is its own.
        texts = {id(sound): normalize(text, self.text_options) for sound, text in items}
        for sound, frames, gmm in self._frames([sound for sound, _ in items], on_error):
            try:
                yield self._lay(sound, frames, gmm, texts[id(sound)], states)
            except DataError as error:
                if on_error is None:
                    raise
                on_error(sound.clip, error)

    def _lay(self, sound: Sound, frames: np.ndarray, gmm: Gmm, text: str, states: bool) -> Alignment:
        name = sound.clip.id or "samples"
        words, said = self._said(name, text)
        acoustic = self._stored.acoustic.with_gmm(gmm)
        graph = build(linear(range(len(words)), dict(enumerate(said)), self.writes_words), acoustic.tying)
        arcs = graph.arcs(acoustic.transitions)
        beam = math.inf if len(frames) * len(graph.states) <= EXACT_CELLS else BEAM
        log_likes = acoustic.gmm.score(frames)
        path, score, whole = acoustic.scored_path(graph, log_likes, arcs, beam, len(graph.states))
        while beam < math.inf:
            wider, better, complete = acoustic.scored_path(graph, log_likes, arcs, 2 * beam, len(graph.states))
            if complete and whole and better <= score:
                break
            beam, path, score, whole = 2 * beam, wider, better, complete
            if beam > 16 * BEAM:
                beam = math.inf
        if not whole:
            raise DataError(
                f"{name}: {len(words)} words do not fit into {len(frames) * self._hop_s:.2f} s",
                "give the text that is spoken there",
            )
        heard = segments(graph, path)
        sure = phone_confidences(acoustic, heard, log_likes)
        # Beside any of its words in any order: frames by themselves fit some state of some phone better than any speech.
        silent = silence_of(acoustic)
        free = sum(self._decoder.free_score(acoustic.gmm.score(piece)) for _, piece in pieces(frames, self._hop_s, silent))
        odds = min(ACOUSTIC_SCALE * (score - free) / max(int((heard.phones != SILENCE).sum()), 1), 0.0) + 0.0
        return self._alignment(sound, heard, text, sure, odds, states)

    def _said(self, name: str, text: str) -> tuple[list[str], list[list[tuple[tuple[int, ...], float]]]]:
        index, tokenizer = self._stored.acoustic.topology.index, self.tokenizer
        if not text:
            raise DataError(f"{name}: its text is empty", "give what is said")
        if not self.writes_words:
            words = [tokenizer.tokens[i] for i in tokenizer.encode(text)]
            return words, [[((index[word],), 0.0)] for word in words]
        words = text.split()
        said = [pronounced(tokenizer, word, index, tokenizer.pronunciations.get(word, ())) for word in words]
        missing = sorted({word for word, ways in zip(words, said, strict=True) if not ways})
        if missing:
            raise DataError(
                f"{name}: {len(missing)} words have no pronunciation in the model: {listed(missing, 10)}",
                "add them to the lexicon and train anew, or correct the text",
            )
        return words, said

    def _alignment(self, sound: Sound, heard: Segments, text: str, sure: np.ndarray, score: float, states: bool) -> Alignment:
        last = math.floor(1000 * sound.num_samples / self.sampling_rate) / 1000

        def at(frame: int) -> float:
            return min(round(self._listener.cepstra.offset + frame * self._hop_s, 3), last)

        names, starts = self._stored.acoustic.topology.names, heard.starts.tolist()
        spoken = np.flatnonzero(heard.phones != SILENCE).tolist()
        tokens = tuple(Token(names[heard.phones[i]], at(starts[i]), at(starts[i + 1]), round(float(sure[i]), 4)) for i in spoken)
        words = text.split()
        if self.writes_words:
            begins = [place for place, i in enumerate(spoken) if heard.indices[i] == 0]
        else:
            begins = [0, *np.cumsum([len(self.tokenizer.encode(word)) for word in words]).tolist()[:-1]]
        spans = tuple(zip(words, begins, [*begins[1:], len(spoken)], strict=True))
        found = to_words(tokens, spans, [float(min(sure[i] for i in spoken[a:b])) for _, a, b in spans])
        if states:
            changes = np.flatnonzero(np.append(True, heard.states[1:] != heard.states[:-1])).tolist()
            bounds = zip(changes, [*changes[1:], len(heard.states)], strict=True)
            tokens = tuple(Token(str(heard.states[a]), at(a) if a else 0.0, at(b), 1.0) for a, b in bounds)
        return Alignment(sound.clip.id, tuple(found), tuple(t for t in tokens if t.text != SPACE), round(score, 3))
