"""chrF and BLEU against sacrebleu's own corpus scores, of the whole and of every set that is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from sacrebleu import metrics

from speechrnn.scoring.bootstrap import SEED
from speechrnn.scoring.results import Item
from speechrnn.scoring.translation import translation_scores

WORDS = ("le", "chat", "dort", "sur", "lit", "des", "enfants", "où")


def items(n: int, seed: int, speakers: int = 0) -> list[Item]:
    rng = np.random.default_rng(seed)

    def sentence() -> list[str]:
        return list(rng.choice(WORDS, rng.integers(3, 9)))

    found = []
    for number in range(n):
        reference = sentence()
        said = [word if rng.random() < 0.8 else str(rng.choice(WORDS)) for word in reference]
        speaker = f"s{number % speakers}" if speakers else ""
        found.append(Item(str(number), " ".join(reference), " ".join(said), speaker=speaker))
    return found


def corpus(metric, chosen: list[Item]) -> float:
    return metric.corpus_score([item.hypothesis for item in chosen], [[item.reference for item in chosen]]).score


@pytest.mark.parametrize(("name", "metric"), [("chrF", metrics.CHRF()), ("BLEU", metrics.BLEU())])
@pytest.mark.parametrize("speakers", [0, 12])
def test_score_and_interval_are_those_of_sacrebleu_over_the_drawn_sets(name, metric, speakers):
    given = items(30, 1, speakers)
    found = next(one for one in translation_scores(given, 200) if one.name == name)
    assert found.score == pytest.approx(corpus(metric, given), abs=1e-9)
    rng = np.random.default_rng(SEED)
    # An item a group, or a speaker's items, in the order of the names.
    names = sorted({item.speaker for item in given})
    groups = [[item for item in given if item.speaker == name] for name in names] if speakers else [[item] for item in given]
    sets = [
        [item for group in draw for item in groups[group]]
        for draw in rng.integers(len(groups), size=(200, len(groups)), dtype=np.int32)
    ]
    low, high = np.percentile([corpus(metric, chosen) for chosen in sets], [2.5, 97.5])
    assert found.low == pytest.approx(low, abs=1e-9)
    assert found.high == pytest.approx(high, abs=1e-9)
    assert "version:" in found.signature


@pytest.mark.parametrize(("good", "empty"), [(1, 1), (2, 10), (3, 297), (0, 3)])
def test_draws_without_anything_in_common_count_as_nothing(good, empty):
    given = [Item(str(n), "le chat dort sur le lit", "le chat dort sur le lit" if n < good else "") for n in range(good + empty)]
    for found in translation_scores(given, 300):
        assert 0 <= found.low <= found.score <= found.high <= 100 + 1e-9
        assert (found.high > 0) == (good > 0)
