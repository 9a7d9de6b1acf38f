"""Text to token ids and back, over a closed inventory whose first entry is the CTC blank."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from speechrnn.errors import DataError
from speechrnn.text.files import read_text
from speechrnn.text.graphemes import graphemes
from speechrnn.text.normalize import TextOptions, normalize

BLANK = "<blank>"
UNITS = ("chars", "letters", "phones")
"""What text is split into; see :class:`Tokenizer`."""
SPACE = "<space>"
"""The word boundary as written in ``tokens.txt``: a line that holds only a space would be lost in many editors."""


class UnknownSymbol(DataError):
    """A transcript holds a symbol that the inventory lacks."""

    def __init__(self, symbol: str, position: int, text: str) -> None:
        names = ", ".join(f"U+{ord(character):04X} {unicodedata.name(character, 'unnamed')}" for character in symbol)
        super().__init__(
            f"symbol {symbol!r} ({names}) at position {position + 1} of {text!r} is not among the model's tokens",
            "correct the transcript, remove the symbol by text.remove=…, or add it to tokens.txt and train anew",
        )
        self.symbol = symbol


@dataclass(frozen=True)
class Tokenizer:
    """Splits text by longest match over ``tokens``.

    Attributes:
        tokens: K symbols, ``<blank>`` first; ``<space>`` stands for the word boundary; a symbol may have several letters.
        unit: ``chars`` and ``letters`` read orthography letter by letter (``letters`` has no word boundary: spaces
            are dropped, as in a phone error rate); ``phones`` reads words through ``pronunciations``.
        pronunciations: for ``phones``, word -> its pronunciations, the first is trained on.
        counts: for ``phones``, word -> how often the training texts hold it; tells words of equal sound apart.

    >>> t = Tokenizer(("<blank>", "<space>", "a", "k", "kp"), "chars")
    >>> t.encode("kpa ka")
    [4, 2, 1, 3, 2]
    >>> t.decode([4, 2, 1, 3, 2])
    'kpa ka'
    """

    tokens: tuple[str, ...]
    unit: str = "chars"
    pronunciations: Mapping[str, Sequence[tuple[str, ...]]] = field(default_factory=dict, repr=False)
    counts: Mapping[str, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.tokens or self.tokens[0] != BLANK:
            raise DataError(f"the first token is {self.tokens[:1]}, not {BLANK}", f"make {BLANK} the first line of tokens.txt")
        twice = [token for token, count in Counter(self.tokens).items() if count > 1]
        if twice:
            raise DataError(f"tokens listed twice: {' '.join(twice)}", "keep one line for each in tokens.txt")
        if "" in self.tokens:
            raise DataError(f"token {self.tokens.index('')} is empty", f"write {SPACE} for the word boundary; remove empty lines")

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {(" " if token == SPACE else token): index for index, token in enumerate(self.tokens) if index}

    @cached_property
    def _longest(self) -> int:
        return max((len(symbol) for symbol in self._ids), default=1)

    def encode(self, text: str) -> list[int]:
        """Token ids of a normalized text.

        Raises:
            UnknownSymbol: with the symbol, its code point and its place.
            DataError: a word without pronunciation (phones).
        """
        if self.unit == "phones":
            return self._encode_phones(text)
        return [self._ids[part[start:end]] for part in self._parts(text) for start, end in self._spans(part)]

    def _parts(self, text: str) -> list[str]:
        """What is read on its own: words where the boundary is dropped, so that no letter is read across two of them."""
        return text.split() if self.unit == "letters" else [text]

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end (exclusive) of each token, by longest match."""
        position = 0
        while position < len(text):
            for length in range(min(self._longest, len(text) - position), 0, -1):
                if text[position : position + length] in self._ids:
                    yield position, position + length
                    position += length
                    break
            else:
                raise UnknownSymbol(text[position], position, text)

    def can_encode(self, text: str) -> bool:
        """Whether every symbol of a normalized text is in the inventory."""
        try:
            self.encode(text)
        except DataError:
            return False
        return True

    def _encode_phones(self, text: str) -> list[int]:
        ids: list[int] = []
        for word in text.split():
            known = self.pronunciations.get(word)
            if not known:
                raise DataError(f"the word {word!r} has no pronunciation", "add a line WORD<TAB>ph ph ph to lexicon.txt")
            for phone in known[0]:
                if phone not in self._ids:
                    raise DataError(f"phone {phone!r} of the word {word!r} is not among the tokens", "add it to tokens.txt")
                ids.append(self._ids[phone])
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Text of token ids (no blanks, no repeats left in); phones are separated by spaces."""
        symbols = [" " if self.tokens[i] == SPACE else self.tokens[i] for i in ids]
        return " ".join(symbols) if self.unit == "phones" else " ".join("".join(symbols).split())

    def ambiguities(self, texts: Iterable[str]) -> Counter[str]:
        """Tokens where longest match hid another reading of the whole text, counted: an ``n`` before ``g`` where ``ng`` is a token.

        A token counts where some other way to write the text in tokens splits it or crosses its borders.

        >>> Tokenizer(("<blank>", "a", "g", "n", "ng"), "letters").ambiguities(["nganga", "gn"])
        Counter({'ng': 2})
        """
        found: Counter[str] = Counter()
        if self.unit == "phones" or self._longest == 1:
            return found
        for text in texts:
            for part in self._parts(text):
                found.update(self._hidden_readings(part))
        return found

    def _hidden_readings(self, text: str) -> Iterator[str]:
        """The tokens of the longest-match reading that another full reading does without."""
        spans = list(self._spans(text))
        pieces = [
            (start, end)
            for start in range(len(text))
            for end in range(start + 1, min(start + self._longest, len(text)) + 1)
            if text[start:end] in self._ids
        ]
        # Ends of pieces that readings from the start reach, and starts from which readings reach the end.
        before, after = {0}, {len(text)}
        for start, end in pieces:
            if start in before:
                before.add(end)
        for start, end in reversed(pieces):
            if end in after:
                after.add(start)
        taken = set(spans)
        others = [(start, end) for start, end in pieces if start in before and end in after and (start, end) not in taken]
        doubtful = {place for start, end in others for place in range(start, end)}
        for start, end in spans:
            if not doubtful.isdisjoint(range(start, end)):
                yield text[start:end]


def learn_tokens(texts: Iterable[str], unit: str) -> tuple[str, ...]:
    """The inventory of the training texts: blank, then the word boundary (``chars``), then symbols in code point order.

    A mark stays with the letter before it (:func:`~speechrnn.text.graphemes.graphemes`), so that a tone mark is never a
    token without its vowel.

    >>> learn_tokens(["ba a"], "chars")
    ('<blank>', '<space>', 'a', 'b')
    """
    symbols: set[str] = set()
    for text in texts:
        for word in text.split():
            symbols.update(graphemes(word))
    boundary = (SPACE,) if unit == "chars" else ()
    return (BLANK, *boundary, *sorted(symbols))


def read_tokens(path: Path, form: str = "NFC") -> tuple[str, ...]:
    """Read ``tokens.txt``: a line a token, in the Unicode form of the texts.

    Raises:
        DataError: missing, not readable as text, empty, or with an empty line.
    """
    lines = read_text(path, "give the path of a tokens.txt, a line a token").removesuffix("\n").split("\n")
    if lines == [""]:
        raise DataError(f"{path}: empty", "write a line a token")
    tokens = [SPACE if line == " " else normalize(line, TextOptions(unicode=form)) for line in lines]
    for number, token in enumerate(tokens, 1):
        if not token.strip():
            raise DataError(f"{path}, line {number}: empty", f"write {SPACE} for the word boundary; remove empty lines")
    if tokens[0] != BLANK:
        tokens.insert(0, BLANK)
    return tuple(tokens)
