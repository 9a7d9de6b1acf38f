"""Reading ARPA files: n-gram models as text, log10 probabilities and backoff weights.

The format is that of Doug Paul's CMU/MIT Lincoln Laboratory toolkit, as SRILM's page ``ngram-format(5)`` describes it.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn, cast

import numpy as np

from speechrnn.errors import DataError
from speechrnn.lm.symbols import UNKNOWN

BLOCK_BYTES = 4_000_000
"""Read at a time; a longer line is refused."""
BLOCK_ROWS = 50_000
"""N-grams parsed at a time."""
LN10 = float(np.log(10.0))
_NO_UNKNOWN = -100.0
"""log10 probability of an unknown word in a model that lists none: KenLM's."""
_COUNT = re.compile(rb"ngram\s+(\d{1,4})\s*=\s*(\d{1,18})$")
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Words (M, n) by ids in the order of the file, log10 probabilities and log10 backoff weights (M,)."""
_ANEW = "fetch or copy the file again, or estimate it anew"


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


def read(path: str | Path) -> Arpa:
    """Read an ARPA file, plain or compressed by gzip, whatever its suffix.

    Columns are separated by tabs or spaces, lines end in any way, backoff weights may be missing, text may stand before
    ``\\data\\``; ``<UNK>`` is taken for ``<unk>``.

    Raises:
        DataError: with path and line: no such file, no ARPA file, damaged, cut short, other counts than its head promises, a value
            that is no logarithm of a probability, a word that the unigrams lack or have twice.
    """
    path = Path(path)
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if compressed else raw
            return _Parser(path, stream).parse()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file", "give an ARPA file; speechrnn lm train makes one") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: its compression is damaged: {error}", _ANEW) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}", "check that it is a file you may read") from None


class _Parser:
    """One pass over the lines of a file; ``number`` is that of the line last taken."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self.path = path
        self.blocks = self._blocks(stream)
        self.lines: list[bytes] = []
        self.place = 0
        self.number = 0
        self.ids: dict[bytes, int] = {}
        self.order = 0

    def parse(self) -> Arpa:
        counts = self._head()
        self.order = len(counts)
        columns: list[Columns] = []
        for order, count in enumerate(counts, 1):
            self._section(order, count)
            columns.append(self._unigrams(count) if order == 1 else self._ngrams(order, count))
        self._end(counts[-1])
        return self._arpa(columns)

    def _arpa(self, columns: list[Columns]) -> Arpa:
        """Words get their final ids: ``<unk>`` moves to the front, or is added there."""
        spelled = [word for word in (UNKNOWN.encode(), b"<UNK>") if word in self.ids]
        if len(spelled) > 1:
            raise DataError(f"{self.path}: it lists both <unk> and <UNK>", "keep one of them")
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

    def _head(self) -> list[int]:
        """The counts by order."""
        line = self._content()
        while line != b"\\data\\":
            if line is None:
                raise DataError(f"{self.path}: no line \\data\\ in it", "not an ARPA file; speechrnn lm train makes one")
            line = self._content()
        counts: list[int] = []
        while (line := self._content()) is not None and not line.startswith(b"\\"):
            found = _COUNT.match(line)
            if not found or int(found[1]) != len(counts) + 1:
                self._fail(f"{_shown(line)} where 'ngram {len(counts) + 1}=COUNT' is expected", _ANEW)
            counts.append(int(found[2]))
        if line is None:
            self._cut()
        self._back()
        if not counts or not counts[0]:
            self._fail("no unigrams are promised", _ANEW)
        return counts

    def _section(self, order: int, count: int) -> None:
        line = self._content()
        if line is None:
            self._cut()
        if line != b"\\%d-grams:" % order:
            self._fail(f"{_shown(line)} where \\{order}-grams: is expected; the head of the file promises {count:,} of them", _ANEW)

    def _end(self, count: int) -> None:
        line = self._content()
        if line is None:
            self._cut()
        if line != b"\\end\\":
            self._fail(f"{_shown(line)} after the {count:,} {self.order}-grams that the head of the file promises", _ANEW)

    def _unigrams(self, count: int) -> Columns:
        parts = []
        for rows, numbers in self._rows(1, count):
            for (_, word, _), number in zip(rows, numbers, strict=True):
                try:
                    word.decode("utf-8")
                except UnicodeDecodeError:
                    self._fail(f"{word!r} is not utf-8", "save the file as UTF-8", number)
                if word in self.ids:
                    self._fail(f"the word {_shown(word)} is listed twice", _ANEW, number)
                self.ids[word] = len(self.ids)
            parts.append(self._values(rows, numbers))
        log_probs, backoffs = (np.concatenate(values) for values in zip(*parts, strict=True))
        return np.arange(len(self.ids), dtype=np.int32)[:, None], log_probs, backoffs

    def _ngrams(self, order: int, count: int) -> Columns:
        words = [np.zeros((0, order), np.int32)]
        parts = [(np.zeros(0), np.zeros(0))]
        for rows, numbers in self._rows(order, count):
            columns = list(zip(*rows, strict=True))[1 : order + 1]
            try:
                block = [np.fromiter(map(self.ids.__getitem__, column), np.int32, len(rows)) for column in columns]
            except KeyError:
                self._unlisted_word(rows, numbers)
            words.append(np.stack(block, axis=1))
            parts.append(self._values(rows, numbers))
        log_probs, backoffs = (np.concatenate(values) for values in zip(*parts, strict=True))
        return np.concatenate(words), log_probs, backoffs

    def _rows(self, order: int, count: int) -> Iterator[tuple[list[list[bytes]], list[int]]]:
        """Blocks of n-grams with their line numbers; each row is probability, words, backoff weight."""
        left = count
        while left:
            if self.place == len(self.lines) and not self._fill():
                self._cut()
            lines = self.lines[self.place : self.place + min(left, BLOCK_ROWS)]
            first = self.number + 1
            self.place += len(lines)
            self.number += len(lines)
            rows = list(map(bytes.split, lines))
            numbers = list(range(first, first + len(rows)))
            lengths = set(map(len, rows))
            if 0 in lengths:
                numbers = [number for row, number in zip(rows, numbers, strict=True) if row]
                rows = [row for row in rows if row]
            if not lengths <= {0, order + 1, order + 2}:
                row, number = next((r, n) for r, n in zip(rows, numbers, strict=True) if len(r) not in (order + 1, order + 2))
                self._wrong_row(row, number, order, count - left + numbers.index(number), count)
            if order + 1 in lengths:
                for row in rows:
                    if len(row) == order + 1:
                        row.append(b"0")
            left -= len(rows)
            if rows:
                yield rows, numbers

    def _wrong_row(self, row: list[bytes], number: int, order: int, read: int, count: int) -> NoReturn:
        if row[0].startswith(b"\\"):
            self._fail(f"{_shown(row[0])} after {read:,} {order}-grams; the head of the file promises {count:,}", _ANEW, number)
        words = "1 word" if order == 1 else f"{order} words"
        self._fail(f"{_shown(b' '.join(row))} is not a log10 probability, {words} and perhaps a backoff weight", _ANEW, number)

    def _unlisted_word(self, rows: list[list[bytes]], numbers: list[int]) -> NoReturn:
        for row, number in zip(rows, numbers, strict=True):
            for word in row[1:-1]:
                if word not in self.ids:
                    self._fail(f"{_shown(b' '.join(row[1:-1]))}: the word {_shown(word)} is not among the unigrams", _ANEW, number)
        raise AssertionError("every word is listed")

    def _values(self, rows: list[list[bytes]], numbers: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities and backoff weights (log10) of rows."""
        try:
            log_probs = np.array([float(row[0]) for row in rows])
            backoffs = np.array([float(row[-1]) for row in rows])
        except ValueError:
            for row, number in zip(rows, numbers, strict=True):
                for value in (row[0], row[-1]):
                    if not _is_number(value):
                        self._fail(f"{_shown(value)} is not a number", _ANEW, number)
            raise
        wrong = ~(np.isfinite(log_probs) & (log_probs <= 0) & np.isfinite(backoffs))
        if wrong.any():
            index = int(np.argmax(wrong))
            row = rows[index]
            value = row[-1] if np.isfinite(log_probs[index]) and log_probs[index] <= 0 else row[0]
            self._fail(f"{_shown(value)} is not the logarithm of a probability or of a weight", _ANEW, numbers[index])
        return log_probs, backoffs

    def _blocks(self, stream: IO[bytes]) -> Iterator[list[bytes]]:
        """Lines without their ends, many at a time."""
        rest = b""
        first = True
        while data := stream.read(BLOCK_BYTES):
            if first and data[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise DataError(f"{self.path}: it is UTF-16", "save the file as UTF-8")
            if first:
                data = data.removeprefix(b"\xef\xbb\xbf")
            first = False
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            if len(rest) > BLOCK_BYTES:
                raise DataError(f"{self.path}: a line is longer than {BLOCK_BYTES:,} bytes", "not an ARPA file")
            if lines:
                yield lines
        if rest:
            yield [rest]

    def _fill(self) -> bool:
        self.lines = next(self.blocks, [])
        self.place = 0
        return bool(self.lines)

    def _content(self) -> bytes | None:
        """The next line that is not blank, without white space at its ends; ``None`` at the end of the file."""
        while self.place < len(self.lines) or self._fill():
            line = self.lines[self.place].strip()
            self.place += 1
            self.number += 1
            if line:
                return line
        return None

    def _back(self) -> None:
        """Give the line last taken back."""
        self.place -= 1
        self.number -= 1

    def _cut(self) -> NoReturn:
        raise DataError(f"{self.path}: cut short: it ends after line {self.number:,}, without \\end\\", _ANEW)

    def _fail(self, message: str, remedy: str, number: int | None = None) -> NoReturn:
        raise DataError(f"{self.path}, line {self.number if number is None else number}: {message}", remedy)


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
