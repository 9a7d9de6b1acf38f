"""A trained model as a user holds it: ``load`` and the small protocols every kind of model fulfils."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from speechrnn.audio import Clip
from speechrnn.errors import DataError, Unsupported, UsageError
from speechrnn.records import Alignment, Classification, Posteriors, Transcript

if TYPE_CHECKING:
    import numpy as np
    import torch

    from speechrnn.decoding.helpers import Helpers
    from speechrnn.decoding.options import DecodingOptions
    from speechrnn.inference.stream import Stream
    from speechrnn.lm.generate import Generated, GenerateOptions
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
    writes_words: bool
    """Whether its transcripts have words, so that word errors can be counted."""

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


@runtime_checkable
class Aligner(Protocol):
    """A model that finds where in a recording a given text is spoken."""

    def align(self, audio: str | Path | Clip | np.ndarray, text: str, *, sample_rate: int | None = None) -> Alignment:
        """Times of the words and tokens of ``text``."""


@runtime_checkable
class Classifier(Protocol):
    """A model that names the class of a whole recording."""

    def classify(self, audio: str | Path | Clip | np.ndarray, *, sample_rate: int | None = None) -> Classification:
        """All classes with their probabilities, the most probable first."""


@runtime_checkable
class Streamer(Protocol):
    """A model that recognizes speech while it is spoken."""

    def stream(self, *, sample_rate: int | None = None) -> Stream:
        """Begin a recording that arrives in chunks of samples at ``sample_rate`` (Hz)."""


@runtime_checkable
class LanguageModel(Protocol):
    """A model that foretells sentences."""

    vocabulary: tuple[str, ...]
    """What it foretells, by id."""

    def score(self, tokens: Sequence[str]) -> np.ndarray:
        """Natural log probabilities of the L tokens of a sentence and of its end, shape (L + 1,)."""

    def score_many(self, sentences: Iterable[Sequence[str]]) -> list[np.ndarray]:
        """The same for many sentences."""

    def generate(self, number: int = ..., options: GenerateOptions = ..., start: Sequence[str] = ...) -> list[Generated]:
        """Draw sentences that begin with ``start``."""


def load(
    path: str | Path,
    device: str = "auto",
    decoding: DecodingOptions | None = None,
    helpers: Helpers | None = None,
    *,
    vad: bool = False,
) -> Any:
    """Open a model directory.

    Args:
        path: a model directory, or a run directory that holds ``model/``.
        device: ``cpu``, ``cuda``, ``mps``, or ``auto``: a GPU where there is one.
        decoding: how posteriors become tokens; by default as ``speechrnn tune`` has chosen for these helpers, else greedy.
        helpers: a language model, a lexicon, hotwords: they call for a beam search.
        vad: find the speech in long recordings by Silero VAD, not by level.

    Raises:
        MissingExtra: ``vad`` without the extra of that name.
        DataError: the directory is missing, damaged or was made by a newer release; a helper that does not fit the model.
        UsageError: no such device; helpers that do not fit each other.
        Unsupported: what only a recognizer takes, for a language model.
    """
    from speechrnn.modeldir import model_folder, read_info

    path = model_folder(Path(path))
    kind = read_info(path)["kind"]
    if kind == "hmm":
        from speechrnn.inference.gmm_recognizer import HmmRecognizer

        pick_device(device)
        if vad:
            raise Unsupported(f"{path}: a hidden Markov model hears silence itself", "leave --vad out")
        return HmmRecognizer(path, decoding, helpers)
    if kind == "lm":
        from speechrnn.inference.language import RecurrentLanguageModel

        if decoding is not None or helpers is not None or vad:
            raise Unsupported(
                f"{path}: a language model hears no recordings", "give a model of kind rnn or hmm, and this one as --rescore"
            )
        return RecurrentLanguageModel(path, open_device(device))
    if kind != "rnn":
        raise Unsupported(f"{path}: a model of kind {kind}, which this release cannot run", "give a model of kind rnn, hmm or lm")
    from speechrnn.inference.classifier import NetworkClassifier
    from speechrnn.models.export import read_acoustic
    from speechrnn.models.framewise import FrameOptions
    from speechrnn.text.labels import Labels

    stored = read_acoustic(path)
    if isinstance(stored.options.head, FrameOptions):
        from speechrnn.inference.framewise import FrameLabeler
        from speechrnn.inference.hybrid import HybridRecognizer

        if stored.options.head.hmm:
            return HybridRecognizer(stored, path, open_device(device), decoding, helpers)
        if helpers:
            raise Unsupported(f"{path} names frames, and reads no words", "leave language models and hotwords out")
        return FrameLabeler(stored, open_device(device))
    if isinstance(stored.vocabulary, Labels):
        if helpers or vad:
            raise Unsupported(f"{path} says one thing of a whole recording", "leave language models, hotwords and --vad out")
        return NetworkClassifier(stored, open_device(device))
    from speechrnn.inference.rnn_recognizer import RnnRecognizer

    return RnnRecognizer(stored, path, open_device(device), decoding, helpers, vad=vad)


def pick_device(device: str) -> torch.device:
    """``auto`` to the best device there is.

    Raises:
        UsageError: unknown, or not there.
    """
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    name = "cuda" if device == "gpu" else device
    if not there.get(name.partition(":")[0]):
        raise UsageError(
            f"device {device!r} is not there", f"there is: auto, {', '.join(name for name, found in there.items() if found)}"
        )
    return torch.device(name)


def open_device(device: str) -> torch.device:
    """The device to use a model on. From then on cuDNN keeps all digits of float32, in this whole process.

    Raises:
        UsageError: as :func:`pick_device`.
    """
    import torch

    # TF32 would round products to 10 bits. A setting for a while would be one for the threads beside, too.
    torch.backends.cudnn.allow_tf32 = False
    return pick_device(device)


def set_threads(threads: int | None) -> None:
    """Compute on so many cores; ``None`` leaves it to torch."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
