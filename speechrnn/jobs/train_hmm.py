"""Train a GMM-HMM: data to ladder, each rung tuned on dev and written."""

from __future__ import annotations

import dataclasses
import gzip
import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from speechrnn.atomic import write_text
from speechrnn.config import build, to_yaml
from speechrnn.data.facts import data_facts
from speechrnn.data.inventory import common_rate, load_splits, suggested_unit
from speechrnn.data.prepared import Track, silent
from speechrnn.data.utterance import Utterance
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import DataError, Interrupted, listed, typed
from speechrnn.hmm.grammar import Pronunciation
from speechrnn.hmm.ladder import Heard, Ladder
from speechrnn.hmm.model import Acoustic
from speechrnn.hmm.options import RUNGS, HmmExperiment
from speechrnn.hmm.phones import Topology
from speechrnn.hmm.store import HmmModelOptions, model_tokens, write_hmm
from speechrnn.lm.arpa_writer import write_arpa
from speechrnn.lm.estimate import EstimateOptions, estimate
from speechrnn.rundir import METRICS, LogFile, RunDir, machine, versions
from speechrnn.text.graphemes import graphemes
from speechrnn.text.lexicon import read_lexicon
from speechrnn.text.normalize import normalize
from speechrnn.text.tokenizer import Tokenizer, learn_tokens

logger = logging.getLogger("speechrnn")
WORD_ORDER, LETTER_ORDER = 2, 4
"""Orders of the language models that are estimated where none is given."""
UNADAPTED = "unadapted"
"""Name of the speaker-adaptive rung without adaptation."""
SPEEDS, SPEEDS_S = (0.9, 1.0, 1.1), 3600.0
"""Speeds at which up to so many seconds of training data are heard."""
TUNING_WORDS, TUNING_LETTERS = 1500, 7500
"""Words, or letters, of dev that weights are tried on, about: of a larger one every so many utterances."""
PART = 5
"""Of so many utterances one has the letters by which the place is found where weights are searched for."""
TUNING_STEPS = (1.0, 0.5)
"""Steps of that search: a finer one finds nothing that holds elsewhere (docs/tuning.md), and every rung is searched for."""


def train(values: Mapping[str, Any], *, track: Track = silent) -> RunDir:
    """Train from plain configuration values (:func:`speechrnn.config.compose`).

    Returns:
        The run directory: ``model/`` is the last rung, ``rungs/`` holds those below it.

    Raises:
        UsageError: faults of the configuration, all together.
        DataError: what is wrong with the data, by name.
        Interrupted: stopped by the user.
    """
    experiment = build(HmmExperiment, values)
    run = RunDir.create(experiment.run.dir, experiment.experiment, resumable=False)
    experiment = dataclasses.replace(experiment, run=dataclasses.replace(experiment.run, dir=run.path))
    empty = not any(run.path.iterdir())
    handler = LogFile(run)
    logger.addHandler(handler)
    logger.setLevel(min(logger.level or logging.INFO, logging.INFO))
    wall, cpu = time.monotonic(), time.process_time()
    try:
        _climb(experiment, run, track)
    except KeyboardInterrupt:
        if not run.begun:
            raise
        raise Interrupted(
            "stopped; hidden Markov models are trained in minutes, and not resumed",
            f"remove {typed(run.path)} and train them again",
        ) from None
    finally:
        logger.removeHandler(handler)
        handler.close()
        if run.begun:
            spent = {"seconds": time.monotonic() - wall, "cpu_seconds": time.process_time() - cpu}
            run.write_run({name: round(value, 1) for name, value in spent.items()})
        elif empty:
            run.discard()
    return run


