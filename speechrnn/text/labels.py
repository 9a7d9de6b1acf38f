"""Closed sets of labels: what an utterance, or each of its frames, is said to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from speechrnn.errors import DataError, nearest
from speechrnn.text.files import read_text

SILENCE = "<silence>"
"""The label of frames that no span of an alignment covers."""
LABEL_UNITS = ("classes", "frames", "value")
"""What labels are: classes of utterances, of frames, or the name of a number."""


class UnknownLabel(DataError):
    """A label that is none of the model's."""

    def __init__(self, label: str, known: Iterable[str]) -> None:
        super().__init__(f"{label!r} is none of the model's classes", nearest(label, tuple(known)))
        self.symbol = label


@dataclass(frozen=True)
class Labels:
    """Names of classes; what a :class:`~speechrnn.text.tokenizer.Tokenizer` is to texts.

    Attributes:
        tokens: K names.
        unit: one of :data:`LABEL_UNITS`.

    >>> Labels(("no", "yes")).encode("yes")
    [1]
    """

    tokens: tuple[str, ...]
    unit: str = "classes"

    def __post_init__(self) -> None:
        twice = [name for name, count in Counter(self.tokens).items() if count > 1]
        if twice or not self.tokens or not all(name.strip() for name in self.tokens):
            raise DataError(
                f"labels listed twice: {', '.join(twice)}" if twice else "an empty label", "give each class a name of its own"
            )

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.tokens)}

    def encode(self, label: str) -> list[int]:
        """The one id of a label.

        Raises:
            UnknownLabel: it is none of them.
        """
        if label not in self._ids:
            raise UnknownLabel(label, self.tokens)
        return [self._ids[label]]

    def decode(self, ids: Iterable[int]) -> str:
        """The label of its id."""
        return " ".join(self.tokens[i] for i in ids)


def read_labels(path: Path, unit: str) -> Labels:
    """Labels of a ``tokens.txt``, a line each.

    Raises:
        DataError: missing, empty, a line twice.
    """
    names = read_text(path, "give the path of a tokens.txt, a line a class").removesuffix("\n").split("\n")
    try:
        return Labels(tuple(names), unit)
    except DataError as error:
        raise DataError(f"{path}: {error.message}", error.remedy) from None
