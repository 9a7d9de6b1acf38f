"""Translations by BLEU (Papineni et al. 2002) and chrF (Popović 2015), as sacrebleu (Post 2018) counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from speechrnn.errors import MissingExtra
from speechrnn.scoring.bootstrap import RESAMPLES, Bootstrap, interval
from speechrnn.scoring.results import Item


@dataclass(frozen=True, slots=True)
class TranslationScore:
    """One measure of all translations.

    Attributes:
        name: ``BLEU`` or ``chrF``.
        score: 0 to 100; higher is better.
        low, high: its 95 % interval.
        signature: sacrebleu's, which tells others how it was counted.
    """

    name: str
    score: float
    low: float
    high: float
    signature: str


def translation_scores(items: Sequence[Item], resamples: int = RESAMPLES) -> tuple[TranslationScore, ...]:
    """chrF and BLEU of hypotheses against one reference each, resampled as rates are; a failed utterance is an empty translation.

    sacrebleu's own bootstrap is not used: it knows no speakers, holds all draws at once, and where only some of them share an
    n-gram with their references its chrF ends in a TypeError. Its counts of each utterance are summed here instead.

    Raises:
        MissingExtra: without sacrebleu.
    """
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
    except ImportError as error:
        raise MissingExtra("sacrebleu", "report", "BLEU and chrF") from error
    import numpy as np

    hypotheses, references = [item.hypothesis for item in items], [[item.reference for item in items]]
    bootstrap = Bootstrap([item.speaker for item in items], resamples)
    found = []
    for name, metric in (("chrF", CHRF()), ("BLEU", BLEU())):
        score = metric.corpus_score(hypotheses, references).score
        counts = np.array(metric._extract_corpus_statistics(hypotheses, references), np.int64)
        drawn = np.array([metric._compute_score_from_stats(sums).score for sums in bootstrap.sums(counts).tolist()])
        bounds = interval(drawn)
        found.append(TranslationScore(name, float(score), bounds.low, bounds.high, str(metric.get_signature())))
    return tuple(found)
