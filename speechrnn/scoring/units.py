"""What is counted: words, characters or tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from speechrnn.text.tokenizer import SPACE

if TYPE_CHECKING:
    from speechrnn.text.tokenizer import Tokenizer

METRICS = {"wer": "words", "cer": "characters", "per": "tokens", "error": "utterances"}
"""Rates and what they count."""
TOKEN_UNITS = frozenset({"letters", "phones"})
"""Units of models that write words by a lexicon alone."""


def metrics_of(unit: str, writes_words: bool) -> tuple[str, ...]:
    """Rates that make sense for a tokenizer's unit, the headline first; a lexicon makes words of phones and letters.

    Where numbers are given (``value``) there is nothing to count.

    >>> metrics_of("chars", True), metrics_of("phones", False), metrics_of("phones", True)
    (('wer', 'cer'), ('per',), ('wer', 'per'))
    """
    if unit == "value":
        return ()
    if unit == "classes":
        return ("error",)
    if unit == "frames":
        return ("per",)
    if unit == "chars":
        return "wer", "cer"
    return ("wer", "per") if writes_words else ("per",)


def words(text: str) -> list[str]:
    """What stands between spaces."""
    return text.split()


def characters(text: str) -> list[str]:
    """Code points with single spaces between words: a wrong word boundary is an error.

    >>> characters(" a  bc ")
    ['a', ' ', 'b', 'c']
    """
    return list(" ".join(text.split()))


def reference_tokens(tokenizer: Tokenizer, text: str) -> tuple[str, ...]:
    """The tokens a perfect model would give for a normalized reference, without word boundaries.

    Letters are found by longest match, as the tokenizer does. A letter that the model does not know stands for itself: a
    token that can never be right, so that no utterance is left out. Words become the phones of their first pronunciation.

    Raises:
        DataError: a word without pronunciation (phones).
    """
    if tokenizer.unit == "phones":
        return tuple(tokenizer.tokens[index] for index in tokenizer.encode(text))
    return split_letters(text, tokenizer.tokens)


def split_letters(text: str, tokens: Sequence[str]) -> tuple[str, ...]:
    """Letters of a text by longest match within its words; what matches no token stands for itself. Spaces are dropped.

    >>> split_letters("kpa ñ", ["a", "k", "kp"])
    ('kp', 'a', 'ñ')
    """
    by_length = sorted((token for token in tokens if token != SPACE), key=len, reverse=True)
    pattern = "|".join([*(re.escape(token) for token in by_length), "."])
    return tuple(letter for letter in re.findall(pattern, text, re.DOTALL) if letter != " ")


def hypothesis_tokens(tokens: Sequence[str]) -> tuple[str, ...]:
    """A model's tokens without word boundaries."""
    return tuple(token for token in tokens if token not in {SPACE, " "})
