"""What helps a decoder besides the posteriors, read from files and fitted to a model's tokens."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from speechrnn.errors import DataError, UsageError
from speechrnn.text.normalize import TextOptions, normalize
from speechrnn.text.tokenizer import BLANK, Tokenizer, UnknownSymbol

if TYPE_CHECKING:
    from speechrnn.decoding.rescoring import Rescorer
    from speechrnn.lm.ngram import NgramModel

logger = logging.getLogger("speechrnn")
_NAMED = 10
"""Words named in a warning."""


@dataclass(frozen=True, slots=True)
class Helpers:
    """What helps a decoder besides the posteriors.

    Attributes:
        lm: an ARPA file over words, or over the model's own tokens.
        lexicon: words and, for a model of phones, their pronunciations; without it the words of ``lm`` are spelled.
        letter_lm: an ARPA file over the model's tokens; beside a lexicon it spells words that the lexicon lacks.
        hotwords: phrases and their bonuses in nats.
        rescore: an ARPA file or a model directory of kind lm, over words or tokens, by which the beam is ranked once more.
        rescorer: that model, where it is no ARPA file: whoever can run it opens it.
    """

    lm: Path | None = None
    lexicon: Path | None = None
    letter_lm: Path | None = None
    hotwords: tuple[tuple[str, float], ...] = field(default=())
    rescore: Path | None = None
    rescorer: Rescorer | None = field(default=None, compare=False)

    def __bool__(self) -> bool:
        return bool(self.files() or self.hotwords)

    def files(self) -> list[tuple[str, Path]]:
        """What is read from files, by name."""
        every = (("lm", self.lm), ("lexicon", self.lexicon), ("letter_lm", self.letter_lm), ("rescore", self.rescore))
        return [(name, path) for name, path in every if path is not None]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Helpers in a model's tokens, as :class:`speechrnn.decoding.beam.BeamSearch` takes them.

    Attributes:
        word_lm, letter_lm: language models over words and over tokens.
        lexicon: words and their pronunciations in token ids; ``None`` where tokens are free.
        hotwords: words of the lexicon by index, or token ids, and bonuses in nats.
        rescorer: ranks the readings of the beam once more.
        rescores_tokens: it is over tokens, not words.
    """

    word_lm: NgramModel | None
    letter_lm: NgramModel | None
    lexicon: Mapping[str, Sequence[Sequence[int]]] | None
    hotwords: list[tuple[list[int], float]]
    rescorer: Rescorer | None
    rescores_tokens: bool


def fit(tokenizer: Tokenizer, text: TextOptions, helpers: Helpers) -> Fitted:
    """Read helpers and fit them to a model.

    Raises:
        DataError: a language model or lexicon that does not fit the model, with what it lacks.
        UsageError: helpers that do not fit each other; a hotword that the model's tokens cannot write.
    """
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
    rescorer, over_tokens = _rescorer(tokenizer, text, helpers, lexicon)
    hotwords = _hotwords(tokenizer, text, helpers.hotwords, lexicon)
    return Fitted(word_lm, letter_lm, lexicon, hotwords, rescorer, over_tokens)


def _rescorer(
    tokenizer: Tokenizer, text: TextOptions, helpers: Helpers, lexicon: Mapping[str, object] | None
) -> tuple[Rescorer | None, bool]:
    """A model to rescore with, and whether it is over tokens.

    Raises:
        DataError: it knows none of the words that may be read.
        UsageError: it is over words, and the model reads none.
    """
    from speechrnn.lm.ngram import NgramModel
    from speechrnn.lm.symbols import RESERVED

    path = helpers.rescore
    if path is None:
        return None, False
    model = helpers.rescorer or NgramModel.read_arpa(path)
    over_tokens = not _strangers(tokenizer, model)
    if not over_tokens and lexicon is None and tokenizer.unit != "chars":
        raise UsageError(
            f"{path} is over words, and the model writes {tokenizer.unit}", "give a lexicon, too, or a model over tokens"
        )
    if not over_tokens:
        words = [word for word in model.vocabulary if word not in RESERVED]
        known = [
            word for word in words if (word in lexicon if lexicon is not None else tokenizer.can_encode(normalize(word, text)))
        ]
        if not known:
            raise DataError(
                f"{path}: none of its {len(words)} words can be read by this model, for example {_some(words)}",
                "give a language model over the same words, in the same script and case",
            )
    return model, over_tokens


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


def _strangers(tokenizer: Tokenizer, lm: Rescorer) -> list[str]:
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
    tokenizer: Tokenizer, given: Mapping[str, Sequence[tuple[str, ...]]], source: Path
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
                f"the hotword {phrase!r} cannot be written in the model's tokens: "
                f"{error.message if isinstance(error, UnknownSymbol) else error}",
                "write it in the tokens of MODEL/tokens.txt",
            ) from error
    return found


def _some(words: Sequence[str]) -> str:
    """The first few of many words."""
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return " ".join(words[:_NAMED]) + more
