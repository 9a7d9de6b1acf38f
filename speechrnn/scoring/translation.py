"""Translations by BLEU (Papineni et al. 2002) and chrF (Popović 2015), as sacrebleu (Post 2018) counts them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from speechrnn.errors import MissingExtra
from speechrnn.scoring.results import Item

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class TranslationScore:
    """One measure of all translations.

    Attributes:
        name: ``BLEU`` or ``chrF``.
        score: 0 to 100; higher is better.
        mean, spread: of the bootstrap over utterances: the 95 % interval is mean - spread to mean + spread.
        signature: sacrebleu's, which tells others how it was counted.
    """

    name: str
    score: float
    mean: float
    spread: float
    signature: str


def translation_scores(items: Sequence[Item]) -> tuple[TranslationScore, ...]:
    """chrF and BLEU of hypotheses against one reference each; a failed utterance is an empty translation.

    Raises:
        MissingExtra: without sacrebleu.
    """
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
    except ImportError as error:
        raise MissingExtra("sacrebleu", "report", "BLEU and chrF") from error
    hypotheses, references = [item.hypothesis for item in items], [[item.reference for item in items]]
    found = []
    for metric in (CHRF(), BLEU()):
        score = metric.corpus_score(hypotheses, references, n_bootstrap=RESAMPLES)
        told = json.loads(score.format(width=4, is_json=True, signature=str(metric.get_signature())))
        name = "chrF" if isinstance(metric, CHRF) else "BLEU"
        # Of scores that are 0 in every draw sacrebleu tells no interval.
        mean, spread = told.get("confidence_mean", told["score"]), told.get("confidence_var", 0.0)
        found.append(TranslationScore(name, told["score"], mean, spread, told["signature"]))
    return tuple(found)
