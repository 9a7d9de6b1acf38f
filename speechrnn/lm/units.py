"""Texts as sequences of a model's tokens: words, phones or letters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from speechrnn.errors import DataError, UsageError, listed
from speechrnn.lm.symbols import RESERVED
from speechrnn.text.graphemes import graphemes
from speechrnn.text.lexicon import read_lexicon
from speechrnn.text.normalize import TextOptions, normalize
from speechrnn.text.tokenizer import SPACE, Tokenizer, UnknownSymbol, read_tokens

UNITS = ("word", "phone", "letter")


@dataclass(frozen=True)
class UnitOptions:
    """What a model's tokens are, and how texts become sequences of them."""

    unit: str = "word"
    """word: what stands between spaces. phone: words through a lexicon, or, without one, what stands between spaces. letter:
    letters with the marks that belong to them; spaces are dropped."""
    text: TextOptions = TextOptions()
    """Normalization: that of the transcripts of the recognizer that the model is for."""
    lexicon: Path | None = None
    """For phones: the first pronunciation of each word is taken, as in training."""
    tokens: Path | None = None
    """For letters: a tokens.txt, by whose longest match words are read, as the recognizer reads them."""
    word_boundary: bool = False
    """For letters: spaces are kept, as the token ``<space>``."""

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise UsageError(f"the unit is {self.unit!r}", f"choose one of {', '.join(UNITS)}")
        serves = (
            ("a lexicon", "phone", self.lexicon is not None),
            ("a tokens.txt", "letter", self.tokens is not None),
            ("the word boundary", "letter", self.word_boundary),
        )
        for name, unit, given in serves:
            if given and self.unit != unit:
                raise UsageError(
                    f"{name} is of use for {unit}s, and the unit is {self.unit}", f"leave it out, or choose the unit {unit}"
                )


class Splitter:
    """Turns texts into tokens, and remembers the words that have no pronunciation."""

    def __init__(self, options: UnitOptions) -> None:
        """Read what the options name.

        Raises:
            DataError: a lexicon or tokens.txt that is missing or wrong.
        """
        self.options = options
        self.missing: Counter[str] = Counter()
        self._lexicon = read_lexicon(options.lexicon, options.text.unicode) if options.lexicon else None
        self._tokenizer = Tokenizer(read_tokens(options.tokens, options.text.unicode), "letters") if options.tokens else None

    def tokens(self, text: str, where: str) -> list[str]:
        """The tokens of a sentence.

        Args:
            text: as its file has it.
            where: file and line or utterance, for errors.

        Raises:
            DataError: a letter that is not in tokens.txt; a word such as ``<s>`` that models keep for themselves.
        """
        words = normalize(text, self.options.text).split()
        if self.options.unit == "letter":
            tokens = self._letters(words, where)
        elif self._lexicon is not None:
            self.missing.update(word for word in words if word not in self._lexicon)
            tokens = [phone for word in words if word in self._lexicon for phone in self._lexicon[word][0]]
        else:
            tokens = words
        for reserved in RESERVED:
            if reserved in tokens:
                raise DataError(
                    f"{where}: the word {reserved} is the model's own", "remove it: sentences get <s> and </s> by themselves"
                )
        return tokens

    def _letters(self, words: list[str], where: str) -> list[str]:
        tokens: list[str] = []
        for word in words:
            if tokens and self.options.word_boundary:
                tokens.append(SPACE)
            if self._tokenizer is None:
                tokens.extend(graphemes(word))
                continue
            try:
                tokens.extend(self._tokenizer.tokens[index] for index in self._tokenizer.encode(word))
            except UnknownSymbol as error:
                message = f"{where}: the symbol {error.symbol!r} of the word {word!r} is not in {self.options.tokens}"
                raise DataError(message, "correct the text, remove the symbol, or add it to the tokens") from None
        return tokens

    def check(self) -> None:
        """Refuse texts some of whose words have no pronunciation; they are named, the commonest first.

        Raises:
            DataError: there are such words.
        """
        if self.missing:
            names = listed((f"{word} ({count})" for word, count in self.missing.most_common()), 20)
            message = f"{self.options.lexicon}: {len(self.missing)} words of the texts are not in it: {names}"
            raise DataError(message, "add a line WORD<TAB>ph ph ph for each")
