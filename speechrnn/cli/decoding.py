"""The options by which ``transcribe``, ``evaluate`` and ``tune`` are told how to decode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from speechrnn.decoding.helpers import Helpers
    from speechrnn.decoding.options import DecodingOptions

DEFAULT_BONUS = 5.0
"""Nats of a hotword for which none are given."""

Lm = Annotated[Path | None, typer.Option("--lm", metavar="FILE", help="Language model (ARPA) over words or the model's tokens.")]
Lexicon = Annotated[
    Path | None, typer.Option("--lexicon", metavar="FILE", help="Words that may occur; for a model of phones, how they are spoken.")
]
LetterLm = Annotated[
    Path | None, typer.Option("--letter-lm", metavar="FILE", help="Language model over tokens: spells words the lexicon lacks.")
]
Rescore = Annotated[
    Path | None,
    typer.Option(
        "--rescore",
        metavar="MODEL",
        help="Language model (ARPA, or a directory of kind lm), words or tokens, by which the beam is ranked once more.",
    ),
]
Hotwords = Annotated[
    list[str], typer.Option("--hotword", metavar="PHRASE[=BONUS]", help="A phrase to listen for; repeat. [default bonus: 5]")
]
HotwordFile = Annotated[
    Path | None, typer.Option("--hotwords", metavar="FILE", help="The same from a file, a line PHRASE or PHRASE<TAB>BONUS each.")
]
Settings = Annotated[
    list[str], typer.Option("--decoding", metavar="KEY=VALUE", help="Such as kind=beam, beam=100, lm_weight=0.8, nbest=5; repeat.")
]


def options(settings: list[str]) -> DecodingOptions:
    """Typed decoding options.

    Raises:
        UsageError: an unknown key, with the nearest known one; a value out of range.
    """
    from speechrnn.config import build, only_values
    from speechrnn.decoding.options import DecodingOptions

    return build(DecodingOptions, only_values(settings), "decoding")


@dataclass(frozen=True, slots=True)
class Choice:
    """Decoding options, and a line that says where their weights come from, where there is something to say."""

    options: DecodingOptions
    note: str = ""

    def say(self) -> None:
        """Log the line."""
        from speechrnn.cli import console

        if self.note:
            console.logger.info("%s", self.note)


def choose(settings: list[str], model: Path, helpers: Helpers) -> Choice:
    """Decoding options for a model: what was given, else what ``speechrnn tune`` stored for these helpers, else the defaults.

    Raises:
        DataError: no such model; a damaged decoding.yaml.
        UsageError: as :func:`options`.
    """
    from speechrnn.config import build, only_values
    from speechrnn.decoding.options import DecodingOptions
    from speechrnn.decoding.tuned import FILE, find
    from speechrnn.decoding.tuned import WEIGHTS as TUNABLE
    from speechrnn.modeldir import WEIGHTS, model_folder, read_info

    asked, given = options(settings), only_values(settings)
    folder, tuned = model_folder(model), None
    if (folder / FILE).is_file():
        # Otherwise the model is not looked at: whoever loads it says better what is wrong with it.
        tuned = find(folder, read_info(folder)["sha256"].get(WEIGHTS, ""), helpers, asked.kind, quiet=True)
    named = [f"{name}={value}" for name, value in given.items() if name in TUNABLE]
    if tuned is None:
        unknown = f"{model}: no weights are tuned for these helpers, so the defaults are used; speechrnn tune chooses them"
        return Choice(asked, unknown if helpers.files() and not named else "")
    stored = {name: value for name, value in tuned.weights.items() if name not in given}
    if not stored:
        return Choice(asked)
    weights = " ".join(f"{name}={value:g}" for name, value in stored.items())
    source = f"{folder / FILE}, tuned on {tuned.manifest} ({tuned.metric.upper()} {tuned.percent:.2f} %)"
    note = f"decoding weights {weights} from {source}{''.join(f'; {word} as given' for word in named)}"
    return Choice(build(DecodingOptions, {**stored, **given}, "decoding"), note)


def helpers(
    lm: Path | None,
    lexicon: Path | None,
    letter_lm: Path | None,
    hotwords: list[str],
    hotword_file: Path | None,
    rescore: Path | None = None,
) -> Helpers:
    """What helps the decoder.

    Raises:
        DataError: a file of hotwords that cannot be read.
        UsageError: a bonus that is no number.
    """
    from speechrnn.decoding.helpers import Helpers
    from speechrnn.text.files import numbered_lines

    found = [_hotword(*word.partition("=")[::2], f"--hotword {word}") for word in hotwords]
    if hotword_file is not None:
        for number, line in numbered_lines(hotword_file, "give a file with a line PHRASE or PHRASE<TAB>BONUS each"):
            found.append(_hotword(*line.partition("\t")[::2], f"{hotword_file}, line {number}"))
    return Helpers(lm, lexicon, letter_lm, tuple(found), rescore)


def _hotword(phrase: str, bonus: str, where: str) -> tuple[str, float]:
    import math

    from speechrnn.errors import UsageError

    try:
        value = float(bonus) if bonus.strip() else DEFAULT_BONUS
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{where}: {bonus!r} is no number", "give the bonus in nats, such as 5")
    return phrase, value
