"""A trained model as a user holds it: ``load`` and the small protocols every kind of model fulfils."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from speechrnn.audio import Clip
from speechrnn.errors import DataError
from speechrnn.records import Posteriors, Transcript

if TYPE_CHECKING:
    import numpy as np

    from speechrnn.text.normalize import TextOptions
    from speechrnn.text.tokenizer import Tokenizer


@runtime_checkable
class Recognizer(Protocol):
    """What ``transcribe`` and ``evaluate`` need of a model, whatever its kind."""

    tokenizer: Tokenizer
    """Reference text -> tokens; its ``unit`` (chars, letters, phones) says which rates make sense."""
    text_options: TextOptions
    """Normalization of references, stored with the model."""
    sampling_rate: int
    """Hz; other rates are resampled on the way in."""

    def transcribe(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Transcript:
        """Transcribe one recording: a path, a clip of one, or float32 samples of shape (S,) with their ``sample_rate`` (Hz)."""

    def transcribe_many(
        self,
        audio: Iterable[str | Path | Clip],
        *,
        on_error: Callable[[Clip, DataError], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Transcript]:
        """Transcribe many, in the order given (batched by length inside).

        A recording that cannot be read raises, or, with ``on_error``, is handed to it and left out.
        ``progress`` is told how many recordings are newly done.
        """

    def info(self) -> dict[str, Any]:
        """The content of ``model.json``: kind, version, sizes, measures, data licence, checksum."""


@runtime_checkable
class PosteriorSource(Protocol):
    """A model that gives frame posteriors."""

    def posteriors(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Posteriors:
        """Log posteriors, shape (T, K)."""


def load(path: str | Path, device: str = "auto") -> Any:
    """Open a model directory.

    Args:
        path: a model directory, or a run directory that holds ``model/``.
        device: ``cpu``, ``cuda``, ``auto`` (a GPU where there is one).

    Raises:
        DataError: the directory is missing, damaged or was made by a newer release.
    """
    raise DataError("not written yet")
