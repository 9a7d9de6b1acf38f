"""Whether the score of an alignment tells the texts that belong to a recording from those that do not.

    python -m bench.text_fit [MODEL MANIFEST]

Each utterance with its own text, with that of another one, and with one of its words replaced: on the stored posteriors of AN4 and
Mboshi test, or by a model. Own and other texts are compared with the limit below which ``speechrnn align`` warns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

import speechrnn
from bench.decoding import STORED
from speechrnn.cli.console import table
from speechrnn.data.manifest import read_manifest
from speechrnn.decoding.forced import MISMATCH, lay
from speechrnn.errors import DataError
from speechrnn.text.normalize import normalize
from speechrnn.text.tokenizer import Tokenizer

KINDS = ("own", "another's", "one word replaced")
Scores = dict[str, list[float]]


def main() -> None:
    """Print a row for each corpus, or model, and kind of text."""
    if len(sys.argv) == 3:
        found = {sys.argv[1]: _by_model(sys.argv[1], Path(sys.argv[2]))}
    else:
        found = {corpus: _by_posteriors(corpus) for corpus in ("an4", "mboshi")}
    rows = []
    for name, scores in found.items():
        for kind in KINDS:
            values = np.array(scores[kind])
            # Nothing lies between a number and what could not be laid at all.
            low, middle, high = np.percentile(values, [0, 50, 100], method="nearest")
            shown = [f"{round(value, 2) + 0.0:.2f}" for value in (low, middle, high)]
            rows.append([name, kind, len(values), *shown, f"{100 * np.mean(values < MISMATCH):.1f}"])
    print(table(rows, ["corpus", "text", "number", "lowest", "median", "highest", f"below {MISMATCH:g} %"]))


def _judge(texts: Mapping[str, str], score: Callable[[list[tuple[str, str]]], dict[str, float]]) -> Scores:
    """Scores of texts by utterance, and of others in their place; ``score`` gives those of the texts that fit in at all."""
    ids = list(texts)
    words = [word for text in texts.values() for word in text.split()]
    rng = np.random.default_rng(0)
    given: dict[str, list[tuple[str, str]]] = {kind: [] for kind in KINDS}
    for name in ids:
        changed = texts[name].split()
        changed[rng.integers(len(changed))] = words[rng.integers(len(words))]
        for kind, text in zip(KINDS, (texts[name], texts[ids[rng.integers(len(ids))]], " ".join(changed)), strict=True):
            if kind == "own" or text != texts[name]:
                given[kind].append((name, text))
    scores: Scores = {}
    for kind, pairs in given.items():
        found = score(pairs)
        # Too long for the recording: that tells, too.
        scores[kind] = [found.get(name, -np.inf) for name, _ in pairs]
    return scores


def _by_model(model: str, manifest: Path) -> Scores:
    recognizer = speechrnn.load(model)
    clips = {u.id: u.clip for u in read_manifest(manifest)}
    texts = {u.id: normalize(u.text, recognizer.text_options) for u in read_manifest(manifest)}

    def score(pairs: list[tuple[str, str]]) -> dict[str, float]:
        found = recognizer.align_many(((clips[name], text) for name, text in pairs), on_error=lambda clip, error: None)
        return {alignment.id: alignment.score for alignment in found}

    return _judge(texts, score)


def _by_posteriors(corpus: str) -> Scores:
    stored = np.load(STORED / f"{corpus}_test.npz")
    tokenizer = Tokenizer(tuple(stored["tokens"].tolist()), str(stored["unit"]))
    known = {u.id: normalize(u.text) for u in read_manifest(Path("data") / corpus / "cuts_test.jsonl.gz")}
    ids = [str(name) for name in stored["ids"]]
    parts = np.split(stored["log_probs"], np.cumsum(stored["lengths"])[:-1])
    log_probs = {name: part.astype(np.float32) for name, part in zip(ids, parts, strict=True)}

    def score(pairs: list[tuple[str, str]]) -> dict[str, float]:
        found = {}
        for name, text in pairs:
            try:
                found[name] = lay(log_probs[name], text, tokenizer).score
            except DataError:
                continue
        return found

    return _judge({name: known[name] for name in ids}, score)


if __name__ == "__main__":
    main()
