"""Decoding weights and confidences, chosen on dev: utterances are heard once and decoded many times."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from speechrnn.atomic import write_text
from speechrnn.blas import one_thread_each
from speechrnn.checksum import sha256
from speechrnn.data.labels import with_texts
from speechrnn.decoding.confidence import Calibration, Calibrations, fit
from speechrnn.decoding.decoder import Decoder, Reading
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.tuned import FILE, Tuned, key, with_weights, write_tuned
from speechrnn.errors import DataError, Unsupported
from speechrnn.jobs.evaluate import NOTHING, Loaded
from speechrnn.jobs.references import references, text_source
from speechrnn.jobs.weight_search import STEPS, Trial, search, settled
from speechrnn.modeldir import WEIGHTS, model_folder
from speechrnn.scoring.calibration import Reliability, reliability, right_ones
from speechrnn.scoring.rates import Counts, count, total
from speechrnn.scoring.results import Item
from speechrnn.scoring.units import hypothesis_tokens, metrics_of, reference_tokens
from speechrnn.text.normalize import normalize
from speechrnn.text.tokenizer import SPACE

if TYPE_CHECKING:
    from speechrnn.audio import Clip
    from speechrnn.data.manifest import Utterance
    from speechrnn.data.prepared import Track

logger = logging.getLogger("speechrnn")


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """An utterance with its log posteriors (T, K) and its reference as text and tokens."""

    id: str
    speaker: str
    frames: np.ndarray
    text: str
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What tuning found.

    Attributes:
        metric: ``wer`` or ``per``: what was counted.
        trials: in the order they were tried, the defaults first.
        best: the one that is stored.
        tuned: as it is stored.
        reliability: what confidences of ``words`` and ``tokens`` are worth on dev, before and after calibration.
        failures: utterances that could not be read, with why.
    """

    metric: str
    trials: tuple[Trial, ...]
    best: Trial
    tuned: Tuned
    reliability: Mapping[str, tuple[Reliability, Reliability]]
    failures: Mapping[str, str]


@one_thread_each()
def tune(
    manifest: Path,
    utterances: Sequence[Utterance],
    loaded: Loaded,
    options: DecodingOptions = DecodingOptions(),
    helpers: Helpers | None = None,
    *,
    fixed: Sequence[str] = (),
    part: int = 1,
    steps: Sequence[float] = STEPS,
    threads: int | None = None,
    track: Track | None = None,
) -> Outcome:
    """Choose weights by which a model makes the fewest errors on dev, and calibrate its confidences; nothing is written.

    Args:
        manifest: where the utterances come from. One of test is warned about: what is chosen on it cannot be measured there.
        utterances: of dev.
        loaded: the model.
        options: of the decoder; its weights are tried first, its widths are kept.
        helpers: language models, lexicon, hotwords, as they will be given when transcribing.
        fixed: weights that stay as they are in ``options``.
        part: where to search is found by one in so many utterances.
        steps: in which it is searched there, in nats of a bonus.
        threads: utterances decoded at a time; by default as many as there are cores.
        track: shows progress.

    Raises:
        DataError: helpers that do not fit the model; a reference without pronunciation; no utterance could be read.
        UsageError: helpers that do not fit each other.
        Unsupported: a model that gives no posteriors.
    """
    if "test" in manifest.name.lower():
        logger.warning("%s looks like test data: weights chosen on it make its error rate worthless; give dev data", manifest)
    recognizer: Any = loaded.recognizer
    if not hasattr(recognizer, "heard_many"):
        raise Unsupported(f"{loaded.path}: a model that cannot be tuned", "give a model of kind rnn or hmm that writes text")
    decoder: Decoder = recognizer.decoder_for(options, helpers)
    metric = metrics_of(recognizer.tokenizer.unit, decoder.writes_words)[0]
    heard, failures = listen(utterances, loaded, track)
    start = {name: float(getattr(options, name)) for name in decoder.weights if name not in fixed}
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:

        def read(weights: Mapping[str, float], some: Sequence[Heard] = heard) -> list[Reading]:
            return list(pool.map(_with(decoder, options, weights), [utterance.frames for utterance in some]))

        def score(weights: Mapping[str, float], some: Sequence[Heard] = heard) -> Counts:
            return total(count(*sides(one, found, loaded, metric)) for one, found in zip(some, read(weights, some), strict=True))

        found = search(start, score, partial(score, some=heard[::part]) if part > 1 else None, steps)
        trials = tuple(track(found, "tune") if track is not None else found)
        best = settled(trials)
        readings = read(best.weights)
    calibrations, worth = _calibrate(heard, readings, loaded)
    weights: dict[str, Any] = {name: best.weights.get(name, float(getattr(options, name))) for name in decoder.weights}
    tuned = Tuned(
        helpers=", ".join(path.name for path in _files(helpers)) or "none",
        manifest=manifest.name,
        manifest_sha256=sha256(manifest),
        metric=metric,
        errors=best.counts.errors,
        tokens=best.counts.tokens,
        word_confidence=calibrations.words,
        token_confidence=calibrations.tokens,
        **weights,
    )
    return Outcome(metric, trials, best, tuned, worth, failures)


