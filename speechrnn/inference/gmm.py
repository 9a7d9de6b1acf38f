"""Recordings to what a GMM-HMM reads of them: cepstra by speaker, adaptation, pieces of long recordings."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from speechrnn.audio import Clip
from speechrnn.audio_band import BandGuard
from speechrnn.decoding.decoder import Reading
from speechrnn.errors import DataError
from speechrnn.features.mfcc import Mfcc
from speechrnn.features.normalization import Statistics
from speechrnn.hmm.adaptation import speaker_transform
from speechrnn.hmm.alignment import Segments
from speechrnn.hmm.decoder import HmmDecoder
from speechrnn.hmm.gmm import Gmm
from speechrnn.hmm.model import Acoustic
from speechrnn.hmm.phones import SILENCE
from speechrnn.hmm.store import HmmModelOptions
from speechrnn.hmm.transforms import apply_affine
from speechrnn.inference.long import between_pauses
from speechrnn.inference.network import WINDOW_S
from speechrnn.inference.pieces import LEAST_S, Cutter
from speechrnn.inference.sound import Sound, sound_of
from speechrnn.text.tokenizer import BLANK

Piece = TypeVar("Piece")
ROUNDS = 2
"""Times that a speaker is adapted to, each by what was heard the time before."""
BLOCK = 6000
"""Frames that are scored at once."""


class Cepstra:
    """Samples of a recording to cepstra (T, C), block by block."""

    def __init__(self, options: HmmModelOptions) -> None:
        self.sampling_rate = options.sampling_rate
        self._mfcc = Mfcc(options.frontend, options.sampling_rate)
        self.hop_s = self._mfcc.grid.hop / options.sampling_rate
        self.offset = (self._mfcc.grid.size - self._mfcc.grid.hop) / 2 / options.sampling_rate
        self.least_samples = self._mfcc.grid.size

    def __call__(self, blocks: Iterable[np.ndarray]) -> np.ndarray:
        """Of samples (S,) in blocks."""
        from speechrnn.features.frontend import FrontEndState, stream_frames

        state: FrontEndState | None = None
        found = []
        for block in blocks:
            frames, state = stream_frames(self._mfcc, torch.from_numpy(np.ascontiguousarray(block))[None], state)
            found.append(frames[0].numpy())
        return np.concatenate(found) if found else np.zeros((0, self._mfcc.size), np.float32)

    def silent(self, cepstra: np.ndarray) -> np.ndarray:
        """Which of the cepstra (T, C) are digital silence, (T,)."""
        return np.asarray(self._mfcc.loudness.silent(torch.from_numpy(cepstra)))

    def normalized(self, all_cepstra: Sequence[np.ndarray], left_out: Sequence[np.ndarray] = ()) -> list[np.ndarray]:
        """A voice's cepstra, each (T, C), less their mean without what is left out, each (T,); by default digital silence.

        That becomes as quiet as the faintest of the other frames.
        """
        silences = [self.silent(cepstra) for cepstra in all_cepstra]
        statistics = Statistics()
        for cepstra, out in zip(all_cepstra, left_out or silences, strict=True):
            statistics.add(cepstra[~out])
        mean, deviation = statistics.moments()
        quiet = self._mfcc.loudness.quiet.numpy() * deviation
        return [np.where(silent[:, None], quiet, c - mean) for c, silent in zip(all_cepstra, silences, strict=True)]


class HmmListener:
    """What a GMM-HMM hears of recordings: frames, normalized by speaker and, if the model is so trained, adapted to him.

    As a network does, it hears nothing in the pauses of a long recording: they have no part in a speaker's mean, which they would
    move away from that of the utterances that the model was trained on, and stand for silence, whatever their noise sounds like.
    """

    def __init__(self, acoustic: Acoustic, options: HmmModelOptions) -> None:
        self.acoustic = acoustic
        self.cepstra = Cepstra(options)
        self._guard = BandGuard(options.sampling_rate)

    def sound(self, audio: str | Path | Clip | np.ndarray | Sound, sample_rate: int | None = None) -> Sound:
        """A recording as the model hears it; raises as :func:`speechrnn.inference.sound.sound_of`."""
        return sound_of(audio, sample_rate, self.cepstra.sampling_rate, self.cepstra.least_samples)

    def frames(
        self,
        audio: Iterable[str | Path | Clip | Sound],
        hear: Callable[[np.ndarray, Gmm], list[Segments]],
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[Sound, np.ndarray, Gmm]]:
        """Recordings in the order given, with their frames (T, D) and the Gaussians for them.

        All of a speaker's are heard before the first is given. Too little speech to adapt to gets the Gaussians for strangers.

        Args:
            hear: frames of one recording, and the Gaussians for them, to what is said in them, piece by piece.
        """
        items = [Clip(str(item), Path(item)) if isinstance(item, str | Path) else item for item in audio]
        voices: dict[str, list[int]] = {}
        for i, item in enumerate(items):
            voices.setdefault((item.clip if isinstance(item, Sound) else item).voice, []).append(i)
        first = {own[0]: own for own in voices.values()}
        ready: dict[int, tuple[Sound, np.ndarray, Gmm]] = {}
        for place in range(len(items)):
            if place in first:
                ready.update(self._speaker([(i, items[i]) for i in first.pop(place)], hear, on_error))
            if place in ready:
                yield ready.pop(place)
            if progress:
                progress(1)

    def _speaker(
        self,
        items: list[tuple[int, Clip | Sound]],
        hear: Callable[[np.ndarray, Gmm], list[Segments]],
        on_error: Callable[[Clip, DataError], None] | None,
    ) -> dict[int, tuple[Sound, np.ndarray, Gmm]]:
        """The recordings of one speaker that can be read, by number."""
        found: dict[int, tuple[Sound, np.ndarray]] = {}
        for i, item in items:
            try:
                sound = self.sound(item)
                blocks = sound.blocks()
                first = next(blocks)
                self._guard.look(sound.clip.id, sound.rate, first)
                found[i] = sound, self.cepstra(_chain(first, blocks))
            except DataError as error:
                if on_error is None:
                    raise
                on_error(item if isinstance(item, Clip) else item.clip, error)
        if not found:
            return {}
        quiet = {i: self._quiet(sound, cepstra) for i, (sound, cepstra) in found.items()}
        normalized = self.cepstra.normalized([cepstra for _, cepstra in found.values()], list(quiet.values()))
        views = {i: self.acoustic.view(cepstra) for i, cepstra in zip(found, normalized, strict=True)}
        matrix: np.ndarray | None = None
        for _ in range(ROUNDS if self.acoustic.unadapted is not None else 0):
            heard = []
            for i, frames in views.items():
                start = 0
                for segments in hear(self._turned(frames, matrix, quiet[i]), self._gaussians(matrix)):
                    end = start + int(segments.starts[-1])
                    heard.append((frames[start:end], segments))
                    start = end
            matrix = speaker_transform(self.acoustic.gmm, heard, matrix)
        gmm = self._gaussians(matrix)
        return {i: (sound, self._turned(views[i], matrix, quiet[i]), gmm) for i, (sound, _) in found.items()}

    def _gaussians(self, matrix: np.ndarray | None) -> Gmm:
        """The Gaussians for frames under a speaker's transform, or under none."""
        adapted = matrix is not None and not np.array_equal(matrix, np.eye(*matrix.shape))
        return self.acoustic.gmm if adapted or self.acoustic.unadapted is None else self.acoustic.unadapted

    def _quiet(self, sound: Sound, cepstra: np.ndarray) -> np.ndarray:
        """Which frames (T,) are digital silence, or lie in the pauses of a long recording, if it has anything else."""
        quiet = self.cepstra.silent(cepstra)
        if sound.num_samples <= WINDOW_S * self.cepstra.sampling_rate:
            return quiet
        middles = self.cepstra.offset + self.cepstra.hop_s * (np.arange(len(quiet)) + 0.5)
        spans = np.searchsorted(middles, between_pauses(sound)).reshape(-1, 2)
        if len(spans):
            for before, after in zip([0, *spans[:, 1]], [*spans[:, 0], len(quiet)], strict=True):
                quiet[before:after] = True
        return quiet

    def _turned(self, frames: np.ndarray, matrix: np.ndarray | None, quiet: np.ndarray) -> np.ndarray:
        """Frames (T, D) under a speaker's transform, silence where it is quiet."""
        turned = frames if matrix is None else apply_affine(frames, matrix)
        return np.where(quiet[:, None], self._silence, turned) if quiet.any() else turned

    @cached_property
    def _silence(self) -> np.ndarray:
        """What is heard most clearly as silence: the mean of one of its Gaussians, float32 (D,)."""
        gmm, silent = self.acoustic.gmm, self.acoustic.tying.owners[:, 0] == SILENCE
        means = gmm.means[np.repeat(silent, gmm.sizes)].astype(np.float32)
        scores = gmm.score(means)
        return np.asarray(means[(scores[:, silent].max(1) - scores[:, ~silent].max(1)).argmax()])


