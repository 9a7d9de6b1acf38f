"""From posteriors to symbols with times and words: what a recognizer decodes with, set up once for a model and its helpers."""

from __future__ import annotations

import copy
import difflib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Protocol

import numpy as np

from speechrnn.decoding.confidence import Calibrations
from speechrnn.decoding.greedy import Path, greedy
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import DataError, UsageError
from speechrnn.text.normalize import TextOptions, normalize
from speechrnn.text.tokenizer import BLANK, SPACE, Tokenizer, UnknownSymbol

if TYPE_CHECKING:
    from speechrnn.decoding.beam import Hypothesis
    from speechrnn.lm.ngram import NgramModel

logger = logging.getLogger("speechrnn")
_NAMED = 10
"""Words named in a warning."""


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
    """Log posteriors (T, K) to a reading."""

    description: str
    """What it decodes with, for reports."""
    writes_words: bool
    """Whether its readings have words."""
    weights: tuple[str, ...]
    """Fields of ``DecodingOptions`` that weigh what helps it: these can be tuned."""

    def reweighted(self, options: DecodingOptions) -> Decoder:
        """The same with other options; nothing is read again."""

    def __call__(self, log_probs: np.ndarray) -> Reading:
        """Decode one utterance."""


@dataclass(frozen=True, slots=True)
class Helpers:
    """What helps a decoder besides the posteriors.

    Attributes:
        lm: an ARPA file over words, or over the model's own tokens.
        lexicon: words and, for a model of phones, their pronunciations; without it the words of ``lm`` are spelled.
        letter_lm: an ARPA file over the model's tokens; beside a lexicon it spells words that the lexicon lacks.
        hotwords: phrases and their bonuses in nats.
    """

    lm: FilePath | None = None
    lexicon: FilePath | None = None
    letter_lm: FilePath | None = None
    hotwords: tuple[tuple[str, float], ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.lm or self.lexicon or self.letter_lm or self.hotwords)


def make_decoder(
    tokenizer: Tokenizer,
    text: TextOptions,
    options: DecodingOptions,
    helpers: Helpers | None = None,
    calibrations: Calibrations = Calibrations(),
) -> Decoder:
    """The decoder of a model; helpers call for a beam search, whatever ``options.kind`` says.

    Without ``calibrations`` a token's confidence is its highest posterior, and a word's that of its least sure token.

    Raises:
        DataError: a language model or lexicon that does not fit the model, with what it lacks.
        UsageError: helpers that do not fit each other; a hotword that the model's tokens cannot write.
    """
    helpers = helpers or Helpers()
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
        word_lm, letter_lm = _language_models(tokenizer, helpers)
        lexicon = _lexicon(tokenizer, text, helpers, word_lm)
        if lexicon is not None and word_lm is not None:
            strange = [word for word in lexicon if not word_lm.knows(word)]
            if len(strange) == len(lexicon):
                raise DataError(
                    f"{helpers.lm}: holds none of the {len(lexicon)} words of the lexicon, for example {_some(strange)}",
                    "give a language model over the same words, in the same script and case",
                )
            if strange:
                logger.warning("%s: %d words of the lexicon are unknown to it: %s", helpers.lm, len(strange), _some(strange))
        self._has_lexicon = lexicon is not None
        self.writes_words = self._has_lexicon or tokenizer.unit == "chars"
        self.weights = _weights(word_lm, letter_lm, lexicon)
        self._describe = partial(_describe, helpers=helpers, word_lm=word_lm, letter_lm=letter_lm, lexicon=lexicon)
        self._make_search = partial(
            BeamSearch,
            len(tokenizer),
            space=self._space,
            lexicon=lexicon,
            word_lm=word_lm,
            letter_lm=letter_lm,
            letter_ids=None if letter_lm is None else np.array([letter_lm.word_id(token) for token in tokenizer.tokens]),
            hotwords=_hotwords(tokenizer, text, helpers.hotwords, lexicon),
        )
        self._set(options)

    def _set(self, options: DecodingOptions) -> None:
        self.description = self._describe(options)
        self._search = self._make_search(options=options)

    def reweighted(self, options: DecodingOptions) -> BeamDecoder:
        """The same with other options; language models and lexicon are shared."""
        other = copy.copy(self)
        other._set(replace(options, kind="beam"))
        return other

    def __call__(self, log_probs: np.ndarray) -> Reading:
        """Decode one utterance."""
        from speechrnn.decoding.viterbi import align

        best, *others = self._search(log_probs)
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
        return Reading(path, words, text, tuple(self._text(other) for other in others), _difference(heard, text), sure)

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


