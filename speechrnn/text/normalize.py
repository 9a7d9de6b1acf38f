"""One rule that turns written text into what is trained on and scored; it travels with the model as ``text.yaml``."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from speechrnn.errors import UsageError

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
    """Characters dropped wherever they occur, for example ``.,;:!?``."""

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
    if options.unicode != "none":
        text = unicodedata.normalize(options.unicode, text)  # type: ignore[arg-type]
    if options.case == "lower":
        text = text.lower()
    elif options.case == "upper":
        text = text.upper()
    if options.remove:
        text = text.translate({ord(character): None for character in options.remove})
    return " ".join(text.split())
