"""The beam searches beside flashlight's and pyctcdecode's, on the stored posteriors of real recordings."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.peers import Peer, PeerMissing
from bench.timing import Ratio
from speechrnn.decoding.beam import BeamSearch, Hypothesis
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.viterbi import log_probability
from speechrnn.jobs.lm import train
from speechrnn.lm.estimate import EstimateOptions
from speechrnn.lm.ngram import NgramModel
from speechrnn.lm.units import UnitOptions
from speechrnn.text.lexicon import read_lexicon
from speechrnn.text.tokenizer import SPACE, Tokenizer

STORED = Path("tests/data")
BEAM, THRESHOLD, WEIGHT, BONUS = 50, 25.0, 0.5, 1.0
ROUNDS = 5


@dataclass(frozen=True)
class Stored:
    """Posteriors of a corpus: its dev and test utterances (T, K)."""

    corpus: str
    tokens: tuple[str, ...]
    unit: str
    utterances: list[np.ndarray]

    @property
    def space(self) -> int:
        """The word boundary, or -1."""
        return self.tokens.index(SPACE) if SPACE in self.tokens else -1


def decoding() -> list[Ratio]:
    """Time over time, each pair in turn; then, printed, which utterances are read differently and whose score is higher."""
    found = []
    with TemporaryDirectory() as scratch:
        for corpus in ("an4", "mboshi"):
            if (STORED / f"{corpus}_test.npz").is_file() and (Path("data") / corpus / "cuts_train.jsonl.gz").is_file():
                stored = _read(corpus)
                try:
                    found += _free(stored, Path(scratch))
                    if stored.space >= 0:
                        found += _with_lexicon(stored, Path(scratch))
                except PeerMissing as error:
                    print(f"{corpus}: not measured: {error}")
    return found


def _read(corpus: str) -> Stored:
    utterances = []
    for split in ("dev", "test"):
        stored = np.load(STORED / f"{corpus}_{split}.npz")
        log_probs = stored["log_probs"].astype(np.float32)
        ends = np.cumsum(stored["lengths"])
        utterances += [np.ascontiguousarray(log_probs[e - n : e]) for e, n in zip(ends, stored["lengths"], strict=True)]
    return Stored(corpus, tuple(stored["tokens"].tolist()), str(stored["unit"]), utterances)


def _free(stored: Stored, scratch: Path) -> list[Ratio]:
    lm_file = scratch / f"{stored.corpus}.arpa"
    (scratch / "tokens.txt").write_text("\n".join(stored.tokens) + "\n", encoding="utf-8")
    units = UnitOptions("letter", tokens=scratch / "tokens.txt", word_boundary=stored.space >= 0)
    train([Path("data") / stored.corpus / "cuts_train.jsonl.gz"], lm_file, units, EstimateOptions(order=5))
    lm = NgramModel.read_arpa(lm_file)
    ids = np.array([lm.word_id(token) for token in stored.tokens])
    found = []
    for weight in (0.0, WEIGHT):
        options = DecodingOptions(kind="beam", beam=BEAM, threshold=THRESHOLD, letter_weight=weight)
        helpers: dict[str, Any] = {"letter_lm": lm, "letter_ids": ids} if weight else {}
        search = BeamSearch(len(stored.tokens), options, space=stored.space, **helpers)
        task = {**_task(stored, scratch), "lm": str(lm_file) if weight else "", "lm_weight": weight}
        name = f"{stored.corpus}, beam {BEAM}, {'letter 5-gram' if weight else 'no language model'}"

        def common(x: np.ndarray, reading: Sequence[int], weight: float = weight) -> float:
            lm_score = float(lm.score([stored.tokens[i] for i in reading]).sum()) if weight else 0.0
            return log_probability(x, reading) + weight * lm_score

        found += _beside_flashlight(name, stored.utterances, search, task, common, 1.0)
    return found


def _with_lexicon(stored: Stored, scratch: Path) -> list[Ratio]:
    tokenizer = Tokenizer(stored.tokens, stored.unit)
    lm_file = Path("data") / stored.corpus / "lm.arpa"
    lm = NgramModel.read_arpa(lm_file)
    words = [word for word in read_lexicon(f"data/{stored.corpus}/lexicon.txt") if tokenizer.can_encode(word)]
    spelling = {word: tokenizer.encode(word) for word in words}
    options = DecodingOptions(kind="beam", beam=BEAM, threshold=THRESHOLD, lm_weight=WEIGHT, word_bonus=BONUS)
    search = BeamSearch(
        len(stored.tokens), options, space=stored.space, lexicon={word: [ids] for word, ids in spelling.items()}, word_lm=lm
    )
    # Flashlight ends every word by the boundary, the last one, too: a frame is put behind every utterance that may hold it.
    last = np.full((1, len(stored.tokens)), -20.0, np.float32)
    last[0, [0, stored.space]] = 0.0
    utterances = [np.concatenate([x, last]) for x in stored.utterances]
    task = {
        **_task(Stored(stored.corpus, stored.tokens, stored.unit, utterances), scratch),
        "lm": str(lm_file),
        "lm_weight": WEIGHT,
        "word_bonus": BONUS,
        "words": words,
        "lexicon": [[[*ids, stored.space], words.index(word)] for word, ids in spelling.items()],
    }

    def common(x: np.ndarray, reading: Sequence[int]) -> float:
        said = tokenizer.decode(reading).split()
        return log_probability(x, reading) + WEIGHT * float(lm.score(said).sum()) + BONUS * len(said)

    def squeezed(reading: list[int]) -> list[int]:
        """Without boundaries that no word is behind: both searches allow them, flashlight's reading shows them."""
        return [t for i, t in enumerate(reading) if t != stored.space or (i and reading[i - 1] != stored.space)]

    name = f"{stored.corpus}, beam {BEAM}, lexicon and n-gram"
    found = _beside_flashlight(name, utterances, search, task, common, 1.5, squeezed)
    # pyctcdecode needs minutes where no symbol is cut off: a part of the utterances must do.
    part = Stored(stored.corpus, stored.tokens, stored.unit, utterances[:: len(utterances) // 16])
    peer = Peer("pyctcdecode_beam", {**task, **_task(part, scratch)})
    ours, theirs = _alternate(lambda: [search(x) for x in part.utterances], peer)
    peer.close()
    found.append(Ratio(f"{stored.corpus}, beam {BEAM}, lexicon and n-gram / pyctcdecode", ours, theirs, 0.2))
    return found


def _task(stored: Stored, scratch: Path) -> dict[str, Any]:
    path = scratch / f"{stored.corpus}.npz"
    np.savez(path, log_probs=np.concatenate(stored.utterances), lengths=np.array([len(x) for x in stored.utterances]))
    n = len(stored.tokens)
    limits = {"beam": BEAM, "cutoff": n, "threshold": THRESHOLD}
    return {"posteriors": str(path), "tokens": stored.tokens, "space": max(stored.space, 0), **limits}


def _beside_flashlight(
    name: str,
    utterances: list[np.ndarray],
    search: BeamSearch,
    task: dict[str, Any],
    common: Callable[[np.ndarray, Sequence[int]], float],
    bound: float,
    clean: Callable[[list[int]], list[int]] = list,
) -> list[Ratio]:
    peer = Peer("flashlight_text", task)
    alone, theirs = _alternate(lambda: [search(x) for x in utterances], peer)
    with ThreadPoolExecutor() as pool:
        batched, again = _alternate(
            lambda: [h for i in range(0, len(utterances), 32) for h in pool.map(search, utterances[i : i + 32])], peer
        )
    readings = [clean(ids) for ids in peer.round()["ids"]]
    peer.close()
    _compare(name, utterances, [search(x)[0] for x in utterances], readings, common)
    return [
        Ratio(f"{name}, batch 1 / flashlight", alone, theirs, bound),
        Ratio(f"{name}, batch 32 / flashlight", batched, again, bound),
    ]


def _alternate(ours: Callable[[], object], peer: Peer) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS + 1):
        begun = time.perf_counter()
        ours()
        seconds = time.perf_counter() - begun
        other = peer.round()["seconds"]
        if number:
            times[0].append(seconds)
            times[1].append(other)
    return statistics.median(times[0]), statistics.median(times[1])


def _compare(
    name: str,
    utterances: list[np.ndarray],
    ours: list[Hypothesis],
    theirs: list[list[int]],
    common: Callable[[np.ndarray, Sequence[int]], float],
) -> None:
    """Print where the readings differ, by their score under one rule: exact CTC probability, language model, bonuses."""
    gains = [
        common(x, mine.ids.tolist()) - common(x, other)
        for x, mine, other in zip(utterances, ours, theirs, strict=True)
        if mine.ids.tolist() != other
    ]
    lower = sum(gain < -1e-3 for gain in gains)
    least = min(gains, default=0.0)
    print(f"{name}: {len(gains)} of {len(utterances)} read differently; ours scores lower in {lower}, least {least:.3f}")