def _weights(word_lm: NgramModel | None, letter_lm: NgramModel | None, lexicon: Mapping[str, object] | None) -> tuple[str, ...]:
    """The options that play a part, as the search adds them up."""
    return (
        *(["lm_weight"] if word_lm is not None else []),
        *(["word_bonus"] if lexicon is not None else []),
        *(["letter_weight"] if letter_lm is not None else []),
        *(["letter_bonus"] if letter_lm is not None and lexicon is None else []),
        *(["unknown_bonus"] if letter_lm is not None and lexicon is not None else []),
    )


def _describe(
    o: DecodingOptions,
    helpers: Helpers,
    word_lm: NgramModel | None,
    letter_lm: NgramModel | None,
    lexicon: Mapping[str, object] | None,
) -> str:
    """Every choice that shapes a reading, in words."""
    parts = [f"beam {o.beam}", f"threshold {o.threshold:g}", *([f"{o.tokens} tokens a frame"] if o.tokens else [])]
    if word_lm is not None and helpers.lm is not None:
        parts.append(f"{word_lm.order}-gram {helpers.lm.name} ({word_lm.checksum[:8]}) weight {o.lm_weight:g}")
    if lexicon is not None:
        parts.append(f"lexicon of {len(lexicon)} words, word bonus {o.word_bonus:g}")
    letters = helpers.letter_lm or helpers.lm
    if letter_lm is not None and letters is not None:
        bonus = f"unknown word bonus {o.unknown_bonus:g}" if lexicon is not None else f"letter bonus {o.letter_bonus:g}"
        parts.append(f"{letter_lm.order}-gram {letters.name} ({letter_lm.checksum[:8]}) weight {o.letter_weight:g}, {bonus}")
    if helpers.hotwords:
        parts.append(f"{len(helpers.hotwords)} hotwords")
    return ", ".join(parts)


def _difference(before: str, after: str) -> int:
    """Words of ``after`` that replace or join those of ``before``, and words of ``before`` that are left out."""
    matcher = difflib.SequenceMatcher(None, before.split(), after.split(), autojunk=False)
    return sum(max(a2 - a1, b2 - b1) for kind, a1, a2, b1, b2 in matcher.get_opcodes() if kind != "equal")


def _language_models(tokenizer: Tokenizer, helpers: Helpers) -> tuple[NgramModel | None, NgramModel | None]:
    """The language models over words and over tokens; what a file is over is seen from its vocabulary."""
    from speechrnn.lm.ngram import NgramModel

    word_lm = NgramModel.read_arpa(helpers.lm) if helpers.lm else None
    letter_lm = NgramModel.read_arpa(helpers.letter_lm) if helpers.letter_lm else None
    if letter_lm is not None:
        strange = _strangers(tokenizer, letter_lm)
        if strange:
            raise DataError(
                f"{helpers.letter_lm}: holds what is no token of the model: {_some(strange)}",
                "estimate it from texts in the model's tokens: speechrnn lm train --unit letter --tokens MODEL/tokens.txt",
            )
    if word_lm is not None and not _strangers(tokenizer, word_lm):
        if letter_lm is not None:
            raise UsageError(f"{helpers.lm} and {helpers.letter_lm} are both over the model's tokens", "give one of them")
        if helpers.lexicon is not None:
            raise UsageError(
                f"{helpers.lm} is over the model's tokens, {helpers.lexicon} over words",
                "give it as --letter-lm, to spell words that the lexicon lacks, or leave the lexicon out",
            )
        return None, word_lm
    return word_lm, letter_lm


def _strangers(tokenizer: Tokenizer, lm: NgramModel) -> list[str]:
    """Words of a language model that are no tokens."""
    from speechrnn.lm.symbols import RESERVED

    known = {*tokenizer.tokens, *RESERVED} - {BLANK}
    return [word for word in lm.vocabulary if word not in known]


