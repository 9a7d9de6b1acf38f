"""Against KenLM: its reader's scores, and its estimator's models (``tests/data/make_kenlm_scores.py``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechrnn.lm.arpa import LN10
from speechrnn.lm.arpa_writer import write_arpa
from speechrnn.lm.estimate import EstimateOptions, estimate
from speechrnn.lm.ngram import NgramModel

RECORD = json.loads((Path(__file__).parent.parent / "data" / "kenlm_scores.json").read_text(encoding="utf-8"))
READ = [model for model in RECORD["models"] if model["sentences"]]


@pytest.mark.parametrize("model", READ, ids=[model["name"] for model in READ])
def test_sentences_score_as_kenlm_scores_them(model: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "lm.arpa").write_text(model["arpa"], encoding="utf-8")
    ngrams = NgramModel.read_arpa(tmp_path / "lm.arpa")
    for sentence in model["sentences"]:
        expected = np.array(sentence["log10"]) * LN10
        np.testing.assert_allclose(ngrams.score(sentence["words"].split()), expected, rtol=2e-7, atol=5e-6)


@pytest.mark.parametrize("wanted", RECORD["estimates"], ids=[wanted["model"] for wanted in RECORD["estimates"]])
def test_kneser_ney_is_that_of_lmplz(wanted: dict[str, Any], tmp_path: Path, twin: type) -> None:
    theirs = twin(next(model["arpa"] for model in RECORD["models"] if model["name"] == wanted["model"]))
    sentences = [line.split() for line in RECORD["text"].splitlines()]
    write_arpa(tmp_path / "lm.arpa", estimate(sentences, EstimateOptions(wanted["order"], prune=tuple(wanted["prune"]))))
    ours = twin((tmp_path / "lm.arpa").read_text(encoding="utf-8"))
    assert ours.log_probs.keys() == theirs.log_probs.keys()
    # lmplz writes that <s> is certain, others and we that it never follows.
    assert (theirs.log_probs.pop(("<s>",)), ours.log_probs.pop(("<s>",))) == (0, -99)
    for ngram, log_prob in theirs.log_probs.items():
        assert ours.log_probs[ngram] == pytest.approx(log_prob, abs=2e-6)
        assert ours.backoffs[ngram] == pytest.approx(theirs.backoffs[ngram], abs=2e-6)
