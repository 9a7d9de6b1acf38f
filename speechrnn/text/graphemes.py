"""Letters together with the marks that belong to them."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"
"""Zero-width non-joiner and joiner: they shape the letter before them and are no symbols of their own."""


def is_mark(character: str) -> bool:
    """Combining marks (Unicode categories Mn, Mc, Me: accents, vowel signs, viramas) and the two joiners."""
    return character in JOINERS or unicodedata.category(character).startswith("M")


def graphemes(text: str) -> list[str]:
    """The letters of a text, each with the marks that follow it; a mark with nothing before it stands alone.

    Smaller than the clusters of Unicode's annex 29: consonants of a conjunct are letters of their own, and so is what
    Unicode counts as a letter although it is drawn on another one, such as the Thai sara am.

    >>> graphemes("ɔ\\u0300a"), graphemes("कि"), len(graphemes("กำ"))
    (['ɔ̀', 'a'], ['कि'], 2)
    """
    clusters: list[str] = []
    for character in text:
        if clusters and is_mark(character):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters
