"""How posteriors become tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass

from speechrnn.errors import UsageError, nearest

KINDS = ("greedy", "beam")


@dataclass(frozen=True)
class DecodingOptions:
    """``decoding:``. Weights multiply natural logarithms; bonuses are in nats."""

    kind: str = "greedy"
    """greedy: the best symbol of each frame; beam: a beam search, which a language model, a lexicon or hotwords call for."""
    beam: int = 50
    """Hypotheses kept after each frame; one that ends in blank and one that does not are two."""
    tokens: int = 0
    """Symbols tried in each frame, the likeliest first; 0: all."""
    threshold: float = 25.0
    """Hypotheses so many nats below the best are dropped."""
    ctc_weight: float = 0.3
    """Share that CTC has in a beam search through an attention encoder-decoder that was trained beside it."""
    per_frame: int = 5
    """Tokens that a transducer may write in one frame."""
    nbest: int = 1
    """Readings returned for an utterance, at most ``beam``."""
    lm_weight: float = 1.0
    """Weight of a language model over words."""
    word_bonus: float = 0.0
    """Added for every word: above 0 against deletions, below 0 against insertions."""
    letter_weight: float = 0.5
    """Weight of a language model over tokens (letters, phones)."""
    letter_bonus: float = 0.0
    """Added for every token that is read without a lexicon."""
    unknown_bonus: float = 0.0
    """Added for every word outside the lexicon, where these are allowed."""
    rescore_weight: float = 0.5
    """Weight of a language model that looks at the readings of the whole beam once more."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"decoding.kind is {self.kind!r}", nearest(self.kind, KINDS))
        if not 1 <= self.beam <= 10_000:
            raise UsageError(f"decoding.beam is {self.beam}", "1 to 10000 hypotheses; 50 is usual")
        if not 1 <= self.nbest <= self.beam:
            raise UsageError(f"decoding.nbest is {self.nbest}, with a beam of {self.beam}", "from 1 to the beam")
        if self.tokens < 0:
            raise UsageError(f"decoding.tokens is {self.tokens}", "1 or more; 0 tries all")
        if self.per_frame < 1:
            raise UsageError(f"decoding.per_frame is {self.per_frame}", "1 or more; 5 is usual")
        if not self.threshold > 0:
            raise UsageError(f"decoding.threshold is {self.threshold}", "above 0; 25 is usual")
        if not 0 <= self.ctc_weight <= 1:
            raise UsageError(f"decoding.ctc_weight is {self.ctc_weight}", "a share in [0, 1]; 0.3 is usual")
        for name in ("lm_weight", "letter_weight", "rescore_weight"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise UsageError(f"decoding.{name} is {value}", "0 or more")
        for name in ("word_bonus", "letter_bonus", "unknown_bonus"):
            if not math.isfinite(getattr(self, name)):
                raise UsageError(f"decoding.{name} is {getattr(self, name)}", "a number, in nats")
