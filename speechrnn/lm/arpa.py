"""Reading ARPA files: n-gram models as text, log10 probabilities and backoff weights.

The format is that of Doug Paul's CMU/MIT Lincoln Laboratory toolkit, as SRILM's page ``ngram-format(5)`` describes it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from speechrnn.errors import DataError
from speechrnn.lm.lines import Lines
from speechrnn.lm.symbols import UNKNOWN

BLOCK_ROWS = 50_000
"""N-grams parsed at a time."""
LN10 = float(np.log(10.0))
_NO_UNKNOWN = -100.0
"""log10 probability of an unknown word in a model that lists none: KenLM's."""
_MOST = 1e6
"""No logarithm is larger."""
_COUNT = re.compile(rb"ngram\s+(\d{1,4})\s*=\s*(\d{1,18})$")
_MARK = b"\0"
"""Stands between the rows of a block while it is split."""
_ANEW = "fetch or copy the file again, or estimate it anew"
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Words (M, n) by ids in the order of the file, log10 probabilities and log10 backoff weights (M,)."""


@dataclass(frozen=True)
class Level:
    """The n-grams of one order, in the order of the file.

    Attributes:
        words: int32, shape (M, n): ids of the words.
        log_probs, backoffs: float32, shape (M,): natural logarithms; a backoff weight that is not written is 0.
    """

    words: np.ndarray
    log_probs: np.ndarray
    backoffs: np.ndarray


@dataclass(frozen=True)
class Arpa:
    """What an ARPA file holds.

    Attributes:
        vocabulary: the words; an id is an index. ``<unk>`` is 0, the others stand in the order of the file.
        levels: by order, unigrams first; the rows of the unigrams are in the order of their ids.
        lists_unknown: whether the file has ``<unk>``; without it an unknown word has log10 probability -100, as KenLM has it.
    """

    vocabulary: tuple[str, ...]
    levels: tuple[Level, ...]
    lists_unknown: bool


@dataclass(frozen=True)
class _Rows:
    """Some n-grams of one order, as written: a column of probabilities, one for each word, one of backoff weights."""

    columns: Sequence[Sequence[bytes]]
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def text(self, index: int) -> bytes:
        """The words of an n-gram."""
        return b" ".join(column[index] for column in self.columns[1:-1])


def read(path: str | Path) -> Arpa:
    """Read an ARPA file, plain or compressed by gzip, whatever its suffix.

    Columns are separated by tabs or spaces, lines end in any way, backoff weights may be missing, text may stand before
    ``\\data\\``; ``<UNK>`` is taken for ``<unk>``.

    Raises:
        DataError: with path and line: no such file, no ARPA file, damaged, cut short, other counts than its head promises, a value
            that is no logarithm of a probability, a word that the unigrams lack or have twice.
    """
    with contextlib.closing(Lines(Path(path))) as lines:
        return _Parser(lines).parse()


class _Parser:
    """One pass over a file."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.ids: dict[bytes, int] = {}

    def parse(self) -> Arpa:
        counts = self._head()
        columns: list[Columns] = []
        for order, count in enumerate(counts, 1):
            self._expect(b"\\%d-grams:" % order)
            columns.append(self._unigrams(count) if order == 1 else self._ngrams(order, count))
        self._expect(b"\\end\\")
        return self._arpa(columns)

    def _head(self) -> list[int]:
        """The counts by order."""
        while (line := self.lines.content()) != b"\\data\\":
            if line is None:
                message = f"{self.lines.path}: no line \\data\\ in it"
                raise DataError(message, "this is no ARPA file; speechrnn lm train makes one")
        counts: list[int] = []
        while (line := self.lines.content()) is not None and not line.startswith(b"\\"):
            found = _COUNT.match(line)
            if not found or int(found[1]) != len(counts) + 1:
                self._fail(f"{_shown(line)} where 'ngram {len(counts) + 1}=COUNT' is expected")
            counts.append(int(found[2]))
        if line is None:
            self._cut()
        if not counts or not counts[0]:
            self._fail("no unigrams are promised")
        self.lines.back()
        return counts

    def _expect(self, wanted: bytes) -> None:
        line = self.lines.content()
        if line is None:
            self._cut()
        if line != wanted:
            before = "" if line.startswith(b"\\") else "; there are more n-grams than the head of the file promises"
            self._fail(f"{_shown(line)} where {wanted.decode()} is expected{before}")

    def _unigrams(self, count: int) -> Columns:
        parts = []
        for rows in self._rows(1, count):
            for word, number in zip(rows.columns[1], rows.numbers, strict=True):
                try:
                    word.decode("utf-8")
                except UnicodeDecodeError:
                    self._fail(f"{word!r} is not utf-8", number, "save the file as UTF-8")
                if word in self.ids:
                    self._fail(f"the word {_shown(word)} is listed twice", number)
                self.ids[word] = len(self.ids)
            parts.append(self._values(rows))
        log_probs, backoffs = (np.concatenate(values) for values in zip(*parts, strict=True))
        return np.arange(len(self.ids), dtype=np.int32)[:, None], log_probs, backoffs

    def _ngrams(self, order: int, count: int) -> Columns:
        words = [np.zeros((0, order), np.int32)]
        parts = [(np.zeros(0), np.zeros(0))]
        for rows in self._rows(order, count):
            try:
                block = [np.fromiter(map(self.ids.__getitem__, column), np.int32, len(rows)) for column in rows.columns[1:-1]]
            except KeyError as error:
                index = min(column.index(error.args[0]) for column in rows.columns[1:-1] if error.args[0] in column)
                message = f"{_shown(rows.text(index))}: the word {_shown(error.args[0])} is not among the unigrams"
                self._fail(message, rows.numbers[index])
            words.append(np.stack(block, axis=1))
            parts.append(self._values(rows))
        log_probs, backoffs = (np.concatenate(values) for values in zip(*parts, strict=True))
        return np.concatenate(words), log_probs, backoffs

    def _rows(self, order: int, count: int) -> Iterator[_Rows]:
        """The promised n-grams, in blocks."""
        left = count
        while left:
            first = self.lines.number + 1
            lines = self.lines.take(min(left, BLOCK_ROWS))
            if not lines:
                self._cut()
            rows = _split_alike(lines, first, order) or self._split_each(lines, first, order, count - left, count)
            left -= len(rows)
            if len(rows):
                yield rows

    def _split_each(self, lines: list[bytes], first: int, order: int, read: int, count: int) -> _Rows:
        """Split a block whose rows differ: some have a backoff weight, some are blank, some are wrong."""
        rows: list[list[bytes]] = []
        numbers: list[int] = []
        for number, line in enumerate(lines, first):
            row = line.split()
            if len(row) == order + 1:
                row.append(b"0")
            if row and len(row) != order + 2:
                if row[0].startswith(b"\\"):
                    done = f"{read + len(rows):,} {order}-grams"
                    self._fail(f"{_shown(row[0])} after {done}; the head of the file promises {count:,}", number)
                if number == self.lines.number and self.lines.at_end():
                    self._cut()
                words = "1 word" if order == 1 else f"{order} words"
                self._fail(f"{_shown(line.strip())} is not a log10 probability, {words} and perhaps a backoff weight", number)
            if row:
                rows.append(row)
                numbers.append(number)
        return _Rows(list(zip(*rows, strict=True)), numbers)

    def _values(self, rows: _Rows) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities and backoff weights (log10)."""
        log_probs, backoffs = self._numbers(rows, 0), self._numbers(rows, -1)
        # NaN is neither.
        for column, wrong in ((0, ~((log_probs <= 0) & (log_probs >= -_MOST))), (-1, ~(np.abs(backoffs) <= _MOST))):
            if wrong.any():
                index = int(np.argmax(wrong))
                value = _shown(rows.columns[column][index])
                self._fail(f"{value} is not the log10 of a {'probability' if column == 0 else 'weight'}", rows.numbers[index])
        return log_probs, backoffs

    def _numbers(self, rows: _Rows, column: int) -> np.ndarray:
        try:
            return np.fromiter(map(float, rows.columns[column]), np.float64, len(rows))
        except ValueError:
            for value, number in zip(rows.columns[column], rows.numbers, strict=True):
                if not _is_number(value):
                    self._fail(f"{_shown(value)} is not a number", number)
            raise

    def _arpa(self, columns: list[Columns]) -> Arpa:
        """Words get their final ids: ``<unk>`` moves to the front, or is added there."""
        spelled = [word for word in (UNKNOWN.encode(), b"<UNK>") if word in self.ids]
        if len(spelled) > 1:
            raise DataError(f"{self.lines.path}: it lists both <unk> and <UNK>", "keep one of them")
        if not spelled:
            words, log_probs, backoffs = columns[0]
            columns[0] = np.append(words, [[len(words)]], axis=0), np.append(log_probs, _NO_UNKNOWN), np.append(backoffs, 0.0)
        unknown = self.ids[spelled[0]] if spelled else len(self.ids)
        final = np.arange(len(columns[0][0]), dtype=np.int32)
        final[:unknown] += 1
        final[unknown] = 0
        vocabulary = [UNKNOWN] * len(final)
        for word, index in self.ids.items():
            if index != unknown:
                vocabulary[final[index]] = word.decode("utf-8")
        levels = [
            Level(final[words], (log_probs * LN10).astype(np.float32), (backoffs * LN10).astype(np.float32))
            for words, log_probs, backoffs in columns
        ]
        first = levels[0]
        by_id = np.argsort(first.words[:, 0])
        levels[0] = Level(first.words[by_id], first.log_probs[by_id], first.backoffs[by_id])
        return Arpa(tuple(vocabulary), tuple(levels), bool(spelled))

    def _cut(self) -> NoReturn:
        raise DataError(f"{self.lines.path}: cut short: it ends with line {self.lines.number:,}, without \\end\\", _ANEW)

    def _fail(self, message: str, number: int | None = None, remedy: str = _ANEW) -> NoReturn:
        raise DataError(f"{self.lines.path}, line {self.lines.number if number is None else number}: {message}", remedy)


def _split_alike(lines: list[bytes], first: int, order: int) -> _Rows | None:
    """Split a block whose rows all have a backoff weight, or all have none: three times as fast as line by line."""
    fields = (b" " + _MARK + b" ").join(lines).split()
    for width in (order + 2, order + 1):
        if len(fields) == len(lines) * (width + 1) - 1 and fields[width :: width + 1].count(_MARK) == len(lines) - 1:
            columns = [fields[column :: width + 1] for column in range(width)]
            if width == order + 1:
                columns.append([b"0"] * len(lines))
            return _Rows(columns, range(first, first + len(lines)))
    return None


def _is_number(value: bytes) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _shown(value: bytes) -> str:
    """A piece of a file as messages show it."""
    text = value.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
