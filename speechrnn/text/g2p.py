"""Pronunciations of words: from a lexicon where it has them, else by eSpeak NG's rules; in IPA, or for English in ARPAbet.

eSpeak says something about everything: a word in a script that its language is not written in becomes names of letters, and so do
signs. Such words are named instead.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from speechrnn.errors import DataError, UsageError, listed
from speechrnn.text.espeak import pronounce
from speechrnn.text.lexicon import Lexicon, add
from speechrnn.text.normalize import normalize

ALPHABETS = ("ipa", "arpabet")
VOWELS = frozenset({"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"})
"""Of ARPAbet, without stress."""
# American English, then what British English has instead. The flap and the glottal stop of water and button are a T, as in CMUdict.
_TABLE = """
iː IY, i IY, ɪ IH, ᵻ IH, ɛ EH, æ AE, ɑː AA, ɑ AA, ɔː AO, ɔ AO, ʊ UH, uː UW, u UW, ʌ AH, ə AH, ɐ AH, ɜː ER, ɚ ER,
eɪ EY, aɪ AY, aʊ AW, ɔɪ OY, oʊ OW, iə IY AH, aɪə AY AH, aɪɚ AY ER,
ɪɹ IH R, ɛɹ EH R, ʊɹ UH R, ɔːɹ AO R, ɑːɹ AA R, əl AH L, n̩ AH N,
ɒ AA, əʊ OW, eə EH AH, ʊə UH AH,
p P, b B, t T, d D, k K, ɡ G, f F, v V, θ TH, ð DH, s S, z Z, ʃ SH, ʒ ZH, h HH, tʃ CH, dʒ JH,
m M, n N, ŋ NG, l L, ɹ R, r R, j Y, w W, ɾ T, ʔ T, x K
"""
_ARPABET = {phone: tuple(symbols) for phone, *symbols in map(str.split, _TABLE.split(","))}
"""eSpeak's phones of English in IPA, without stress, and what they are in ARPAbet."""
CONSONANTS = frozenset(symbol for symbols in _ARPABET.values() for symbol in symbols) - VOWELS
"""Of ARPAbet."""
_SCRIPTS = {
    "CYRILLIC": "ru uk be bg mk sr kk ky tt ba cv",
    "GREEK": "el grc",
    "ARABIC": "ar fa ur ug sd",
    "HEBREW": "he",
    "DEVANAGARI": "hi mr ne kok",
    "BENGALI": "bn as bpy",
    "GURMUKHI": "pa",
    "GUJARATI": "gu",
    "ORIYA": "or",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "MYANMAR": "my shn",
    "THAI": "th",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy hyw",
    "ETHIOPIC": "am",
    "CHEROKEE": "chr",
    "HANGUL": "ko",
    "HIRAGANA KATAKANA CJK": "ja",
    "CJK LATIN": "cmn yue hak",
}
"""Scripts (first words of their letters' Unicode names) and the voices that read them; all others read Latin letters."""


@dataclass(frozen=True)
class Spoken:
    """Pronunciations of words, and the words that have none.

    Attributes:
        lexicon: words with their pronunciations, in the order given.
        by_rule: words among them that eSpeak has pronounced.
        unknown: words without pronunciation, with why.
    """

    lexicon: Lexicon = field(default_factory=dict)
    by_rule: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)


