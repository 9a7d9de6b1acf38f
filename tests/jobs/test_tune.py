"""Tuning: the search on planted valleys, and the job on a recognizer whose posteriors are planted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechrnn.audio import Clip
from speechrnn.data.manifest import write_manifest
from speechrnn.data.utterance import Utterance
from speechrnn.decoding.decoder import Decoder, make_decoder
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.tuned import read_tuned
from speechrnn.errors import DataError, Unsupported
from speechrnn.jobs.evaluate import Loaded
from speechrnn.jobs.tune import Outcome, store, tune, write_trials
from speechrnn.jobs.weight_search import GRID, MOST, Trial, search, settled
from speechrnn.scoring.rates import Counts
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import BLANK, SPACE, Tokenizer


def errors(number: float) -> Counts:
    return Counts(int(number), 1000, 0, 0, int(number))


def valley(**bottom: float) -> Callable[[Mapping[str, float]], Counts]:
    return lambda weights: errors(100_000 * sum((weights[name] - value) ** 2 for name, value in bottom.items()))


def best(trials: list[Trial]) -> Trial:
    return min(trials, key=lambda trial: trial.rank)


START = {"lm_weight": 1.0, "word_bonus": 0.0}


@pytest.mark.parametrize(("weight", "bonus"), [(0.6, 1.3), (0.0, -3.4), (3.1, 6.2), (1.0, 0.0)])
def test_the_valley_is_found_also_outside_the_grid(weight: float, bonus: float) -> None:
    trials = list(search(START, valley(lm_weight=weight, word_bonus=bonus)))
    found = best(trials).weights
    assert abs(found["lm_weight"] - weight) <= 0.15
    assert abs(found["word_bonus"] - bonus) <= 0.15
    assert trials[0].weights == START
    assert len({tuple(trial.weights.values()) for trial in trials}) == len(trials) < MOST


def test_a_part_of_dev_says_where_to_search_and_the_whole_what_is_best() -> None:
    whole, part = valley(lm_weight=1.25, word_bonus=1.0), valley(lm_weight=1.0, word_bonus=2.0)
    trials = list(search({"lm_weight": 0.5, "word_bonus": 0.0}, whole, part))
    tried = [trial for trial in trials if not trial.rough]
    assert best(trials) in tried
    assert best(trials).weights == {"lm_weight": 1.25, "word_bonus": 1.0}, "as the whole has it"
    assert tried[0].weights == {"lm_weight": 1.0, "word_bonus": 2.0}, "from where the part has it"
    grid = len(GRID["lm_weight"]) * len(GRID["word_bonus"])
    assert sum(trial.rough for trial in trials) == grid
    assert len(tried) < grid


def test_of_a_plateau_the_middle_is_taken_and_not_the_one_error_less_at_its_edge() -> None:
    """Costs of a word between 2 and 7 are equally good, the lowest by chance an error better."""

    def plateau(weights: Mapping[str, float]) -> Counts:
        cost = 4 * weights["lm_weight"] - weights["word_bonus"]
        return errors(100 - (cost == 2) + 30 * max(2 - cost, cost - 7, 0))

    trials = list(search(START, plateau))
    lowest, taken = best(trials).weights, settled(trials).weights
    assert 4 * lowest["lm_weight"] - lowest["word_bonus"] == 2
    assert 3 <= 4 * taken["lm_weight"] - taken["word_bonus"] <= 6


@pytest.mark.parametrize("seed", range(5))
def test_what_is_taken_errs_less_elsewhere_than_what_fits_dev_best(seed: int) -> None:
    """True errors grow with the square of the distance; those of dev are drawn around them."""
    rng = np.random.default_rng(seed)
    middle, fewest = 0.0, 0.0
    for _ in range(60):
        weight, bonus = rng.uniform(0.5, 1.5), rng.uniform(-1, 3)

        def true(weights: Mapping[str, float], weight: float = weight, bonus: float = bonus) -> float:
            return 60 + 4 * (4 * (weights["lm_weight"] - weight)) ** 2 + 4 * (weights["word_bonus"] - bonus) ** 2

        trials = list(search(START, lambda weights, true=true: errors(rng.poisson(true(weights)))))
        middle += true(settled(trials).weights)
        fewest += true(best(trials).weights)
    assert middle < fewest


def test_what_is_taken_was_tried_on_all_of_dev() -> None:
    whole, part = valley(lm_weight=1.25, word_bonus=1.0), valley(lm_weight=1.0, word_bonus=2.0)
    trials = list(search({"lm_weight": 0.5, "word_bonus": 0.0}, lambda weights: errors(whole(weights).errors + 9), part))
    assert best([trial for trial in trials if trial.rough]).counts.errors == 0
    assert not settled(trials).rough
    assert settled([Trial({}, errors(7))]).weights == {}


def test_four_weights_are_searched_in_pairs() -> None:
    bottom = {"lm_weight": 0.5, "word_bonus": 1.0, "letter_weight": 0.75, "unknown_bonus": -2.5}
    trials = list(search(dict.fromkeys(bottom, 0.0), valley(**bottom)))
    assert best(trials).weights == bottom
    assert len(trials) < MOST


def test_the_smallest_of_equally_good_weights_are_taken() -> None:
    trials = list(search(START, lambda weights: errors(5 if weights["lm_weight"] >= 0.25 else 9)))
    assert best(trials).weights == {"lm_weight": 0.25, "word_bonus": 0.0}


def test_no_weight_is_negative_and_no_search_endless() -> None:
    trials = list(search(START, lambda weights: errors(500 + 10 * weights["lm_weight"] - weights["word_bonus"])))
    assert all(trial.weights["lm_weight"] >= 0 for trial in trials)
    assert len(trials) == MOST


def test_without_weights_there_is_one_trial() -> None:
    assert [trial.weights for trial in search({}, lambda weights: errors(3))] == [{}]
    assert set(GRID) == {
        "lm_weight",
        "word_bonus",
        "letter_weight",
        "letter_bonus",
        "unknown_bonus",
        "rescore_weight",
        "ctc_weight",
    }


TOKENIZER = Tokenizer((BLANK, SPACE, "a", "b", "c"), "chars")
WEIGHTS_SUM = "ab" * 32


class Planted:
    """Hears each utterance's letters clearly, but for ``b``, which it takes for ``c`` by a little; ``x`` cannot be read."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts
        self.tokenizer, self.text_options = TOKENIZER, TextOptions()
        self.writes_words = True

    def decoder_for(self, options: DecodingOptions, helpers: Helpers | None) -> Decoder:
        return make_decoder(self.tokenizer, self.text_options, options, helpers)

    def info(self) -> dict[str, Any]:
        return {"sha256": {"weights.safetensors": WEIGHTS_SUM}}

    def heard_many(self, clips: list[Clip], *, on_error: Any, **_: Any) -> Iterator[tuple[Clip, np.ndarray, int]]:
        for clip in clips:
            text = self.texts[clip.id]
            if text == "x":
                on_error(clip, DataError(f"{clip.path}: cut short"))
                continue
            rows = []
            for letter in text:
                row = np.full(5, 0.001)
                row[TOKENIZER.tokens.index(SPACE if letter == " " else letter)] = 0.9
                if letter == "b":
                    row[[3, 4]] = 0.4, 0.5
                rows += [row, np.array([0.99, *[0.0025] * 4])]
            yield clip, np.log(np.array(rows) / np.sum(rows, -1, keepdims=True)).astype(np.float32), 16_000


