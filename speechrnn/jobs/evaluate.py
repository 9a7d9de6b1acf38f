"""Run recognizers over a manifest and score them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechrnn.errors import DataError, UsageError
from speechrnn.jobs.naming import unique_names
from speechrnn.jobs.provenance import collect
from speechrnn.jobs.references import number_source, references, spans, text_source
from speechrnn.jobs.report_material import model_bytes
from speechrnn.reports.provenance import Provenance
from speechrnn.scoring.calibration import Reliability, reliability, right_ones
from speechrnn.scoring.compare import compare
from speechrnn.scoring.results import Evaluation, Item, System
from speechrnn.scoring.units import hypothesis_tokens, metrics_of, reference_tokens
from speechrnn.text.labels import LABEL_UNITS
from speechrnn.text.normalize import normalize

if TYPE_CHECKING:
    from speechrnn.audio import Clip
    from speechrnn.data.manifest import Utterance
    from speechrnn.data.prepared import Track
    from speechrnn.decoding.helpers import Helpers
    from speechrnn.decoding.options import DecodingOptions
    from speechrnn.recognizer import Recognizer
    from speechrnn.records import Transcript

NOTHING = "the recognizer gave no transcript"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A recognizer with the name it is shown under and the path it was loaded from."""

    name: str
    path: Path
    recognizer: Recognizer


def load_systems(
    models: Sequence[Path],
    names: Sequence[str] = (),
    device: str = "auto",
    decoding: Sequence[DecodingOptions] = (),
    helpers: Helpers | None = None,
) -> list[Loaded]:
    """Open model directories.

    Args:
        models: model or run directories.
        names: to show them under, one each; by default the name each model carries, behind its path where two are equal.
        device: ``auto``, ``cpu``, ``cuda``.
        decoding: how each model decodes, one each; by default as :func:`speechrnn.recognizer.load` does.
        helpers: as :func:`speechrnn.recognizer.load` takes them, the same for all models.

    Raises:
        UsageError: a model given twice, names that are not one each or not different; helpers that do not fit.
        DataError: a model directory that is missing or damaged; helpers that do not fit.
    """
    from speechrnn.recognizer import load

    if len(set(models)) < len(models):
        raise UsageError(f"-m {next(path for path in models if models.count(path) > 1)} is given twice", "give each model once")
    if names and (len(names) != len(models) or len(set(names)) < len(names)):
        raise UsageError(f"{len(models)} models and the names {', '.join(names)}", "give one --name for each -m, all different")
    recognizers = [load(path, device, decoding[index] if decoding else None, helpers) for index, path in enumerate(models)]
    shown = names or unique_names(
        [recognizer.info().get("name") or path.name for recognizer, path in zip(recognizers, models, strict=True)], models
    )
    return [Loaded(name, path, recognizer) for name, path, recognizer in zip(shown, models, recognizers, strict=True)]


def evaluate(
    utterances: Sequence[Utterance],
    loaded: Sequence[Loaded],
    *,
    track: Track | None = None,
    snr: Mapping[str, float] | None = None,
) -> Evaluation:
    """Transcribe all utterances with each recognizer and score them.

    Words and characters are counted for models of characters; letters or phones, without word boundaries, for the others; of
    numbers it is measured how far off they are. An utterance that cannot be read counts as all deleted, or, of numbers, is left
    out; it is named in the system's ``failed``.

    Args:
        utterances: with their references.
        loaded: the recognizers.
        track: shows progress.
        snr: ratio of speech to noise (dB) by id, where it is known.

    Raises:
        UsageError: the models normalize text by different rules, or learned different fields; some give numbers, some do not.
        DataError: a reference word without pronunciation (phones); utterances without the text that is written, or without label
            or number; no utterance could be read at all.
    """
    _check_alike(loaded)
    from speechrnn.data.labels import with_texts

    utterances = with_texts(utterances, text_source(loaded[0].recognizer))
    sides = [references(utterances, system) for system in loaded]
    return compare([_run(utterances, system, prepared, track, snr or {}) for system, prepared in zip(loaded, sides, strict=True)])


def _check_alike(loaded: Sequence[Loaded]) -> None:
    """Refuse recognizers whose references differ."""
    first = loaded[0]
    rule, number = first.recognizer.text_options, number_source(first)
    remedy = "evaluate them in a call each: their references differ"
    for other in loaded[1:]:
        if number_source(other) != number:
            raise UsageError(f"{first.name} gives {_given(first)}, {other.name} {_given(other)}", remedy)
        if not number and other.recognizer.text_options != rule:
            raise UsageError(
                f"{first.name} normalizes text by {asdict(rule)}, {other.name} by {asdict(other.recognizer.text_options)}", remedy
            )
        mine, theirs = text_source(first.recognizer), text_source(other.recognizer)
        if mine != theirs:
            raise UsageError(f"{first.name} writes {mine!r} of the manifest, {other.name} {theirs!r}", remedy)


def _given(system: Loaded) -> str:
    source = number_source(system)
    return f"the number {source!r} of the manifest" if source else "texts or labels"