def pronunciations(
    words: Iterable[str],
    language: str,
    lexicon: Mapping[str, Sequence[Sequence[str]]],
    alphabet: str = "ipa",
    *,
    stress: bool = False,
) -> Spoken:
    """How words are pronounced.

    Args:
        words: in any order; repeated ones count once. Of a word that is all capitals eSpeak is given the small letters, or it would
            spell IT and US; the lexicon is asked for the word as it stands.
        language: a voice of eSpeak NG, see :class:`~speechrnn.text.espeak.Speaker`.
        lexicon: pronunciations that are known, in the alphabet that is asked for; all those of a word are taken.
        alphabet: ``ipa``, or ``arpabet`` for English.
        stress: IPA keeps ˈ and ˌ, ARPAbet the digits 0, 1 and 2 behind its vowels; otherwise they are dropped, from the lexicon's
            pronunciations, too.

    Raises:
        MissingExtra: eSpeak is needed and not installed.
        DataError: an unknown language; a lexicon in another alphabet.
        UsageError: an unknown alphabet; ARPAbet for a language other than English.
    """
    if alphabet not in ALPHABETS:
        raise UsageError(f"the alphabet {alphabet!r}", f"choose one of {', '.join(ALPHABETS)}")
    if alphabet == "arpabet" and language.partition("-")[0] != "en":
        raise UsageError(f"ARPAbet writes English, not {language}", "choose the alphabet ipa")
    given = list(dict.fromkeys(word for word in map(normalize, words) if word))
    known: Lexicon = {}
    for word in given:
        for phones in lexicon.get(word, ()):
            add(known, word, tuple(phones if stress else (_unstressed(phone, alphabet) for phone in phones)))
    _check(known, alphabet, stress)
    unknown = {word: reason for word in given if word not in known and (reason := _unreadable(word, language))}
    asked = [word for word in given if word not in known and word not in unknown]
    small = [word.lower() if len(word) > 1 and word.isupper() else word for word in asked]
    spoken = pronounce(small, language, stress=True) if asked else []
    found: Lexicon = {}
    for word, phones in zip(asked, spoken, strict=True):
        strange = [phone for phone in phones if alphabet == "arpabet" and _plain(phone) not in _ARPABET]
        if strange:
            unknown[word] = (
                f"ARPAbet has nothing for {listed(dict.fromkeys(map(_plain, strange)))} ({' '.join(map(_plain, phones))})"
            )
        elif not phones:
            unknown[word] = "eSpeak says nothing"
        else:
            written = to_arpabet(phones, stress=stress) if alphabet == "arpabet" else phones
            found[word] = [tuple(phone if stress else _unstressed(phone, alphabet) for phone in written)]
    every = {word: known.get(word) or found[word] for word in given if word not in unknown}
    return Spoken(every, tuple(found), {word: unknown[word] for word in given if word in unknown})


def to_arpabet(phones: Iterable[str], *, stress: bool = False) -> tuple[str, ...]:
    """eSpeak's phones of English, ˈ and ˌ before them, in ARPAbet.

    >>> to_arpabet(("w", "ˈɔː", "ɾ", "ɚ"), stress=True)
    ('W', 'AO1', 'T', 'ER0')

    Raises:
        KeyError: a phone that ARPAbet has nothing for.
    """
    written: list[str] = []
    for phone in phones:
        digit = "1" if "ˈ" in phone else "2" if "ˌ" in phone else "0"
        for symbol in _ARPABET[_plain(phone)]:
            vowel = stress and symbol in VOWELS
            written.append(symbol + digit if vowel else symbol)
            # Only the first vowel of a phone such as aɪɚ bears its stress.
            digit = "0" if vowel else digit
    return tuple(written)


def _unreadable(word: str, language: str) -> str:
    """Why eSpeak cannot be asked for a word; empty where it can."""
    letters = [character for character in word if character.isalpha()]
    if not letters:
        return "it has no letters"
    base = language.partition("-")[0]
    scripts = next((names.split() for names, languages in _SCRIPTS.items() if base in languages.split()), ["LATIN"])
    strange = [letter for letter in letters if unicodedata.name(letter, "?").partition(" ")[0] not in (*scripts, "MODIFIER")]
    return f"{language} is not written with {listed(dict.fromkeys(strange))}" if strange else ""


def _check(known: Lexicon, alphabet: str, stress: bool) -> None:
    """Make sure that the lexicon's pronunciations go together with what eSpeak says."""
    phones = {phone: word for word, several in known.items() for one in several for phone in one}
    stressed = {vowel + digit for vowel in VOWELS for digit in "012"}
    if alphabet == "arpabet":
        strange = [phone for phone in phones if phone not in CONSONANTS | (stressed if stress else VOWELS)]
        if strange:
            named = listed(f"{phone} (in {phones[phone]})" for phone in strange)
            how = "ARPAbet with stress" if stress else "ARPAbet"
            raise DataError(f"the lexicon has phones that are not {how}: {named}", "give a lexicon in ARPAbet, or the alphabet ipa")
    elif known and all(phone in CONSONANTS | VOWELS | stressed for phone in phones):
        raise DataError(
            f"the lexicon is in ARPAbet: {listed(phones)}; what eSpeak says would be in IPA", "choose the alphabet arpabet"
        )


def _unstressed(phone: str, alphabet: str) -> str:
    if alphabet == "arpabet":
        return phone[:-1] if phone[-1:] in ("0", "1", "2") and phone[:-1] in VOWELS else phone
    return _plain(phone)


def _plain(phone: str) -> str:
    return phone.replace("ˈ", "").replace("ˌ", "")
