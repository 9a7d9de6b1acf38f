"""Errors by class of label: consonants alone, vowels alone, tone alone.

Of both sides only what belongs to the class is kept, then counted as ever: a consonant that is wrong leaves the vowels' rate as it
is. A token's first letter decides. Letters are those of Latin, Greek and Cyrillic script and of the IPA; other scripts have no
classes here. Tone is what stands on a vowel: acute, grave, circumflex, caron, macron or double grave, or a tone letter behind
it; a vowel without any is a tone like the others. In an orthography that marks vowel quality so (French é), read it as such.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from speechrnn.scoring.rates import Counts, count, total
from speechrnn.scoring.results import Item
from speechrnn.text.g2p import CONSONANTS, VOWELS

TONES = "\u0300\u0301\u0302\u0304\u030b\u030c\u030f\u1dc4\u1dc5\u1dc6\u1dc7˥˦˧˨˩"
"""Combining marks and tone letters; U+030B and U+030F are extra high and extra low in the IPA."""
_VOWEL_LETTERS = frozenset("aeiouɑɐɒæəɘɚɛɜɝɞɤɨɩɪıɔɵøœɶʉʊʌʏɯɷαεηιουωаеёиоуыэюяієї")
_NOT_LETTERS = frozenset("ˈˌ'ʼ̯͜͡")


@dataclass(frozen=True, slots=True)
class ClassRate:
    """Errors of a class: its name and counts over its own tokens."""

    name: str
    counts: Counts


def split_tone(token: str) -> tuple[str, str]:
    """A token without tone, and its tone.

    >>> split_tone("ɔ̃́"), split_tone("a˥˩"), split_tone("k")
    (('ɔ̃', '́'), ('a', '˥˩'), ('k', ''))
    """
    decomposed = unicodedata.normalize("NFD", token)
    base = "".join(character for character in decomposed if character not in TONES)
    return unicodedata.normalize("NFC", base), "".join(character for character in decomposed if character in TONES)


def kind(token: str, unit: str) -> str:
    """``vowel``, ``consonant``, or nothing where that is not known.

    >>> kind("á", "letters"), kind("y", "letters"), kind("y", "phones"), kind("AH0", "phones"), kind("木", "letters")
    ('vowel', 'consonant', 'vowel', 'vowel', '')
    """
    plain = token.rstrip("012")
    if plain in VOWELS or plain in CONSONANTS:
        return "vowel" if plain in VOWELS else "consonant"
    letters = [character for character in unicodedata.normalize("NFD", token.casefold()) if character not in _NOT_LETTERS]
    if not letters or not unicodedata.name(letters[0], "").startswith(("LATIN", "GREEK", "CYRILLIC")):
        return ""
    vowel = letters[0] in _VOWEL_LETTERS or (letters[0] == "y" and unit == "phones")
    return "vowel" if vowel else "consonant"


def class_rates(items: Iterable[Item], unit: str) -> tuple[ClassRate, ...]:
    """Consonants, vowels without their tone and, where references have any, tone alone; nothing where a token has no class.

    Args:
        items: of a system whose tokens are counted.
        unit: ``letters`` or ``phones``: y is a consonant in an orthography and a vowel in the IPA.
    """
    sides = [item.sides("per") for item in items]
    tokens = {token for side in sides for one in side for token in one}
    kinds = {token: kind(token, unit) for token in tokens}
    if not tokens or "" in kinds.values():
        return ()
    parts = {token: split_tone(token) for token in tokens}
    found = [
        _rate("consonants", sides, {token: token for token in tokens if kinds[token] == "consonant"}),
        _rate("vowels", sides, {token: parts[token][0] for token in tokens if kinds[token] == "vowel"}),
    ]
    if any(parts[token][1] for reference, _ in sides for token in reference if kinds[token] == "vowel"):
        found.append(_rate("tone", sides, {token: parts[token][1] for token in tokens if kinds[token] == "vowel"}))
    return tuple(rate for rate in found if rate.counts.tokens)


def _rate(name: str, sides: Sequence[tuple[list[str], list[str]]], kept: Mapping[str, str]) -> ClassRate:
    """Counts over what is kept, as it is kept."""
    filtered = [[[kept[token] for token in side if token in kept] for side in both] for both in sides]
    return ClassRate(name, total(count(reference, hypothesis) for reference, hypothesis in filtered))