def _run(
    utterances: Sequence[Utterance],
    system: Loaded,
    references: Sequence[tuple[str, tuple[str, ...]]],
    track: Track | None,
    snr: Mapping[str, float],
) -> System:
    """Transcribe, with the time it takes."""
    failures: dict[str, str] = {}

    def failed(clip: Clip, error: DataError) -> None:
        failures[clip.id] = error.message

    _warm_up(system, utterances)
    start = time.perf_counter()
    transcripts: Iterable[Transcript] = system.recognizer.transcribe_many(
        [utterance.clip for utterance in utterances], on_error=failed
    )
    if track is not None:
        transcripts = track(transcripts, system.name, len(utterances))
    found = {transcript.id: transcript for transcript in transcripts}
    seconds = time.perf_counter() - start
    number = number_source(system)
    for said in [transcript for transcript in found.values() if number and not math.isfinite(float(transcript.text))]:
        failures[said.id] = f"the model gave {said.text}"
        del found[said.id]
    if not found:
        what = next(iter(failures.values()), NOTHING)
        raise DataError(
            f"{system.name}: none of the {len(utterances)} utterances could be transcribed; the first: {what}", "correct the data"
        )
    items = tuple(
        replace(
            _item(utterance, *reference, found.get(utterance.id), failures.get(utterance.id, NOTHING), system),
            snr=snr.get(utterance.id),
        )
        for utterance, reference in zip(utterances, references, strict=True)
    )
    unit = system.recognizer.tokenizer.unit
    metrics = metrics_of(unit, system.recognizer.writes_words)
    told = facts(system.recognizer.info())
    size = model_bytes(system.path)
    if size is not None:
        told["bytes"] = size
    # A number is neither right nor wrong, and nobody says how sure it is.
    worth = {} if number else confidences(utterances, references, found, system)
    return System(
        system.name, str(system.path), unit, metrics, items, seconds, told, worth, number or text_source(system.recognizer)
    )


def _warm_up(system: Loaded, utterances: Sequence[Utterance]) -> None:
    """Transcribe one utterance before the clock starts: on a new machine loops are compiled first, for up to a minute."""
    shortest = min(utterances, key=lambda utterance: utterance.duration)
    for _ in system.recognizer.transcribe_many([shortest.clip], on_error=lambda clip, error: None):
        pass


def confidences(
    utterances: Sequence[Utterance],
    references: Sequence[tuple[str, tuple[str, ...]]],
    found: Mapping[str, Transcript],
    system: Loaded,
) -> dict[str, Reliability]:
    """What the confidences of words and tokens are worth, by utterances that were transcribed."""
    import numpy as np

    tokenizer, rule = system.recognizer.tokenizer, system.recognizer.text_options
    speakers, rows = [], []
    for utterance, (_, labels) in zip(utterances, references, strict=True):
        transcript = found.get(utterance.id)
        if transcript is not None:
            reference = normalize(utterance.text, rule)
            wanted = labels if tokenizer.unit in LABEL_UNITS else reference_tokens(tokenizer, reference)
            words = [(text, word.confidence) for word in transcript.words if (text := normalize(word.text, rule))]
            tokens = [(token.text, token.confidence) for token in transcript.tokens if hypothesis_tokens([token.text])]
            speakers.append(utterance.speaker)
            rows.append((reference.split(), words, wanted, tokens))
    worth = {}
    for what, sides in (("words", [row[:2] for row in rows]), ("tokens", [row[2:] for row in rows])):
        sure = [np.array([confidence for _, confidence in heard], np.float64) for _, heard in sides]
        right = [right_ones(reference, [text for text, _ in heard]) for reference, heard in sides]
        measured = reliability(sure, right, speakers)
        if measured is not None:
            worth[what] = measured
    return worth


def _item(
    utterance: Utterance, reference: str, tokens: tuple[str, ...], transcript: Transcript | None, failure: str, system: Loaded
) -> Item:
    unit = system.recognizer.tokenizer.unit
    times = spans(utterance, system)[1] if unit == "frames" else ()
    if transcript is None:
        return Item(
            utterance.id, reference, "", tokens, speaker=utterance.speaker, duration=utterance.duration, failure=failure,
            reference_times=times,
        )  # fmt: skip
    if unit == "value":
        return Item(utterance.id, reference, transcript.text, speaker=utterance.speaker, duration=utterance.duration)
    return Item(
        utterance.id,
        reference,
        transcript.text if transcript.unit in LABEL_UNITS else normalize(transcript.text, system.recognizer.text_options),
        tokens,
        tuple(token.text for token in transcript.tokens),
        tuple((token.start, token.end) for token in transcript.tokens),
        tuple(token.confidence for token in transcript.tokens),
        utterance.speaker,
        utterance.duration,
        reference_times=times,
    )


def facts(info: Mapping[str, Any]) -> dict[str, Any]:
    """What a report says of a model, from its ``model.json``."""
    data = info.get("data") or {}
    known = {
        "kind": info.get("kind"),
        "decoding": info.get("decoding"),
        "parameters": info.get("weights"),
        "weights_sha256": (info.get("sha256") or {}).get("weights.safetensors"),
        "trained_on": data.get("title") or data.get("name"),
        "licence_of_its_data": data.get("licence"),
    }
    return {key: value for key, value in known.items() if value not in (None, "")}


def provenance(manifest: Path, loaded: Sequence[Loaded], **made: Any) -> Provenance:
    """What stands beside the figures; ``made`` adds entries such as device and threads."""
    from speechrnn.data.prepared import read_corpus

    # Numbers are not normalized.
    rule = {} if number_source(loaded[0]) else asdict(loaded[0].recognizer.text_options)
    return collect(manifest, corpus=read_corpus(manifest.parent), normalization=rule, **made)


def computer(device: str) -> dict[str, Any]:
    """What the recognizers computed on: the device that was meant by ``device``, and the CPU's threads."""
    import torch

    from speechrnn.recognizer import pick_device

    return {"device": str(pick_device(device)), "threads": torch.get_num_threads()}
