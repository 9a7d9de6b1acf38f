"""From posteriors to symbols with times and words: what a recognizer decodes with, set up once for a model and its helpers."""

from __future__ import annotations

import copy
import difflib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from speechrnn.decoding.confidence import Calibrations
from speechrnn.decoding.greedy import Path, greedy
from speechrnn.decoding.helpers import Fitted, Helpers, fit
from speechrnn.decoding.options import DecodingOptions
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import SPACE, Tokenizer

if TYPE_CHECKING:
    from speechrnn.decoding import attention, neural
    from speechrnn.decoding.beam import Hypothesis


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A decoded utterance.

    Attributes:
        path: its symbols, word boundaries among them, with frames and confidences.
        words: text of each word and its symbols, from index to index (exclusive), boundaries left out; empty for a model of
            phones or letters that reads without a lexicon.
        text: the words, or the symbols where there are none.
        alternatives: texts of further readings, best first.
        changed: words (symbols, where there are none) that are others than what greedy decoding would give.
        confidences: of each word, in [0, 1].
    """

    path: Path
    words: tuple[tuple[str, int, int], ...]
    text: str
    alternatives: tuple[str, ...] = ()
    changed: int = 0
    confidences: tuple[float, ...] = ()


class Decoder(Protocol):
    """Log posteriors (T, K), or what else the network hears of each frame, to a reading."""

    description: str
    """What it decodes with, for reports."""
    writes_words: bool
    """Whether its readings have words."""
    weights: tuple[str, ...]
    """Fields of ``DecodingOptions`` that weigh what helps it: these can be tuned."""

    def reweighted(self, options: DecodingOptions) -> Decoder:
        """The same with other options; nothing is read again."""

    def __call__(self, heard: np.ndarray, /) -> Reading:
        """Decode one utterance."""


def make_decoder(
    tokenizer: Tokenizer,
    text: TextOptions,
    options: DecodingOptions,
    helpers: Helpers | None = None,
    calibrations: Calibrations = Calibrations(),
    steps: neural.Steps | attention.Steps | None = None,
) -> Decoder:
    """The decoder of a model; helpers call for a beam search, whatever ``options.kind`` says.

    Without ``calibrations`` a token's confidence is its highest posterior, and a word's that of its least sure token.
    ``steps`` are those of a network that is asked what it writes step by step: a transducer, a decoder with attention.

    Raises:
        DataError: a language model or lexicon that does not fit the model, with what it lacks.
        UsageError: helpers that do not fit each other; a hotword that the model's tokens cannot write.
        Unsupported: helpers of such a network.
    """
    helpers = helpers or Helpers()
    if steps is not None:
        from speechrnn.decoding.stepwise import make_stepwise

        return make_stepwise(tokenizer, steps, options, helpers, calibrations)
    if options.kind == "greedy" and not helpers:
        return GreedyDecoder(tokenizer, calibrations)
    return BeamDecoder(tokenizer, text, replace(options, kind="beam"), helpers, calibrations)


class GreedyDecoder:
    """The best symbol of each frame."""

    description = "greedy"
    weights: tuple[str, ...] = ()

    def __init__(self, tokenizer: Tokenizer, calibrations: Calibrations = Calibrations()) -> None:
        self._tokenizer = tokenizer
        self._calibrations = calibrations
        self.writes_words = tokenizer.unit == "chars"

    def reweighted(self, options: DecodingOptions) -> GreedyDecoder:
        """Itself: nothing here is weighed."""
        return self

    def __call__(self, log_probs: np.ndarray) -> Reading:
        """Decode one utterance."""
        path = greedy(log_probs)
        words = spelled_words(self._tokenizer, path.ids)
        path, sure = self._calibrations.apply(path, words)
        return Reading(path, words, self._tokenizer.decode(path.ids.tolist()), confidences=sure)


class BeamDecoder:
    """Beam search with whatever helps; see :func:`make_decoder`."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        text: TextOptions,
        options: DecodingOptions,
        helpers: Helpers,
        calibrations: Calibrations = Calibrations(),
    ) -> None:
        from speechrnn.decoding.beam import BeamSearch

        self._tokenizer = tokenizer
        self._calibrations = calibrations
        self._space = tokenizer.tokens.index(SPACE) if SPACE in tokenizer.tokens else -1
        fitted = fit(tokenizer, text, helpers)
        word_lm, letter_lm, lexicon = fitted.word_lm, fitted.letter_lm, fitted.lexicon
        self._has_lexicon = lexicon is not None
        self.writes_words = self._has_lexicon or tokenizer.unit == "chars"
        self.weights = _weights(fitted)
        self._rescorer, self._rescores_tokens = fitted.rescorer, fitted.rescores_tokens
        self._describe = partial(_describe, helpers=helpers, fitted=fitted)
        self._make_search = partial(
            BeamSearch,
            len(tokenizer),
            space=self._space,
            lexicon=lexicon,
            counts=tokenizer.counts,
            word_lm=word_lm,
            letter_lm=letter_lm,
            letter_ids=None if letter_lm is None else np.array([letter_lm.word_id(token) for token in tokenizer.tokens]),
            hotwords=fitted.hotwords,
        )
        self._set(options)

    def _set(self, options: DecodingOptions) -> None:
        self.description = self._describe(options)
        self._options = options
        # What is ranked once more is all that the beam holds.
        self._search = self._make_search(options=replace(options, nbest=options.beam) if self._rescorer else options)

    def reweighted(self, options: DecodingOptions) -> BeamDecoder:
        """The same with other options; language models and lexicon are shared."""
        other = copy.copy(self)
        other._set(replace(options, kind="beam"))
        return other

    def __call__(self, log_probs: np.ndarray) -> Reading:
        """Decode one utterance."""
        from speechrnn.decoding.viterbi import align

        best, *others = self._readings(log_probs)
        found = align(log_probs, best.ids)
        assert found is not None, "what the search has found fits into the frames"
        path, total = found
        if self._has_lexicon and self._space >= 0 and len(best.ids) and best.ids[-1] == self._space:
            # The lexicon gave the last word a boundary that the network need not have heard.
            without = align(log_probs, best.ids[:-1])
            if without is not None and without[1] >= total:
                path = without[0]
        text = self._text(best)
        heard = self._tokenizer.decode(greedy(log_probs).ids.tolist())
        words = self._words(best)
        path, sure = self._calibrations.apply(path, words)
        return Reading(path, words, text, tuple(self._text(other) for other in others), difference(heard, text), sure)

    def _readings(self, log_probs: np.ndarray) -> list[Hypothesis]:
        from speechrnn.decoding.rescoring import rescore

        found = self._search(log_probs)
        if self._rescorer is None:
            return found
        if self._rescores_tokens:
            sentences = [[self._tokenizer.tokens[i] for i in one.ids] for one in found]
        else:
            sentences = [[word for word, _, _ in self._words(one)] for one in found]
        return rescore(found, sentences, self._rescorer, self._options.rescore_weight)[: self._options.nbest]

    def _words(self, hypothesis: Hypothesis) -> tuple[tuple[str, int, int], ...]:
        if not self._has_lexicon:
            return spelled_words(self._tokenizer, hypothesis.ids)
        words = []
        start = 0
        for word, end in zip(hypothesis.words, hypothesis.ends, strict=True):
            last = end - (self._space >= 0)
            words.append((word or self._tokenizer.decode(hypothesis.ids[start:last].tolist()), start, last))
            start = end
        return tuple(words)

    def _text(self, hypothesis: Hypothesis) -> str:
        if not self._has_lexicon:
            return self._tokenizer.decode(hypothesis.ids.tolist())
        return " ".join(word for word, _, _ in self._words(hypothesis))