def _climb(experiment: HmmExperiment, run: RunDir, track: Track) -> None:
    train_set, dev_set = load_splits(experiment.data.dir)
    assert experiment.data.dir
    folder = experiment.data.dir
    rate = experiment.sampling_rate or common_rate(train_set)
    experiment = dataclasses.replace(experiment, sampling_rate=rate)
    texts = {utterance.id: normalize(utterance.text, experiment.text) for utterance in train_set}
    tokenizer = _tokenizer(experiment, folder, list(texts.values()))
    topology = Topology(model_tokens(tokenizer), experiment.ladder.phone_states, experiment.ladder.silence_states)
    vocabulary, said = _pronunciations(tokenizer, topology)
    utterances = _usable(train_set, texts, tokenizer, vocabulary, experiment.data.max_duration_s)
    facts = {"data": data_facts(folder), "parents": []}
    run.write_config(to_yaml(experiment))
    run.write_run({"versions": versions(), "machine": machine(), "seed": experiment.seed, **facts, "finished": False})
    options = HmmModelOptions(
        rate, tokenizer.unit, "mono", experiment.ladder.phone_states, experiment.ladder.silence_states, 0,
        experiment.frontend, experiment.text,
    )  # fmt: skip
    seconds_of = {utterance.id: utterance.duration for utterance in utterances}
    speeds = experiment.data.speeds or (SPEEDS if sum(seconds_of.values()) <= SPEEDS_S else (1.0,))
    heard = _listen(utterances, speeds, texts, tokenizer, vocabulary, options, track)
    heard = _long_enough(heard, said, options.phone_states)
    ids = {h.id for h in heard}
    logger.info(
        "%d utterances, %.1f hours, at speed%s %s, %d phones, %d words", len(ids), sum(seconds_of[i] for i in ids) / 3600,
        "s" if len(speeds) > 1 else "", ", ".join(f"{speed:g}" for speed in speeds), len(topology.names) - 1, len(vocabulary),
    )  # fmt: skip
    lm = _language_model(experiment, folder, list(texts.values()), tokenizer)
    ladder = Ladder(topology, said, heard, experiment.ladder, experiment.seed, words=tokenizer.unit != "letters", track=track)
    seconds: dict[str, float] = {}
    top = RUNGS.index(experiment.ladder.top)
    for rung in RUNGS[: top + 1]:
        begun = time.monotonic()
        acoustic = ladder.climb(rung)
        seconds[rung] = round(time.monotonic() - begun, 1)
        kept = [(rung, acoustic)]
        if acoustic.unadapted is not None:
            # What it makes of speakers that it does not adapt to is a row of its own.
            kept.insert(0, (UNADAPTED, dataclasses.replace(acoustic, gmm=acoustic.unadapted, unadapted=None)))
        for name, model in kept:
            path = run.model if name == experiment.ladder.top else run.path / "rungs" / name
            made_of = dataclasses.replace(options, rung=name, context=model.view.context)
            info = {"name": f"{experiment.experiment} {name}", **facts}
            error = _keep(path, made_of, tokenizer, model, lm, info, dev_set, experiment, folder, track)
            logger.info(
                "%s: %d tied states, %d Gaussians, %.0f s, dev error %.2f %%",
                name, model.gmm.num_states, len(model.gmm.means), seconds[rung], error,
            )  # fmt: skip
        run.write_run({"rungs": seconds})
        _write_curves(run, ladder)
    run.write_run({"finished": True})
    logger.info("done: %s", run.model)


def _write_curves(run: RunDir, ladder: Ladder) -> None:
    """``metrics.csv``: a row an iteration."""
    rows = [f"{i},{one.rung},{one.gaussians},{one.log_likelihood:.6g}" for i, one in enumerate(ladder.iterations, 1)]
    write_text(run.path / METRICS, "\n".join(["iteration,rung,gaussians,log_likelihood", *rows, ""]))


