"""What was tuned on dev for a model: ``decoding.yaml``, beside the weights and outside their checksum.

For each set of helpers, known by the checksums of its files, it holds the weights of the decoder and how confidences are
calibrated. It names the model's weights it was tuned for: a copy beside another model is not used.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechrnn.atomic import write_text
from speechrnn.checksum import sha256
from speechrnn.config import build, read_yaml, to_plain
from speechrnn.decoding.confidence import Calibration, Calibrations
from speechrnn.decoding.decoder import Decoder, make_decoder
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import DataError, SpeechrnnError, UsageError
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from speechrnn.decoding import attention, neural

FILE = "decoding.yaml"
VERSION = 1
"""Format version; readers take every older one."""
LISTING = "model.json"
"""Holds the checksums of a model directory's files."""
WEIGHTS = ("lm_weight", "word_bonus", "letter_weight", "letter_bonus", "unknown_bonus", "rescore_weight", "ctc_weight")
"""Fields of ``DecodingOptions`` that are tuned."""
_REMEDY = "remove the file, then run speechrnn tune again"

logger = logging.getLogger("speechrnn")


def with_weights(options: DecodingOptions, weights: Mapping[str, float]) -> DecodingOptions:
    """Options with other weights, by name."""
    values: dict[str, Any] = dict(weights)
    return replace(options, **values)


@dataclass(frozen=True)
class Tuned:
    """What was chosen for one set of helpers."""

    helpers: str
    """Names of the helpers' files, for people; the key holds their checksums."""
    manifest: str
    """Name of the manifest it was tuned on."""
    manifest_sha256: str
    """Checksum of that manifest."""
    metric: str
    """The rate that was made small: ``wer`` or ``per``."""
    errors: int
    """Errors on that manifest with these weights."""
    tokens: int
    """Reference words or tokens of that manifest."""
    lm_weight: float | None = None
    """This and the following six: see ``DecodingOptions``; absent where it plays no part."""
    word_bonus: float | None = None
    letter_weight: float | None = None
    letter_bonus: float | None = None
    unknown_bonus: float | None = None
    rescore_weight: float | None = None
    ctc_weight: float | None = None
    word_confidence: Calibration | None = None
    """How sure a word is; absent where words are not written, or too few were wrong or right to tell."""
    token_confidence: Calibration | None = None
    """How sure a token is."""

    def __post_init__(self) -> None:
        self.apply()
        if self.errors < 0 or self.tokens < 0:
            raise UsageError(f"{self.errors} errors in {self.tokens} tokens", "0 or more")

    @property
    def weights(self) -> dict[str, float]:
        """The weights that play a part, as fields of ``DecodingOptions``."""
        return {name: value for name in WEIGHTS if (value := getattr(self, name)) is not None}

    def apply(self, options: DecodingOptions = DecodingOptions()) -> DecodingOptions:
        """Options with these weights."""
        return with_weights(options, self.weights)

    @property
    def calibrations(self) -> Calibrations:
        """How confidences are calibrated."""
        return Calibrations(self.word_confidence, self.token_confidence)

    @property
    def percent(self) -> float:
        """Errors in percent of the reference tokens."""
        return 100 * self.errors / max(self.tokens, 1)


def key(helpers: Helpers | None, kind: str = "greedy") -> str | None:
    """What a set of helpers is known by: SHA-256 of their files' checksums; ``kind`` where there are none.

    Of a model directory ``model.json`` counts. Hotwords play no part. ``None`` where a file is missing: whoever reads it says so
    better.
    """
    given = [] if helpers is None else helpers.files()
    if not given:
        return kind
    try:
        lines = [f"{name} {sha256(path / LISTING if path.is_dir() else path)}\n" for name, path in given]
    except OSError:
        return None
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def find(folder: Path, weights: str, helpers: Helpers | None, kind: str = "greedy", *, quiet: bool = False) -> Tuned | None:
    """What was tuned for a model with these helpers, if anything.

    Args:
        folder: the model directory.
        weights: checksum of the model's weights.
        helpers: as they are given to the decoder.
        kind: of the decoder where nothing helps it; hotwords alone make it a beam search.
        quiet: nothing is said of a file that belongs to another model.

    Raises:
        DataError: as :func:`read_tuned`.
    """
    found = read_tuned(folder, weights, quiet=quiet)
    return found.get(key(helpers, "beam" if helpers else kind) or "") if found else None


def tuned_decoder(
    folder: Path,
    weights: str,
    tokenizer: Tokenizer,
    text: TextOptions,
    options: DecodingOptions | None = None,
    helpers: Helpers | None = None,
    steps: neural.Steps | attention.Steps | None = None,
) -> Decoder:
    """The decoder of a model as it was tuned.

    Args:
        folder, weights: see :func:`find`.
        tokenizer, text, helpers, steps: see :func:`~speechrnn.decoding.decoder.make_decoder`.
        options: by default with the weights that were tuned for these helpers.

    Raises:
        DataError: as :func:`read_tuned` and ``make_decoder``.
        UsageError: as ``make_decoder``.
    """
    tuned = find(folder, weights, helpers, options.kind if options is not None else "greedy")
    if options is None:
        options = DecodingOptions() if tuned is None else tuned.apply()
    return make_decoder(tokenizer, text, options, helpers, Calibrations() if tuned is None else tuned.calibrations, steps)


def read_tuned(folder: Path, weights: str, *, quiet: bool = False) -> dict[str, Tuned]:
    """All that was tuned for a model, by :func:`key`; nothing where there is no file, or where it is of other weights.

    Raises:
        DataError: damaged, with unknown keys or impossible values, or written by a newer release.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    content = read_yaml(path)
    version, decoders = content.get("version"), content.get("decoders")
    if isinstance(version, int) and version > VERSION:
        raise DataError(f"{path}: format {version}; this release reads up to {VERSION}", "use the release that wrote it")
    if version != VERSION or set(content) != {"version", "weights_sha256", "decoders"} or not isinstance(decoders, dict):
        raise DataError(f"{path}: not what speechrnn tune writes, or damaged", _REMEDY)
    if content["weights_sha256"] != weights:
        if not quiet:
            logger.warning("%s: tuned for another model, so not used; speechrnn tune writes it anew", path)
        return {}
    return {str(name): _parse(path, str(name), entry) for name, entry in decoders.items()}


def _parse(path: Path, name: str, entry: Any) -> Tuned:
    try:
        if not isinstance(entry, dict):
            raise UsageError(f"{entry!r:.80} is no group of values")
        return build(Tuned, entry)
    except SpeechrnnError as error:
        raise DataError(f"{path}, {name[:12]}: {' '.join(error.message.split())[:500]}", _REMEDY) from None


def write_tuned(folder: Path, weights: str, entries: Mapping[str, Tuned]) -> None:
    """Write what was tuned, whole or not at all; what stands there for other helpers stays.

    Raises:
        DataError: what stands there is damaged; the folder cannot be written.
    """
    import yaml

    every = {**read_tuned(folder, weights, quiet=True), **entries}
    decoders = {name: _without_none(to_plain(every[name])) for name in sorted(every)}
    content = {"version": VERSION, "weights_sha256": weights, "decoders": decoders}
    write_text(folder / FILE, yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120))


def _without_none(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in plain.items() if value is not None}
