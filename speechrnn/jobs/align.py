"""Lay texts over recordings: which text belongs to which recording, and what comes out as a transcript."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speechrnn.audio import Clip, info
from speechrnn.data.folders import as_named
from speechrnn.errors import DataError, Unsupported, UsageError
from speechrnn.jobs.naming import file_name
from speechrnn.jobs.transcribe import Result, Source, collect
from speechrnn.records import Alignment, Segment, Token, Transcript, Word
from speechrnn.text.files import read_text
from speechrnn.text.normalize import normalize

if TYPE_CHECKING:
    from speechrnn.data.prepared import Track
    from speechrnn.inference.rnn_recognizer import RnnRecognizer

MANIFESTS = (".jsonl", ".jsonl.gz")
TEXT = ".txt"


@dataclass(frozen=True, slots=True)
class Task:
    """A recording and its text, or why there is none.

    Attributes:
        source: the recording, and where its alignment belongs.
        clip: the stretch of it that the text belongs to.
        text: lines; each becomes a segment.
        error: what is wrong with the text.
    """

    source: Source
    clip: Clip
    text: str
    error: DataError | None = None


@dataclass(frozen=True, slots=True)
class Aligned:
    """What came of a task: a transcript and how well it fits, or an error."""

    result: Result
    score: float = 0.0


def tasks(path: Path, text: str | None, field: str = "text") -> list[Task]:
    """Recordings with their texts.

    Args:
        path: a recording, a folder of recordings, or a manifest, which holds its texts.
        text: of a recording: a text file, or the text itself; of a folder: a folder of text files; None: text files of the same
            names lie beside the recordings.
        field: of the manifest, that holds what the model writes.

    Raises:
        DataError: no such recording, folder or manifest; a text file that is missing or cannot be read.
        UsageError: a text for a manifest.
    """
    if path.name.endswith(MANIFESTS):
        if text is not None:
            raise UsageError(f"{path} holds its texts", "give the manifest alone, or a recording and its text")
        return _of_manifest(path, field)
    sources = collect([path])
    if not path.is_dir():
        given = _given(text) if text is not None else read_text(as_named(path.with_suffix(TEXT)), "give the text, or its file")
        return [Task(source, Clip(source.id, source.path), given) for source in sources]
    folder = path if text is None else Path(text)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder", f"give the folder that holds the texts of {path}")
    return [_beside(source, folder) for source in sources]


def _of_manifest(path: Path, field: str) -> list[Task]:
    from speechrnn.data.labels import with_texts
    from speechrnn.data.manifest import read_manifest

    return [
        Task(Source(utterance.audio, Path(file_name(utterance.id)), utterance.id), utterance.clip, utterance.text)
        for utterance in with_texts(read_manifest(path), field)
    ]


def _given(text: str) -> str:
    """The content of a text file, or the text itself."""
    from speechrnn.transcripts.registry import FORMATS

    path = Path(text)
    try:
        named = path.is_file() or path.suffix == TEXT
    except (OSError, ValueError):
        # Too long for a path, or with a NUL: then it is none.
        named = False
    if named and path.suffix.lower() in {form.suffix.lower() for form in FORMATS.values()} - {TEXT}:
        raise UsageError(f"{text}: a transcript with times, not a text", "give the text itself, or a .txt file that holds it")
    return read_text(path, "give the text itself, or the file that holds it") if named else text


def _beside(source: Source, folder: Path) -> Task:
    clip = Clip(source.id, source.path)
    path = as_named(folder / source.output.with_name(source.output.name + TEXT))
    try:
        return Task(source, clip, read_text(path, f"write what is said in {source.path.name} into it"))
    except DataError as error:
        return Task(source, clip, "", error)


def check_aligns(recognizer: Any) -> None:
    """Refuse a model that cannot align.

    Raises:
        Unsupported: so it is.
    """
    if not hasattr(recognizer, "align_many"):
        raise Unsupported("this model names classes or numbers and cannot align", "give one that writes text")


def align(
    recognizer: RnnRecognizer, work: Sequence[Task], *, states: bool = False, track: Track | None = None
) -> Iterator[Aligned]:
    """Align recordings one after the other, in the order given; one that cannot be aligned does not stop the others.

    Raises:
        Unsupported: the model does not align.
    """
    check_aligns(recognizer)
    errors = {task.source.id: task.error for task in work if task.error is not None}

    def failed(clip: Clip, error: DataError) -> None:
        errors.setdefault(clip.id, error)

    items = [(task.clip, task.text) for task in work if task.error is None]
    alignments: Iterator[Alignment] = recognizer.align_many(items, on_error=failed, states=states)
    if track is not None:
        alignments = track(alignments, "align", len(items))
    waiting = deque(work)
    for alignment in alignments:
        # A recording that failed is known by the time the one after it is done.
        while waiting[0].source.id != alignment.id:
            yield _failed(waiting.popleft(), errors)
        task = waiting.popleft()
        transcript = as_transcript(alignment, task, recognizer, "states" if states else recognizer.tokenizer.unit)
        yield Aligned(Result(task.source, (transcript,)), alignment.score)
    for task in waiting:
        yield _failed(task, errors)


def write_manifest(path: Path, out: Path, found: Mapping[str, Transcript], *, states: bool) -> None:
    """Write a manifest anew, with the alignments that were found in place of those of the same levels; others are left out.

    Args:
        path: the manifest that was aligned.
        out: the new one.
        found: alignments by utterance id.
        states: tokens are states.
    """
    from speechrnn.data.manifest import read_manifest
    from speechrnn.data.manifest import write_manifest as write
    from speechrnn.data.utterance import AlignedItem

    def items(spans: Sequence[Word] | Sequence[Token]) -> tuple[AlignedItem, ...]:
        return tuple(AlignedItem(span.text, span.start, round(span.end - span.start, 6), span.confidence) for span in spans)

    aligned = []
    for utterance in read_manifest(path):
        if utterance.id in found:
            transcript = found[utterance.id]
            levels = {"word": items(transcript.words), "state" if states else "phone": items(transcript.tokens)}
            kept = {**utterance.alignment, **{level: spans for level, spans in levels.items() if spans}}
            aligned.append(replace(utterance, alignment=kept))
    write(out, aligned)


def _failed(task: Task, errors: Mapping[str, DataError]) -> Aligned:
    return Aligned(Result(task.source, error=errors[task.source.id]))


def as_transcript(alignment: Alignment, task: Task, recognizer: RnnRecognizer, unit: str) -> Transcript:
    """An alignment as a transcript, with a segment for each line of the text."""
    lines = [line for line in (normalize(line, recognizer.text_options) for line in task.text.split("\n")) if line]
    segments, first = [], 0
    for line in lines:
        words = alignment.words[first : first + len(line.split())]
        first += len(words)
        segments.append(Segment(line, words[0].start, words[-1].end, min(word.confidence for word in words)))
    return Transcript(
        alignment.id,
        " ".join(lines),
        _seconds(task.clip),
        tuple(segments),
        alignment.words,
        alignment.tokens,
        channel=task.clip.channel,
        model=recognizer.id,
        unit=unit,
    )


def _seconds(clip: Clip) -> float:
    found = info(clip.path)
    samples = found.num_samples - clip.offset if clip.num_samples is None else clip.num_samples
    return samples / found.sampling_rate


def write_scores(path: Path, scores: Sequence[tuple[str, float]]) -> None:
    """A table of recordings and how well their texts fit; what would break its lines or columns is escaped."""
    from speechrnn.atomic import write_text

    rows = [f"{score:.3f}\t{_one_line(name)}\n" for name, score in scores]
    write_text(path, "".join(["score\trecording\n", *rows]))


def _one_line(name: str) -> str:
    return re.sub("[\x00-\x1f\x7f\ud800-\udfff]", lambda found: found[0].encode("unicode_escape").decode(), name)