def spelled_words(tokenizer: Tokenizer, ids: np.ndarray) -> tuple[tuple[str, int, int], ...]:
    """The words between boundaries; none for a model that knows no boundary."""
    if tokenizer.unit != "chars":
        return ()
    words: list[tuple[str, int, int]] = []
    start = 0
    for place in range(len(ids) + 1):
        if place == len(ids) or tokenizer.tokens[ids[place]] == SPACE:
            if place > start:
                words.append(("".join(tokenizer.tokens[i] for i in ids[start:place]), start, place))
            start = place + 1
    return tuple(words)


def _weights(fitted: Fitted) -> tuple[str, ...]:
    """The options that play a part, as the search adds them up."""
    word_lm, letter_lm, lexicon = fitted.word_lm, fitted.letter_lm, fitted.lexicon
    return (
        *(["lm_weight"] if word_lm is not None else []),
        *(["word_bonus"] if lexicon is not None else []),
        *(["letter_weight"] if letter_lm is not None else []),
        *(["letter_bonus"] if letter_lm is not None and lexicon is None else []),
        *(["unknown_bonus"] if letter_lm is not None and lexicon is not None else []),
        *(["rescore_weight"] if fitted.rescorer is not None else []),
    )


def _describe(o: DecodingOptions, helpers: Helpers, fitted: Fitted) -> str:
    """Every choice that shapes a reading, in words."""
    word_lm, letter_lm, lexicon = fitted.word_lm, fitted.letter_lm, fitted.lexicon
    parts = [f"beam {o.beam}", f"threshold {o.threshold:g}", *([f"{o.tokens} tokens a frame"] if o.tokens else [])]
    if word_lm is not None and helpers.lm is not None:
        parts.append(f"{word_lm.order}-gram {helpers.lm.name} ({word_lm.checksum[:8]}) weight {o.lm_weight:g}")
    if lexicon is not None:
        parts.append(f"lexicon of {len(lexicon)} words, word bonus {o.word_bonus:g}")
    letters = helpers.letter_lm or helpers.lm
    if letter_lm is not None and letters is not None:
        bonus = f"unknown word bonus {o.unknown_bonus:g}" if lexicon is not None else f"letter bonus {o.letter_bonus:g}"
        parts.append(f"{letter_lm.order}-gram {letters.name} ({letter_lm.checksum[:8]}) weight {o.letter_weight:g}, {bonus}")
    if fitted.rescorer is not None and helpers.rescore is not None:
        model = fitted.rescorer
        named = f"{model.description} {helpers.rescore.name} ({model.checksum[:8]})"
        parts.append(f"rescored by {named} weight {o.rescore_weight:g}")
    if helpers.hotwords:
        parts.append(f"{len(helpers.hotwords)} hotwords")
    return ", ".join(parts)


def difference(before: str, after: str) -> int:
    """Words of ``after`` that replace or join those of ``before``, and words of ``before`` that are left out."""
    matcher = difflib.SequenceMatcher(None, before.split(), after.split(), autojunk=False)
    return sum(max(a2 - a1, b2 - b1) for kind, a1, a2, b1, b2 in matcher.get_opcodes() if kind != "equal")