def _keep(
    path: Path,
    options: HmmModelOptions,
    tokenizer: Tokenizer,
    acoustic: Acoustic,
    lm: bytes,
    info: Mapping[str, Any],
    dev: Sequence[Utterance],
    experiment: HmmExperiment,
    folder: Path,
    track: Track,
) -> float:
    """Write a rung, tune it on dev, store the weights; returns the dev error (%)."""
    from speechrnn.jobs import tune as job
    from speechrnn.jobs.evaluate import load_systems

    write_hmm(path, options, tokenizer, acoustic, lm, info)
    (loaded,) = load_systems([path])
    readable = [u for u in dev if _readable(normalize(u.text, options.text), tokenizer)]
    if len(readable) < len(dev):
        left_out = len(dev) - len(readable)
        logger.warning("%d of %d dev utterances hold words without pronunciation: tuned without them", left_out, len(dev))
    letters = tokenizer.unit == "letters"
    tokens = sum(len(u.text.replace(" ", "") if letters else u.text.split()) for u in readable)
    known = readable[:: max(1, round(tokens / (TUNING_LETTERS if letters else TUNING_WORDS)))]
    part = PART if letters and tokens > TUNING_WORDS else 1
    manifest = next(p for p in (folder / "cuts_dev.jsonl.gz", folder / "cuts_dev.jsonl") if p.is_file())
    outcome = job.tune(manifest, known, loaded, DecodingOptions(), None, part=part, steps=TUNING_STEPS, track=track)
    job.store(loaded, outcome, None)
    if (lm_file := experiment.data.lm or folder / "lm.arpa").is_file() and tokenizer.unit == "phones":
        # The same files, given by name, mean the same weights.
        lexicon = experiment.data.lexicon or folder / "lexicon.txt"
        job.store(loaded, outcome, Helpers(lm=lm_file, lexicon=lexicon))
    return outcome.best.counts.percent


def _readable(text: str, tokenizer: Tokenizer) -> bool:
    return tokenizer.unit != "phones" or all(word in tokenizer.pronunciations for word in text.split())


def _tokenizer(experiment: HmmExperiment, folder: Path, texts: Sequence[str]) -> Tokenizer:
    """Words through a lexicon, words spelled by their letters, or letters."""
    o = experiment.data
    unit = o.unit if o.unit != "auto" else "letters" if suggested_unit(folder) == "letters" else "words"
    if unit == "letters":
        return Tokenizer(learn_tokens(texts, "letters"), "letters")
    counts = Counter(word for text in texts for word in text.split())
    path = o.lexicon or folder / "lexicon.txt"
    if o.lexicon is not None or path.is_file():
        lexicon = read_lexicon(path, experiment.text.unicode)
        phones = sorted({phone for ways in lexicon.values() for way in ways for phone in way})
        return Tokenizer(("<blank>", *phones), "phones", lexicon, counts)
    logger.info("%s: none there, so words are spelled by their letters", path)
    spelled = {word: [tuple(graphemes(word))] for word in counts}
    return Tokenizer(learn_tokens(texts, "chars"), "chars", spelled, counts)


def _pronunciations(tokenizer: Tokenizer, topology: Topology) -> tuple[dict[str, int], dict[int, list[Pronunciation]]]:
    """Numbers of words (or letters), and how each is said."""
    index = topology.index
    if tokenizer.unit == "letters":
        names = list(topology.names[1:])
        return {name: i for i, name in enumerate(names)}, {i: [((index[name],), 0.0)] for i, name in enumerate(names)}
    names = sorted(tokenizer.pronunciations)
    said = {i: [(tuple(index[p] for p in way), 0.0) for way in tokenizer.pronunciations[name]] for i, name in enumerate(names)}
    return {name: i for i, name in enumerate(names)}, said


def _usable(
    utterances: Sequence[Utterance], texts: Mapping[str, str], tokenizer: Tokenizer, vocabulary: Mapping[str, int], longest: float
) -> list[Utterance]:
    """Utterances that can be trained on; the others are named.

    Raises:
        DataError: words without pronunciation; nothing is left.
    """
    missing = (
        Counter(w for u in utterances for w in texts[u.id].split() if w not in vocabulary) if tokenizer.unit != "letters" else {}
    )
    if missing:
        raise DataError(
            f"{len(missing)} words of the training texts have no pronunciation: {listed(missing, 20)}",
            "add them to the lexicon; speechrnn lexicon completes one",
        )
    left_out = [u.id for u in utterances if not texts[u.id] or u.duration > longest]
    if left_out:
        logger.warning("%d utterances without text or longer than %g s are left out: %s", len(left_out), longest, listed(left_out))
    dropped = set(left_out)
    usable = [u for u in utterances if u.id not in dropped]
    if not usable:
        raise DataError("no utterances to train on", "give data with texts, in stretches of a few seconds")
    return usable