def _chain(first: np.ndarray, rest: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    yield first
    yield from rest


def pieces(frames: np.ndarray, hop_s: float, silent: Callable[[np.ndarray], np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """A long recording's frames (T, D) in pieces that end in pauses, each with its first frame; ``silent`` tells silence."""
    if len(frames) * hop_s <= LEAST_S:
        yield 0, frames
        return
    cutter = Cutter(hop_s, (BLANK, ""))

    def parts() -> Iterator[np.ndarray]:
        for start in range(0, len(frames), BLOCK):
            yield np.eye(2, dtype=np.float32)[1 - silent(frames[start : start + BLOCK]).astype(np.int64)]

    for piece in cutter.cut(parts()):
        yield piece.start, frames[piece.start : piece.start + len(piece.log_probs)]


def decode_pieces(decoder: HmmDecoder, acoustic: Acoustic, frames: np.ndarray, hop_s: float, gmm: Gmm) -> list[Segments]:
    """What is said in each piece of a recording."""
    return [decoder.hear(gmm.score(piece)) for _, piece in pieces(frames, hop_s, silence_of(acoustic))]


def silence_of(acoustic: Acoustic) -> Callable[[np.ndarray], np.ndarray]:
    """Tells of frames (T, D) which are most likely silence, (T,)."""
    silent = acoustic.tying.owners[:, 0] == SILENCE
    return lambda frames: np.asarray(silent[acoustic.gmm.score(frames).argmax(1)])


def decoded(
    heard: Iterable[tuple[Sound, Iterable[tuple[int, Piece]]]], decode: Callable[[Piece], Reading]
) -> Iterator[tuple[Sound, list[tuple[int, Reading]]]]:
    """Recordings with the readings of their pieces, in the order given; the next ones are decoded meanwhile, on all cores."""
    threads = os.cpu_count() or 1
    ahead: deque[tuple[Sound, list[tuple[int, Future[Reading]]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for sound, parts in heard:
            ahead.append((sound, [(start, pool.submit(decode, part)) for start, part in parts]))
            if len(ahead) > 2 * threads:
                first, waiting = ahead.popleft()
                yield first, [(start, future.result()) for start, future in waiting]
        for first, waiting in ahead:
            yield first, [(start, future.result()) for start, future in waiting]