def _lexicon(
    tokenizer: Tokenizer, text: TextOptions, helpers: Helpers, word_lm: NgramModel | None
) -> Mapping[str, Sequence[Sequence[int]]] | None:
    """Words in tokens; those that the model cannot write are left out and named."""
    from speechrnn.lm.symbols import RESERVED
    from speechrnn.text.lexicon import Lexicon, read_lexicon

    if helpers.lexicon is not None:
        given: Lexicon = read_lexicon(helpers.lexicon, text.unicode)
        source = helpers.lexicon
    elif word_lm is not None:
        given = {word: [] for word in word_lm.vocabulary if word not in RESERVED}
        assert helpers.lm is not None
        source = helpers.lm
    else:
        return None
    if tokenizer.unit == "phones":
        if helpers.lexicon is None:
            raise UsageError(f"{source}: words, and the model writes phones", "give the words' pronunciations by --lexicon")
        return _pronunciations(tokenizer, given, source)
    found: dict[str, list[list[int]]] = {}
    left_out = []
    # Hotwords are words that may occur, too, and are written as they sound to a model of letters.
    for word in (*given, *(word for phrase, _ in helpers.hotwords for word in phrase.split())):
        spelling = normalize(word, text)
        try:
            if not spelling or " " in spelling:
                raise UnknownSymbol(" ", 0, word)
            found.setdefault(spelling, [tokenizer.encode(spelling)])
        except UnknownSymbol:
            left_out.append(word)
    if not found:
        raise DataError(
            f"{source}: none of its {len(given)} words can be written in the model's tokens, for example {_some(left_out)}",
            "give a language model or lexicon in the model's own script and case",
        )
    if left_out:
        logger.warning("%s: %d words left out that the model's tokens cannot write: %s", source, len(left_out), _some(left_out))
    return found


def _pronunciations(
    tokenizer: Tokenizer, given: Mapping[str, Sequence[tuple[str, ...]]], source: FilePath
) -> dict[str, list[list[int]]]:
    """Pronunciations in token ids.

    Raises:
        DataError: phones that the model lacks, with words that hold them.
    """
    ids = {token: index for index, token in enumerate(tokenizer.tokens) if index}
    unknown = {phone: word for word, several in given.items() for phones in several for phone in phones if phone not in ids}
    if unknown:
        named = ", ".join(f"{phone} (in {word})" for phone, word in list(unknown.items())[:_NAMED])
        raise DataError(f"{source}: phones that the model lacks: {named}", "write pronunciations in the phones of MODEL/tokens.txt")
    return {word: [[ids[phone] for phone in phones] for phones in several] for word, several in given.items()}


def _hotwords(
    tokenizer: Tokenizer, text: TextOptions, phrases: Iterable[tuple[str, float]], lexicon: Mapping[str, object] | None
) -> list[tuple[list[int], float]]:
    """Hotwords as the search takes them: words of the lexicon, or tokens.

    Raises:
        UsageError: one that cannot be written so.
    """
    found = []
    places = {word: index for index, word in enumerate(lexicon or ())}
    for phrase, bonus in phrases:
        spelling = normalize(phrase, text)
        if not spelling:
            raise UsageError(f"the hotword {phrase!r} is empty", "give at least one letter")
        if lexicon is not None:
            missing = [word for word in spelling.split() if word not in places]
            if missing:
                raise UsageError(f"the hotword {phrase!r}: the lexicon lacks {_some(missing)}", "add it to the lexicon")
            found.append(([places[word] for word in spelling.split()], bonus))
            continue
        try:
            ids = [tokenizer.tokens.index(phone) for phone in spelling.split()] if tokenizer.unit == "phones" else None
            found.append((tokenizer.encode(spelling) if ids is None else ids, bonus))
        except (UnknownSymbol, ValueError) as error:
            raise UsageError(
                f"the hotword {phrase!r} cannot be written in the model's tokens: {error}",
                "write it in the tokens of MODEL/tokens.txt",
            ) from error
    return found


def _some(words: Sequence[str]) -> str:
    """The first few of many words."""
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return " ".join(words[:_NAMED]) + more
