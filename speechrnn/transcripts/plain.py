"""Text as every format can hold it: one line, nothing that is no character."""

from __future__ import annotations

import re

_SPACES = re.compile("[\t-\r\x1c-\x20\x85\u2028\u2029]+")
"""Spaces and whatever some program takes for the end of a line; no-break and ideographic spaces are letters here."""
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters, halves of characters and code points that XML forbids."""


def plain(text: str) -> str:
    """A text in one line: runs of spaces, tabs and line ends become a space, what is no character becomes U+FFFD.

    >>> plain(" a\\tb\\r\\nc\\x00 ")
    'a b c\\ufffd'
    """
    return characters(_SPACES.sub(" ", text)).strip(" ")


def characters(text: str) -> str:
    """A text in which what is no character is U+FFFD; spaces stay, as in the name of a file."""
    return _NO_TEXT.sub("\ufffd", text)
