"""Classes of utterances against scikit-learn (which librosa brings along)."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from speechrnn.scoring.classification import class_scores
from speechrnn.scoring.results import Item


def items(references, hypotheses):
    return [Item(str(i), r, h, (r,), (h,)) for i, (r, h) in enumerate(zip(references, hypotheses, strict=True))]


@pytest.mark.parametrize("seed", range(5))
def test_figures_equal_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    names = np.array(["no", "yes", "maybe", "never"])
    truth = names[rng.integers(0, 3, 60)]
    said = np.where(rng.random(60) < 0.6, truth, names[rng.integers(0, 4, 60)])
    found = class_scores(items(truth.tolist(), said.tolist()), resamples=50)
    assert found.accuracy == pytest.approx(100 * metrics.accuracy_score(truth, said))
    assert found.macro_f1 == pytest.approx(100 * metrics.f1_score(truth, said, average="macro", zero_division=0))
    labels = sorted({*truth, *said})
    expected = metrics.precision_recall_fscore_support(truth, said, labels=labels, zero_division=0)
    rows = [(c.precision / 100, c.recall / 100, c.f1 / 100, c.total) for c in found.classes]
    assert [c.label for c in found.classes] == labels
    np.testing.assert_allclose(rows, np.transpose(expected))


def test_intervals_hold_the_figure_and_narrow_with_more_utterances():
    rng = np.random.default_rng(0)
    widths = []
    for n in (40, 4000):
        truth = rng.integers(0, 3, n).astype(str)
        said = np.where(rng.random(n) < 0.8, truth, rng.integers(0, 3, n).astype(str))
        found = class_scores(items(truth.tolist(), said.tolist()), resamples=400)
        for value, bounds in ((found.accuracy, found.accuracy_interval), (found.macro_f1, found.macro_f1_interval)):
            assert bounds.low <= value <= bounds.high
        widths.append(found.macro_f1_interval.high - found.macro_f1_interval.low)
    # Ten times narrower with a hundred times as many.
    assert widths[1] < widths[0] / 5


def test_an_utterance_without_hypothesis_is_wrong_and_of_no_class():
    found = class_scores(items(["a", "b"], ["a", ""]), resamples=10)
    assert found.accuracy == 50
    assert [(c.label, c.recall, c.precision) for c in found.classes] == [("a", 100, 100), ("b", 0, 0)]