class Data:
    """A dev manifest, the model that hears it, and a language model that prefers b."""

    def __init__(self, folder: Path, texts: dict[str, str]) -> None:
        self.folder = folder
        self.manifest = folder / "cuts_dev.jsonl.gz"
        self.utterances = [Utterance(name, folder / f"{name}.wav", 8000, 0, 16_000, None, text, "") for name, text in texts.items()]
        write_manifest(self.manifest, self.utterances)
        self.loaded = Loaded("planted", folder, Planted(texts))  # type: ignore[arg-type]
        lm = folder / "lm.arpa"
        lm.write_text("\\data\\\nngram 1=5\n\n\\1-grams:\n-99\t<s>\n-1\t</s>\n-1\tabba\n-3\tacca\n-1\tca\n\n\\end\\\n")
        self.helpers = Helpers(lm=lm)

    def tune(self, **more: Any) -> Outcome:
        return tune(self.manifest, self.utterances, self.loaded, helpers=self.helpers, threads=2, **more)


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return Data(tmp_path, {f"u{i}": ("abba ca", "ca abba", "acca", "ca ca")[i % 4] for i in range(24)})


def test_weights_by_which_fewer_errors_are_made_are_stored(data: Data) -> None:
    outcome = data.tune(options=DecodingOptions(lm_weight=0.0))
    assert outcome.metric == "wer"
    assert outcome.trials[0].counts.errors == 12, "without a language model abba is heard as acca"
    assert outcome.best.counts.errors == 0
    again = data.tune(options=DecodingOptions(lm_weight=0.0))
    assert (again.trials, again.tuned) == (outcome.trials, outcome.tuned)
    path = store(data.loaded, outcome, data.helpers)
    assert list(read_tuned(path.parent, WEIGHTS_SUM).values()) == [outcome.tuned]
    assert (outcome.tuned.helpers, outcome.tuned.manifest, outcome.tuned.tokens) == ("lm.arpa", "cuts_dev.jsonl.gz", 42)


