"""Whether the score of an alignment tells the texts that belong to a recording from those that do not.

    python -m bench.text_fit

On the stored posteriors of AN4 and Mboshi test: each utterance with its own text, with that of another one, and with one of its
words replaced. Own and other texts are compared with the limit below which ``speechrnn align`` warns.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.decoding import STORED
from speechrnn.cli.console import table
from speechrnn.data.manifest import read_manifest
from speechrnn.decoding.forced import MISMATCH, lay
from speechrnn.errors import DataError
from speechrnn.text.normalize import normalize
from speechrnn.text.tokenizer import Tokenizer

KINDS = ("own", "another's", "one word replaced")


def main() -> None:
    """Print a row for each corpus and kind of text."""
    rows = []
    for corpus in ("an4", "mboshi"):
        scores = _scores(corpus)
        for kind in KINDS:
            found = np.array(scores[kind])
            low, middle, high = np.percentile(found, [0, 50, 100])
            shown = [f"{value:.2f}" for value in (low, middle, high)]
            rows.append([corpus, kind, len(found), *shown, f"{100 * np.mean(found < MISMATCH):.1f}"])
    print(table(rows, ["corpus", "text", "number", "lowest", "median", "highest", f"below {MISMATCH:g} %"]))


def _scores(corpus: str) -> dict[str, list[float]]:
    stored = np.load(STORED / f"{corpus}_test.npz")
    tokenizer = Tokenizer(tuple(stored["tokens"].tolist()), str(stored["unit"]))
    texts = {u.id: normalize(u.text) for u in read_manifest(Path("data") / corpus / "cuts_test.jsonl.gz")}
    ids = [str(name) for name in stored["ids"]]
    words = [word for name in ids for word in texts[name].split()]
    rng = np.random.default_rng(0)
    ends = np.cumsum(stored["lengths"])
    scores: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for name, end, length in zip(ids, ends, stored["lengths"], strict=True):
        log_probs = stored["log_probs"][end - length : end].astype(np.float32)
        changed = texts[name].split()
        changed[rng.integers(len(changed))] = words[rng.integers(len(words))]
        given = (texts[name], texts[ids[rng.integers(len(ids))]], " ".join(changed))
        for kind, text in zip(KINDS, given, strict=True):
            if kind != "own" and text == texts[name]:
                continue
            try:
                scores[kind].append(lay(log_probs, text, tokenizer).score)
            except DataError:
                # Too long for the recording: that tells, too.
                scores[kind].append(-np.inf)
    return scores


if __name__ == "__main__":
    main()
