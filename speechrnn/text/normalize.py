"""One rule that turns written text into what is trained on and scored; it travels with the model as ``text.yaml``."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from speechrnn.errors import UsageError
from speechrnn.text.graphemes import graphemes, is_mark

FORMS = ("NFC", "NFD", "NFKC", "NFKD", "none")
CASES = ("keep", "lower", "upper")


@dataclass(frozen=True)
class TextOptions:
    """How transcripts are normalized before training and before scoring."""

    unicode: str = "NFC"
    """Unicode normalization form; NFC keeps an accented letter one code point wherever one exists."""
    case: str = "keep"
    """keep, lower or upper."""
    remove: str = ""
    """Letters and signs dropped wherever they occur, for example ``.,;:!?``, after the change of case. A letter counts with its
    marks: ``é`` leaves ``e`` alone and ``e`` leaves ``é``. A mark that follows no letter here is dropped wherever it
    is a character of its own: in form NFD from every letter, in NFC from those that have no accented form."""

    def __post_init__(self) -> None:
        if self.unicode not in FORMS:
            raise UsageError(f"text.unicode is {self.unicode!r}", f"choose one of {', '.join(FORMS)}")
        if self.case not in CASES:
            raise UsageError(f"text.case is {self.case!r}", f"choose one of {', '.join(CASES)}")


def normalize(text: str, options: TextOptions = TextOptions()) -> str:
    """Apply the rule; white space of any kind becomes single spaces, none at the ends.

    >>> normalize("  Wa\\u0301  o.\\n", TextOptions(case="lower", remove="."))
    'wá o'
    """
    text = _in_form(text, options.unicode)
    if options.case == "lower":
        text = text.lower()
    elif options.case == "upper":
        text = text.upper()
    if options.remove:
        letters, marks = _removed(options)
        kept = "".join(letter for letter in graphemes(text) if letter not in letters)
        text = _in_form(kept.translate(marks), options.unicode)
    return " ".join(text.split())


@lru_cache(maxsize=64)
def _removed(options: TextOptions) -> tuple[frozenset[str], dict[int, None]]:
    """What ``remove`` names, in the form of the texts: letters with their marks, and marks by themselves."""
    letters: set[str] = set()
    marks: dict[int, None] = {}
    for cluster in graphemes(_in_form(options.remove, options.unicode)):
        if unicodedata.category(cluster[0]).startswith("L"):
            letters.add(cluster)
        else:
            letters.update(character for character in cluster if not is_mark(character))
            marks.update((ord(character), None) for character in cluster if is_mark(character))
    return frozenset(letters), marks


def _in_form(text: str, form: str) -> str:
    return text if form == "none" else unicodedata.normalize(form, text)  # type: ignore[arg-type]
