"""From what a network hears to symbols with times and words, where it is asked step by step what it writes."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Generic, Self, TypeVar

import numpy as np

from speechrnn.decoding import attention, neural
from speechrnn.decoding.attention import beam_attention, greedy_attention
from speechrnn.decoding.confidence import Calibrations
from speechrnn.decoding.decoder import Reading, difference, spelled_words
from speechrnn.decoding.greedy import Path
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.neural import NOTHING, GreedyTransducer, Heard, beam_transducer, greedy_transducer
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import Unsupported
from speechrnn.text.tokenizer import SPACE, Tokenizer

S = TypeVar("S")


class StepwiseDecoder(ABC, Generic[S]):
    """Greedy or beam search through a network that has learned its own language model.

    What it reads of a recording are frames (T, J); those of a pause that the network did not hear are no numbers. Each stretch
    between two of them is read from the start, and a word boundary is set where one was.

    Args:
        tokenizer: of the model.
        steps: of the network.
        options: of the search.
        helpers: none.
        calibrations: of confidences.

    Raises:
        Unsupported: helpers.
    """

    weights: tuple[str, ...] = ()
    name: str
    """What the network is."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        steps: S,
        options: DecodingOptions,
        helpers: Helpers,
        calibrations: Calibrations = Calibrations(),
    ) -> None:
        if helpers:
            raise Unsupported(
                f"{self.name} is decoded without language models, lexicons and hotwords: it has learned its own language model",
                "leave them out, or give a model with head.kind ctc",
            )
        self._tokenizer, self._steps, self._calibrations = tokenizer, steps, calibrations
        self._space = tokenizer.tokens.index(SPACE) if SPACE in tokenizer.tokens else None
        self.writes_words = tokenizer.unit == "chars"
        self._set(options)

    def _set(self, options: DecodingOptions) -> None:
        self._options = options
        self.is_greedy = options.kind == "greedy"
        self.description = "greedy" if self.is_greedy else f"beam {options.beam}, threshold {options.threshold:g}"

    def reweighted(self, options: DecodingOptions) -> Self:
        """The same with other options."""
        other = copy.copy(self)
        other._set(options)
        return other

    @abstractmethod
    def _greedy(self, stretches: Sequence[np.ndarray]) -> list[Path]:
        """Stretches (T, J) read greedily."""

    @abstractmethod
    def _beam(self, frames: np.ndarray) -> list[Heard]:
        """The readings of a stretch (T, J), best first."""

    def read(self, path: Path) -> Reading:
        """A path with its words and calibrated confidences."""
        words = spelled_words(self._tokenizer, path.ids)
        path, sure = self._calibrations.apply(path, words)
        return Reading(path, words, self._tokenizer.decode(path.ids.tolist()), confidences=sure)

    def __call__(self, frames: np.ndarray) -> Reading:
        """Decode frames (T, J) of one utterance or piece."""
        spans = heard_spans(frames)
        stretches = [frames[start:end] for start, end in spans]
        greedy = self._join(self._greedy(stretches), spans)
        if self.is_greedy:
            return self.read(greedy)
        found = [self._beam(stretch) for stretch in stretches]
        reading = self.read(self._join([readings[0].path for readings in found], spans))
        others = found[0][1:] if len(found) == 1 else []
        texts = tuple(self._tokenizer.decode(one.path.ids.tolist()) for one in others)
        changed = difference(self._tokenizer.decode(greedy.ids.tolist()), reading.text)
        return replace(reading, alternatives=texts, changed=changed)

    def _join(self, paths: Sequence[Path], spans: Sequence[tuple[int, int]]) -> Path:
        """Paths of stretches as one of all frames, with word boundaries in the pauses between."""
        parts: list[tuple[np.ndarray, ...]] = []
        for number, (path, (start, _)) in enumerate(zip(paths, spans, strict=True)):
            if number and self._space is not None:
                middle = (spans[number - 1][1] + start) // 2
                parts.append((np.array([self._space]), np.array([middle]), np.array([middle + 1]), np.ones(1)))
            parts.append((path.ids, path.starts + start, path.ends + start, path.confidences))
        return Path(*(np.concatenate(part) for part in zip(*parts, strict=True))) if parts else NOTHING


class TransducerDecoder(StepwiseDecoder[neural.Steps]):
    """Of a transducer; ``options`` tell the tokens a frame, of a beam search also beam, threshold and readings."""

    name = "a transducer"

    def begin(self) -> GreedyTransducer:
        """Greedy decoding of a recording that arrives bit by bit."""
        return GreedyTransducer(self._steps, 1, self._options.per_frame)

    def _greedy(self, stretches: Sequence[np.ndarray]) -> list[Path]:
        return greedy_transducer(stretches, self._steps, self._options.per_frame)

    def _beam(self, frames: np.ndarray) -> list[Heard]:
        o = self._options
        return beam_transducer(frames, self._steps, o.beam, o.threshold, o.nbest, o.per_frame)


class AttentionDecoder(StepwiseDecoder[attention.Steps]):
    """Of an attention encoder-decoder; ``options`` tell of a beam search beam, threshold, readings and the weight of CTC."""

    name = "an attention encoder-decoder"

    def _set(self, options: DecodingOptions) -> None:
        super()._set(options)
        if self._steps.hears_ctc and not self.is_greedy:
            self.weights = ("ctc_weight",)
            self.description += f", CTC weight {options.ctc_weight:g}"

    def _greedy(self, stretches: Sequence[np.ndarray]) -> list[Path]:
        return greedy_attention(stretches, self._steps)

    def _beam(self, frames: np.ndarray) -> list[Heard]:
        o = self._options
        return beam_attention(frames, self._steps, o.beam, o.threshold, o.nbest, o.ctc_weight)


def make_stepwise(
    tokenizer: Tokenizer,
    steps: neural.Steps | attention.Steps,
    options: DecodingOptions,
    helpers: Helpers,
    calibrations: Calibrations,
) -> AttentionDecoder | TransducerDecoder:
    """The decoder of these steps: those of attention begin with frames."""
    if isinstance(steps, attention.Steps):
        return AttentionDecoder(tokenizer, steps, options, helpers, calibrations)
    return TransducerDecoder(tokenizer, steps, options, helpers, calibrations)


def heard_spans(frames: np.ndarray) -> list[tuple[int, int]]:
    """First frame and the one after the last of each stretch of (T, J) that the network heard."""
    heard = np.isfinite(frames[:, 0]) if frames.size else np.zeros(0, bool)
    edges = np.flatnonzero(np.diff(heard.astype(np.int8), prepend=0, append=0))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
