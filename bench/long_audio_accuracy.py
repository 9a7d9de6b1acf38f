"""What windows cost: utterances joined to one long recording, decoded through windows and one by one.

    python -m bench.long_audio_accuracy MODEL MANIFEST... [--window 24] [--overlap 3] [--vad] [--windows-only] [--whole]

As users run it, a recording is cut in its pauses, and windows serve stretches that are longer than one. --windows-only leaves the
pauses uncut, so that every error near the edge of a window shows.

Between two utterances of the joined recording lies half a second to ten of the first speaker's room, made of the edges of
their recordings. Words of the joined transcript belong to the utterance whose half of the pauses they lie in.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import speechrnn
from speechrnn import audio
from speechrnn.data.manifest import read_manifest
from speechrnn.data.utterance import Utterance
from speechrnn.inference.long import everything
from speechrnn.records import Transcript, Word
from speechrnn.scoring.align import align
from speechrnn.scoring.bootstrap import Bootstrap, difference, interval
from speechrnn.scoring.rates import NONE, Counts, count, total
from speechrnn.text.normalize import normalize

EDGE_S = 0.12
"""Of a recording's beginning and end that is taken for silence."""
FADE_S = 0.02
SHIFTS = 8
NEAR_S = 1.0


@dataclass(frozen=True)
class Joined:
    """A joined recording: its samples (S,), and for each utterance its beginning and the stretch whose words are its own (s)."""

    samples: np.ndarray
    rate: int
    utterances: list[Utterance]
    starts: list[float]
    stretches: list[tuple[float, float]]


