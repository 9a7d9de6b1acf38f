"""What a report shows beside figures and texts: sound, spectrograms and posteriors of some utterances; how models were trained."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechrnn import rundir
from speechrnn.errors import DataError, Unsupported
from speechrnn.modeldir import model_folder
from speechrnn.reports.details import Curve, Detail, choose, curves, spectrogram
from speechrnn.reports.training import Training, series_of
from speechrnn.scoring.results import Evaluation

if TYPE_CHECKING:
    from speechrnn.data.manifest import Utterance
    from speechrnn.data.prepared import Track
    from speechrnn.jobs.evaluate import Loaded


def noise(utterances: Sequence[Utterance], track: Track | None = None) -> dict[str, float]:
    """Estimated ratio of speech to noise (dB) by id, of those that can be read and hold speech."""
    from speechrnn.audio import read_clip
    from speechrnn.audio_level import signal_to_noise

    found = {}
    for utterance in track(utterances, "noise", len(utterances)) if track else utterances:
        try:
            ratio = signal_to_noise(read_clip(utterance.clip), utterance.sampling_rate)
        except DataError:
            continue
        if ratio is not None:
            found[utterance.id] = ratio
    return found


def details(
    evaluation: Evaluation,
    utterances: Sequence[Utterance],
    loaded: Sequence[Loaded],
    *,
    sound: bool = True,
    track: Track | None = None,
) -> dict[str, Detail]:
    """Details of the worst and of some random utterances, by id. Unreadable ones, which are among the failed, have none.

    Args:
        evaluation: decides which are the worst.
        utterances: as evaluated.
        loaded: the recognizers; those that give no posteriors have none shown.
        sound: whether recordings are put into the page.
        track: shows progress.
    """
    from speechrnn.audio import read_clip
    from speechrnn.audio_encoded import mp3

    chosen = choose(evaluation)
    shown = [utterance for utterance in utterances if utterance.id in chosen]
    heard = {system.name: _curves(system, shown, utterances) for system in loaded}
    found = {}
    for utterance in track(shown, "details", len(shown)) if track else shown:
        try:
            samples = read_clip(utterance.clip)
        except DataError:
            continue
        found[utterance.id] = Detail(
            utterance.duration,
            spectrogram(samples, utterance.sampling_rate),
            mp3(samples, utterance.sampling_rate) if sound else b"",
            {name: by_id[utterance.id] for name, by_id in heard.items() if utterance.id in by_id},
            chosen[utterance.id],
        )
    return found


def _curves(system: Loaded, shown: Sequence[Utterance], everything: Sequence[Utterance]) -> dict[str, tuple[Curve, ...]]:
    """Posteriors by id, as the recognizer heard them among all utterances."""
    from speechrnn.recognizer import PosteriorSource

    if not isinstance(system.recognizer, PosteriorSource):
        return {}
    recognizer: Any = system.recognizer
    found = {}
    try:
        if getattr(recognizer, "hears_speakers", False):
            ids = {utterance.id for utterance in shown}
            like = None
            for clip, log_probs, _ in recognizer.posteriors_many([u.clip for u in everything], on_error=lambda *_: None):
                if clip.id in ids:
                    like = like or recognizer.posteriors(clip)
                    found[clip.id] = curves(replace(like, log_probs=log_probs))
            return found
        for utterance in shown:
            try:
                found[utterance.id] = curves(recognizer.posteriors(utterance.clip))
            except DataError:
                continue
    except Unsupported:
        return {}
    return found


def training(path: Path) -> Training:
    """What the run directory of a model tells; nothing of a model that stands alone but its configuration.

    Args:
        path: a model or run directory, as given to evaluate.
    """
    model = model_folder(path)
    run = next((folder for folder in (path, model.parent) if (folder / rundir.RUN).is_file()), None)
    config = next((file for file in ((run or path) / rundir.CONFIG, model / rundir.CONFIG) if file.is_file()), None)
    text = config.read_text(encoding="utf-8", errors="replace") if config else ""
    if run is None:
        return Training(config=text)
    metrics = run / rundir.METRICS
    rows: list[dict[str, str]] = []
    if metrics.is_file():
        with metrics.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    try:
        facts = rundir.RunDir(run).read_run()
    except ValueError:
        facts = {}
    return Training(series_of(rows), text, facts)


def model_bytes(path: Path) -> int | None:
    """Bytes of a model directory's files; ``None`` where there is none."""
    folder = model_folder(path)
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) if folder.is_dir() else None