def _calibrate(
    heard: Sequence[Heard], readings: Sequence[Reading], loaded: Loaded
) -> tuple[Calibrations, dict[str, tuple[Reliability, Reliability]]]:
    """Fit how sure words and tokens are to which of them are right."""
    speakers = [one.speaker for one in heard]
    found: dict[str, Calibration | None] = {}
    worth: dict[str, tuple[Reliability, Reliability]] = {}
    for what, judge in (("words", judged_words), ("tokens", judged_tokens)):
        rows = [judge(one.text, one.tokens, reading, loaded) for one, reading in zip(heard, readings, strict=True)]
        raw, right = [row[0] for row in rows], [row[1] for row in rows]
        fitted = found[what] = fit(np.concatenate(raw), np.concatenate(right))
        before = reliability(raw, right, speakers)
        after = before if fitted is None else reliability([fitted(row) for row in raw], right, speakers)
        if before is not None and after is not None:
            worth[what] = before, after
    return Calibrations(found["words"], found["tokens"]), worth


def judged_words(text: str, tokens: Sequence[str], reading: Reading, loaded: Loaded) -> tuple[np.ndarray, np.ndarray]:
    """Confidences (N,) of a reading's words, and which are right (N,)."""
    rule = loaded.recognizer.text_options
    heard = [(normalize(word, rule), sure) for (word, _, _), sure in zip(reading.words, reading.confidences, strict=True)]
    kept = [(word, sure) for word, sure in heard if word]
    return np.array([sure for _, sure in kept], np.float64), right_ones(text.split(), [word for word, _ in kept])


def judged_tokens(text: str, tokens: Sequence[str], reading: Reading, loaded: Loaded) -> tuple[np.ndarray, np.ndarray]:
    """Confidences (N,) of a reading's tokens, word boundaries left out, and which are right (N,)."""
    symbols = [loaded.recognizer.tokenizer.tokens[index] for index in reading.path.ids]
    spoken = np.array([symbol != SPACE for symbol in symbols], bool)
    return reading.path.confidences[spoken], right_ones(tokens, hypothesis_tokens(symbols))


def _with(decoder: Decoder, options: DecodingOptions, weights: Mapping[str, float]) -> Callable[[np.ndarray], Reading]:
    """The decoder with other weights."""
    return decoder.reweighted(with_weights(options, weights)) if weights else decoder


def listen(utterances: Sequence[Utterance], loaded: Loaded, track: Track | None = None) -> tuple[list[Heard], dict[str, str]]:
    """Utterances with their posteriors, and those that cannot be read, with why.

    Raises:
        DataError: none could be read; a reference without pronunciation (phones), or without the text that is written.
    """
    source: Any = loaded.recognizer
    failures: dict[str, str] = {}

    def failed(clip: Clip, error: DataError) -> None:
        failures[clip.id] = error.message

    tokenizer = loaded.recognizer.tokenizer
    utterances = with_texts(utterances, text_source(loaded.recognizer))
    texts = {
        utterance.id: (utterance.speaker, text, tokens or reference_tokens(tokenizer, text))
        for utterance, (text, tokens) in zip(utterances, references(utterances, loaded), strict=True)
    }
    stream = source.heard_many([utterance.clip for utterance in utterances], on_error=failed)
    heard = [
        Heard(clip.id, texts[clip.id][0], frames, *texts[clip.id][1:])
        for clip, frames, _ in (track(stream, "listen", len(utterances)) if track is not None else stream)
    ]
    if not heard:
        what = next(iter(failures.values()), NOTHING)
        raise DataError(f"none of the {len(utterances)} utterances could be read; the first: {what}", "correct the data")
    return heard, failures


def sides(heard: Heard, reading: Reading, loaded: Loaded, metric: str) -> tuple[list[str], list[str]]:
    """Reference and reading as they are compared, just as ``evaluate`` does."""
    recognizer = loaded.recognizer
    symbols = hypothesis_tokens([recognizer.tokenizer.tokens[index] for index in reading.path.ids])
    text = normalize(reading.text, recognizer.text_options)
    return Item(heard.id, heard.text, text, heard.tokens, symbols).sides(metric)


def store(loaded: Loaded, outcome: Outcome, helpers: Helpers | None, kind: str = "greedy") -> Path:
    """Write what was chosen into ``decoding.yaml`` beside the model, whole or not at all.

    Raises:
        DataError: it cannot be written; what stands there is damaged.
    """
    folder = model_folder(loaded.path)
    name = key(helpers, "beam" if helpers else kind)
    assert name is not None, "the helpers have been read"
    write_tuned(folder, loaded.recognizer.info()["sha256"][WEIGHTS], {name: outcome.tuned})
    return folder / FILE


def _files(helpers: Helpers | None) -> list[Path]:
    every = [path for _, path in helpers.files()] if helpers is not None else []
    return [path for path in every if path is not None]


def write_trials(path: Path, outcome: Outcome) -> None:
    """All that was tried as a table (TSV), in the order it was tried.

    Raises:
        DataError: it cannot be written.
    """
    names = [*outcome.best.weights, outcome.metric, "errors", "insertions", "deletions", "substitutions", "tokens"]
    lines = ["\t".join(names)]
    for trial in outcome.trials:
        c = trial.counts
        values = [f"{value:g}" for value in trial.weights.values()]
        figures = [f"{c.percent:.2f}", *map(str, (c.errors, c.insertions, c.deletions, c.substitutions, c.tokens))]
        lines.append("\t".join([*values, *figures]))
    write_text(path, "\n".join(lines) + "\n")