def join(utterances: Sequence[Utterance], rate: int, seed: int) -> Joined:
    """Utterances in random order with pauses between them."""
    generator = np.random.default_rng(seed)
    order = [utterances[i] for i in generator.permutation(len(utterances))]
    sounds = [audio.read_clip(utterance.clip, rate) for utterance in order]
    rooms: dict[str, list[np.ndarray]] = {}
    size = round(EDGE_S * rate)
    for utterance, sound in zip(order, sounds, strict=True):
        rooms.setdefault(utterance.speaker, []).extend([sound[:size], sound[-size:]])
    parts: list[np.ndarray] = []
    starts: list[float] = []
    borders = [0]
    position = 0
    for utterance, sound in zip(order, sounds, strict=True):
        pause = room(rooms[utterance.speaker], round(generator.uniform(0.5, 10) * rate), round(FADE_S * rate), generator)
        parts += [sound, pause]
        starts.append(position / rate)
        position += len(sound) + len(pause)
        borders.append(position - len(pause) // 2)
    borders[-1] = position
    stretches = [(a / rate, b / rate) for a, b in itertools.pairwise(borders)]
    return Joined(np.concatenate(parts), rate, order, starts, stretches)


def room(edges: list[np.ndarray], length: int, fade: int, generator: np.random.Generator) -> np.ndarray:
    """Samples (length,) of quiet edges that fade into each other."""
    quiet = [edge - edge.mean() for edge in edges]
    limit = 2 * np.median([np.square(edge).mean() for edge in quiet])
    quiet = [edge for edge in quiet if np.square(edge).mean() <= limit]
    size = len(quiet[0])
    ramp = np.sin(np.linspace(0, np.pi / 2, fade))
    window = np.concatenate([ramp, np.ones(size - 2 * fade), ramp[::-1]])
    found = np.zeros(length + 2 * size)
    for start in range(0, length + size, size - fade):
        found[start : start + size] += window * quiet[generator.integers(len(quiet))]
    return found[fade : fade + length].astype(np.float32)


def by_utterance(words: Sequence[Word], stretches: Sequence[tuple[float, float]]) -> list[list[Word]]:
    """Words to the utterance in whose stretch their middle lies."""
    ends = np.array([end for _, end in stretches])
    found: list[list[Word]] = [[] for _ in stretches]
    for word in words:
        found[min(int(np.searchsorted(ends, (word.start + word.end) / 2)), len(ends) - 1)].append(word)
    return found


def located(reference: list[str], words: list[Word], stretch: tuple[float, float]) -> Iterator[tuple[str, float]]:
    """Kind and time (s) of each column of the alignment; a deletion lies between its neighbours."""
    pairs = align(reference, [word.text for word in words])
    heard = iter(words)
    times: list[float | None] = []
    for pair in pairs:
        word = next(heard) if pair.hypothesis is not None else None
        times.append(None if word is None else (word.start + word.end) / 2)
    known = [i for i, time in enumerate(times) if time is not None]
    middle = sum(stretch) / 2
    for i, (pair, time) in enumerate(zip(pairs, times, strict=True)):
        if time is None:
            around = [times[j] for j in known if j < i][-1:] + [times[j] for j in known if j > i][:1]
            time = float(np.mean([t for t in around if t is not None])) if around else middle
        yield pair.kind, time


def seams(recognizer: Any, duration: float) -> np.ndarray:
    """Where one window's frames follow another's (s)."""
    windows = recognizer._network.windows
    shift = recognizer._network.frame_shift
    first = windows.size - windows.overlap - windows.first
    return np.arange(first, duration / shift, windows.size - 2 * windows.overlap) * shift


def near_and_far(
    references: list[list[str]], found: list[list[Word]], joined: Joined, borders: np.ndarray
) -> tuple[list[Counts], list[Counts]]:
    """Counts of each utterance within ``NEAR_S`` of a seam, and elsewhere."""
    sides: tuple[list[Counts], list[Counts]] = ([], [])
    for reference, words, stretch in zip(references, found, joined.stretches, strict=True):
        kept = [NONE, NONE]
        for kind, time in located(reference, words, stretch):
            side = 0 if np.abs(borders - time).min() <= NEAR_S else 1
            wrong = {name: int(kind == name) for name in ("insertion", "deletion", "substitution")}
            kept[side] += Counts(
                int(kind != "match"), int(kind != "insertion"), wrong["insertion"], wrong["deletion"], wrong["substitution"]
            )
        for side, counts in zip(sides, kept, strict=True):
            side.append(counts)
    return sides


def transcribe(recognizer: Any, joined: Joined, first: int) -> Transcript:
    """The joined recording through windows, the first of which gives up ``first`` frames besides."""
    recognizer._network.windows = replace(recognizer._network.windows, first=first)
    transcript: Transcript = recognizer.transcribe(joined.samples, sample_rate=joined.rate)
    return transcript


def identical(a: Sequence[str], b: Sequence[str]) -> float:
    """Percent of tokens that are the same in both, of the longer."""
    counts = count(a, b)
    return 100 * (1 - counts.errors / max(len(a), len(b)))


def measure(
    model: Path,
    manifests: Sequence[Path],
    window: float,
    overlap: float,
    *,
    vad: bool,
    windows_only: bool,
    whole: bool,
    seed: int,
) -> dict[str, Any]:
    """All figures of docs/long-audio.md."""
    recognizer = speechrnn.load(model, "cpu", vad=vad)
    network = recognizer._network
    frames = [round(seconds / network.frame_shift) for seconds in (window, overlap)]
    network.windows = replace(network.windows, size=frames[0], overlap=frames[1])
    if windows_only:
        recognizer._listener._find = everything
    utterances = [utterance for manifest in manifests for utterance in read_manifest(manifest)]
    joined = join(utterances, recognizer.sampling_rate, seed)
    duration = len(joined.samples) / joined.rate
    references = [normalize(utterance.text, recognizer.text_options).split() for utterance in joined.utterances]
    single = [t.text.split() for t in recognizer.transcribe_many([utterance.clip for utterance in joined.utterances])]
    alone = [count(reference, words) for reference, words in zip(references, single, strict=True)]
    core = frames[0] - 2 * frames[1]
    bootstrap = Bootstrap([""] * len(alone))
    near: list[list[Counts]] = []
    far: list[list[Counts]] = []
    transcripts = []
    for number in range(SHIFTS):
        transcript = transcribe(recognizer, joined, core * number // SHIFTS)
        transcripts.append(transcript)
        found = by_utterance(transcript.words, joined.stretches)
        for kept, side in zip((near, far), near_and_far(references, found, joined, seams(recognizer, duration)), strict=True):
            kept.append(side)
        if not number:
            together = [count(reference, [w.text for w in words]) for reference, words in zip(references, found, strict=True)]
    a, b = total(together), total(alone)
    both = difference(a.percent, b.percent, bootstrap.rates(together), bootstrap.rates(alone))
    # The shifts are pooled by utterance: what is drawn is the utterance with all of its shifts.
    pooled = [[total(counts) for counts in zip(*side, strict=True)] for side in (near, far)]
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = bootstrap.rates(pooled[0]) / bootstrap.rates(pooled[1])
    ratio = interval(drawn[np.isfinite(drawn)])
    tokens = [[token.text for token in transcript.tokens] for transcript in transcripts]
    figures = {
        "window_s": window,
        "overlap_s": overlap,
        "minutes": round(duration / 60, 1),
        "utterances": len(utterances),
        "pauses": "uncut" if windows_only else "by Silero VAD" if vad else "by level",
        "segments": len(transcripts[0].segments),
        "wer_one_by_one": round(b.percent, 2),
        "wer_joined": round(a.percent, 2),
        "difference": [round(value, 2) for value in (both.difference, both.low, both.high)],
        "near_seams": [total(pooled[0]).errors, total(pooled[0]).tokens, round(total(pooled[0]).percent, 2)],
        "elsewhere": [total(pooled[1]).errors, total(pooled[1]).tokens, round(total(pooled[1]).percent, 2)],
        "ratio": [round(total(pooled[0]).percent / total(pooled[1]).percent, 2), round(ratio.low, 2), round(ratio.high, 2)],
        "identical_after_half_shift_percent": round(identical(tokens[0], tokens[SHIFTS // 2]), 3),
        "least_identical_percent": round(min(identical(tokens[0], other) for other in tokens[1:]), 3),
    }
    if whole:
        network.windows = replace(network.windows, size=10**9, first=0)
        recognizer._listener._find = everything
        at_once = recognizer.transcribe(joined.samples, sample_rate=joined.rate)
        figures["identical_to_the_whole_percent"] = round(identical(tokens[0], [token.text for token in at_once.tokens]), 3)
        words = by_utterance(at_once.words, joined.stretches)
        counts = [count(reference, [w.text for w in found]) for reference, found in zip(references, words, strict=True)]
        figures["wer_whole"] = round(total(counts).percent, 2)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("manifests", type=Path, nargs="+")
    parser.add_argument("--window", type=float, default=24.0)
    parser.add_argument("--overlap", type=float, default=3.0)
    parser.add_argument("--vad", action="store_true", help="pauses by Silero VAD")
    parser.add_argument("--windows-only", action="store_true", help="leave pauses uncut")
    parser.add_argument("--whole", action="store_true", help="also without windows: needs a gigabyte for each quarter of an hour")
    parser.add_argument("--seed", type=int, default=0)
    o = parser.parse_args()
    print(
        json.dumps(
            measure(o.model, o.manifests, o.window, o.overlap, vad=o.vad, windows_only=o.windows_only, whole=o.whole, seed=o.seed),
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