def test_what_is_given_stays(data: Data) -> None:
    outcome = data.tune(options=DecodingOptions(lm_weight=0.0), fixed=["lm_weight"])
    assert {trial.weights["word_bonus"] for trial in outcome.trials} > set(GRID["word_bonus"])
    assert all(set(trial.weights) == {"word_bonus"} for trial in outcome.trials)
    assert outcome.tuned.lm_weight == 0.0
    assert outcome.best.counts.errors == 12


def test_confidences_are_calibrated_by_what_is_right(data: Data) -> None:
    outcome = tune(data.manifest, data.utterances, data.loaded)
    assert (outcome.trials[0].weights, outcome.best.counts.errors) == ({}, 12)
    before, after = outcome.reliability["words"]
    assert (before.number, before.wrong) == (42, 12)
    assert after.ece.value < before.ece.value
    assert after.brier.value < before.brier.value < before.constant + 0.1
    assert outcome.tuned.word_confidence is not None
    assert outcome.tuned.token_confidence is not None
    assert outcome.reliability["tokens"][0].wrong == 24


def test_a_lexicon_makes_words_of_phones(tmp_path: Path) -> None:
    data = Data(tmp_path, {f"u{i}": "abba ca" for i in range(3)})
    phones = Tokenizer((BLANK, "a", "b", "c", "x"), "phones", {"abba": [("a", "b")], "ca": [("c", "a")]})

    class Phones(Planted):
        tokenizer = phones

        def __init__(self) -> None:
            self.text_options = TextOptions()

        def heard_many(self, clips: list[Clip], **_: Any) -> Iterator[tuple[Clip, np.ndarray, int]]:
            frames = np.full((8, 5), 0.01)
            frames[range(8), [1, 0, 2, 0, 3, 0, 1, 0]] = 0.9
            for clip in clips:
                yield clip, np.log(frames).astype(np.float32), 16_000

    (tmp_path / "lexicon.txt").write_text("abba\ta b\nca\tc a\n")
    loaded = Loaded("phones", tmp_path, Phones())  # type: ignore[arg-type]
    words = tune(data.manifest, data.utterances, loaded, helpers=Helpers(lexicon=tmp_path / "lexicon.txt"))
    assert (words.metric, words.best.counts.errors, set(words.best.weights)) == ("wer", 0, {"word_bonus"})
    tokens = tune(data.manifest, data.utterances, loaded)
    assert (tokens.metric, tokens.best.counts, list(tokens.reliability)) == ("per", Counts(0, 12, 0, 0, 0), ["tokens"])
    assert tokens.tuned.token_confidence is None, "nothing is wrong, so nothing is fitted"


def test_all_that_was_tried_is_a_table(data: Data, tmp_path: Path) -> None:
    outcome = data.tune()
    write_trials(tmp_path / "tried.tsv", outcome)
    header, *lines = (tmp_path / "tried.tsv").read_text().splitlines()
    assert header.split("\t")[:4] == ["lm_weight", "word_bonus", "wer", "errors"]
    assert len(lines) == len(outcome.trials)
    assert lines[0].split("\t")[:2] == ["1", "0"]


def test_utterances_that_cannot_be_read_are_left_out_and_named(tmp_path: Path) -> None:
    data = Data(tmp_path, {"u1": "abba", "u2": "x"})
    outcome = data.tune()
    assert list(outcome.failures) == ["u2"]
    assert outcome.best.counts.tokens == 1
    with pytest.raises(DataError, match="none of the 1 utterances could be read"):
        tune(data.manifest, data.utterances[1:], data.loaded)


def test_test_data_are_warned_about(data: Data, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    test = tmp_path / "cuts_test.jsonl.gz"
    test.write_bytes(data.manifest.read_bytes())
    with caplog.at_level(logging.WARNING):
        tune(test, data.utterances, data.loaded)
    assert "looks like test data" in caplog.text


def test_a_model_that_tells_nothing_to_a_decoder_is_refused(data: Data) -> None:
    class Mute:
        tokenizer, text_options = TOKENIZER, TextOptions()

        def decoder_for(self, options: DecodingOptions, helpers: Helpers | None) -> Decoder:
            return make_decoder(self.tokenizer, self.text_options, options, helpers)

    with pytest.raises(Unsupported, match="a model that cannot be tuned"):
        tune(data.manifest, data.utterances, Loaded("mute", data.folder, Mute()))  # type: ignore[arg-type]
