"""What a GMM-HMM is trained with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from speechrnn.data.options import check_speeds
from speechrnn.errors import UsageError
from speechrnn.features.mfcc import MfccOptions
from speechrnn.rundir import RunOptions
from speechrnn.text.normalize import TextOptions

RUNGS = ("mono", "tri", "lda", "sat")
"""Monophones; tied triphones; these over LDA and MLLT; these trained speaker-adaptively (fMLLR)."""
UNITS = ("auto", "words", "letters")


@dataclass(frozen=True)
class MonoOptions:
    """``ladder.mono:``."""

    gaussians: int = 2000
    """Gaussians of all states together."""
    iterations: int = 40
    """Estimations of the Gaussians."""

    def __post_init__(self) -> None:
        if self.gaussians < 1 or self.iterations < 1:
            raise UsageError("ladder.mono.gaussians and ladder.mono.iterations must be positive", "2000 and 40 are usual")


@dataclass(frozen=True)
class TiedOptions:
    """``ladder.tri:``, ``ladder.lda:``, ``ladder.sat:``."""

    gaussians: int = 0
    """Gaussians of all states together; 0: one for 200 frames of the training data, at least 2000."""
    iterations: int = 35
    """Estimations of the Gaussians."""
    least_gain: float = 1500.0
    """Nats that a question must gain: fewer make more tied states."""
    most_states: int = 3000
    """Tied states at most."""

    def __post_init__(self) -> None:
        if self.gaussians < 0 or self.iterations < 1 or self.least_gain <= 0 or self.most_states < 1:
            raise UsageError(
                "gaussians, iterations, least_gain and most_states of a rung must be positive",
                "0 (by the data), 35, 1500 and 3000 are usual",
            )


@dataclass(frozen=True)
class LadderOptions:
    """``ladder:``."""

    top: str = "sat"
    """The last rung: mono, tri, lda or sat."""
    mono: MonoOptions = field(default_factory=MonoOptions)
    tri: TiedOptions = field(default_factory=TiedOptions)
    lda: TiedOptions = field(default_factory=TiedOptions)
    sat: TiedOptions = field(default_factory=TiedOptions)
    phone_states: int = 3
    """States of a phone, from left to right."""
    silence_states: int = 5
    """States of silence; four or more follow each other in any order."""
    ensemble: int = 0
    """Sets of Gaussians, each split in directions of its own, whose mean each tied rung takes; 0: three of up to 11 hours,
    one of more."""
    silence_gaussians: int = 10
    """Gaussians of a state of silence at most, so that it does not soak them up."""
    growth: float = 0.25
    """A state gets Gaussians by its frames to this power."""
    context: int = 4
    """Frames on either side that LDA sees."""
    dims: int = 40
    """Dimensions that LDA leaves."""

    def __post_init__(self) -> None:
        if self.top not in RUNGS:
            raise UsageError(f"ladder.top is {self.top!r}", f"choose one of {', '.join(RUNGS)}")
        if self.ensemble < 0:
            raise UsageError(f"ladder.ensemble is {self.ensemble}", "3 is usual, 0 leaves it to the data")
        if min(self.phone_states, self.silence_states, self.silence_gaussians, self.context, self.dims) < 1:
            raise UsageError(
                "numbers of states, Gaussians, frames and dimensions of the ladder must be positive", "see --print-config"
            )


@dataclass(frozen=True)
class HmmDataOptions:
    """``data:``."""

    dir: Path | None = None
    """Data directory with cuts_train and cuts_dev .jsonl.gz."""
    max_duration_s: float = 30.0
    """Longer training utterances are left out, counted and named."""
    speeds: tuple[float, ...] | None = None
    """Each training utterance is heard at all of these; null: 0.9, 1.0 and 1.1 of up to an hour of recordings, 1.0 of more."""
    unit: str = "auto"
    """words: through a lexicon; letters: any letters in any order, as where spaces are not counted; auto: as the data suggest."""
    lexicon: Path | None = None
    """null: lexicon.txt of the data directory; where there is none, words are spelled by their letters."""
    lm: Path | None = None
    """An ARPA file to decode with; null: lm.arpa of the data directory, or an n-gram model of the training texts."""

    def __post_init__(self) -> None:
        if self.speeds is not None:
            check_speeds(self.speeds)
        if self.unit not in UNITS:
            raise UsageError(f"data.unit is {self.unit!r}", f"choose one of {', '.join(UNITS)}")


@dataclass(frozen=True)
class HmmExperiment:
    """Everything ``speechrnn train`` is told for a GMM-HMM."""

    kind: str = "hmm"
    """Tells it from the configuration of a network."""
    experiment: str = "base/hmm"
    """Name, or path of the file it came from."""
    seed: int = 1
    """Of the directions in which Gaussians are split."""
    sampling_rate: int | None = None
    """Hz; null: the training data's."""
    run: RunOptions = field(default_factory=RunOptions)
    data: HmmDataOptions = field(default_factory=HmmDataOptions)
    frontend: MfccOptions = field(default_factory=MfccOptions)
    text: TextOptions = field(default_factory=TextOptions)
    ladder: LadderOptions = field(default_factory=LadderOptions)

    def __post_init__(self) -> None:
        if self.kind != "hmm":
            raise UsageError(f"kind is {self.kind!r}", "hmm is what this configuration describes")