def _listen(
    utterances: Sequence[Utterance],
    speeds: Sequence[float],
    texts: Mapping[str, str],
    tokenizer: Tokenizer,
    vocabulary: Mapping[str, int],
    options: HmmModelOptions,
    track: Track,
) -> list[Heard]:
    """Cepstra of all utterances at all speeds, each less its speaker's mean; at another speed a speaker is another one."""
    from speechrnn.audio import read_clip
    from speechrnn.data.augment import change_speed
    from speechrnn.inference.gmm import Cepstra

    cepstra, rate = Cepstra(options), options.sampling_rate
    played = [(u, speed) for speed in speeds for u in utterances]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        heard_ahead = pool.map(lambda one: cepstra([change_speed(read_clip(one[0].clip, rate), one[1], rate)]), played)
        found = list(track(heard_ahead, "listen", len(played)))
    voices = [u.clip.voice + ("" if speed == 1 else f" at speed {speed:g}") for u, speed in played]
    by_voice: dict[str, list[int]] = {}
    for i, voice in enumerate(voices):
        by_voice.setdefault(voice, []).append(i)
    for own in by_voice.values():
        for i, frames in zip(own, cepstra.normalized([found[i] for i in own]), strict=True):
            found[i] = frames
    heard = []
    for (u, _), voice, frames in zip(played, voices, found, strict=True):
        words = texts[u.id].split()
        pauses = None
        if tokenizer.unit == "letters":
            # Nobody pauses within a word.
            spelled = [[tokenizer.tokens[i] for i in tokenizer.encode(word)] for word in words]
            pauses = tuple(np.cumsum([0, *map(len, spelled)]).tolist())
            words = [letter for word in spelled for letter in word]
        heard.append(Heard(u.id, voice, frames, tuple(vocabulary[word] for word in words), pauses))
    return heard


def _long_enough(heard: Sequence[Heard], said: Mapping[int, Sequence[Pronunciation]], states: int) -> list[Heard]:
    """Utterances with a frame for each state of their text; the others are named.

    Raises:
        DataError: there are none.
    """
    shortest = {token: min(len(phones) for phones, _ in ways) for token, ways in said.items()}
    fitting = [h for h in heard if len(h.cepstra) >= states * sum(shortest[token] for token in h.tokens)]
    ids = dict.fromkeys(h.id for h in heard)
    whole, kept = Counter(h.id for h in heard), Counter(h.id for h in fitting)
    if short := [i for i in ids if not kept[i]]:
        logger.warning("%d utterances are too short for their texts and left out: %s", len(short), listed(short))
    if partly := [i for i in ids if 0 < kept[i] < whole[i]]:
        logger.warning(
            "%d utterances are too short for their texts at the highest speeds and left out there: %s", len(partly), listed(partly)
        )
    if not fitting:
        raise DataError("every utterance is too short for its text", "look at the data: speechrnn data show")
    return fitting


def _language_model(experiment: HmmExperiment, folder: Path, texts: Sequence[str], tokenizer: Tokenizer) -> bytes:
    """The ARPA file that the model keeps, compressed: as given, of the data directory, or estimated from the training texts."""
    given = experiment.data.lm or folder / "lm.arpa"
    if experiment.data.lm is not None or (tokenizer.unit == "phones" and given.is_file()):
        raw = given.read_bytes()
        return raw if raw[:2] == b"\x1f\x8b" else gzip.compress(raw, mtime=0)
    letters = tokenizer.unit == "letters"
    order = LETTER_ORDER if letters else WORD_ORDER
    sentences = ([tokenizer.tokens[i] for i in tokenizer.encode(t)] if letters else t.split() for t in texts)
    model = estimate((s for s in sentences if s), EstimateOptions(order=order))
    logger.info("language model: %d-gram of the training texts", len(model.counts))
    with tempfile.TemporaryDirectory() as place:
        write_arpa(Path(place) / "lm.arpa.gz", model)
        return (Path(place) / "lm.arpa.gz").read_bytes()
