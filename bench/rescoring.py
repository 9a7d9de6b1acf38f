"""What language models bring to a recognizer of letters or phones: greedy, a beam with n-grams, that beam ranked once more.

    python -m bench.rescoring STORED DATA --lm LETTERS.arpa [--rescore MODEL ...]

STORED is what the names of stored log posteriors begin with, such as ``tests/data/mboshi`` (``STORED_dev.npz``,
``STORED_test.npz``), DATA the data directory with their references. Weights are tuned on dev, as ``speechrnn tune`` does; test is
decoded once with them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from speechrnn.cli.console import table, track
from speechrnn.data.manifest import Utterance, read_manifest
from speechrnn.decoding.decoder import Decoder, make_decoder
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.decoding.tuned import with_weights
from speechrnn.inference.language import with_rescorer
from speechrnn.jobs.evaluate import Loaded
from speechrnn.jobs.references import references
from speechrnn.jobs.tune import tune
from speechrnn.scoring.compare import compare
from speechrnn.scoring.results import Item, System
from speechrnn.scoring.units import hypothesis_tokens, reference_tokens
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import Tokenizer


class Stored:
    """A recognizer whose posteriors were stored."""

    def __init__(self, path: Path) -> None:
        found = np.load(path)
        ends = np.cumsum(found["lengths"])
        log_probs = found["log_probs"].astype(np.float32)
        parts = (log_probs[end - length : end] for end, length in zip(ends, found["lengths"], strict=True))
        self.heard = dict(zip(found["ids"].tolist(), parts, strict=True))
        self.tokenizer = Tokenizer(tuple(found["tokens"].tolist()), str(found["unit"]))
        self.text_options = TextOptions()

    def heard_many(self, clips: Sequence[Any], **_: Any) -> Iterator[tuple[Any, np.ndarray, int]]:
        """Clips with their log posteriors (T, K)."""
        for clip in clips:
            yield clip, self.heard[clip.id], 0

    def decoder_for(self, options: DecodingOptions, helpers: Helpers | None) -> Decoder:
        """A decoder of them."""
        opened = with_rescorer(helpers, torch.device("cpu"), remember=True)
        return make_decoder(self.tokenizer, self.text_options, options, opened)


def main() -> None:
    """Print a row a system, and the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stored")
    parser.add_argument("data", type=Path)
    parser.add_argument("--lm", type=Path, required=True)
    parser.add_argument("--rescore", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    dev, test = (Loaded(split, Path(given.stored), Stored(Path(f"{given.stored}_{split}.npz"))) for split in ("dev", "test"))  # type: ignore[arg-type]
    helpers = {"greedy": None, "n-gram": Helpers(lm=given.lm)}
    helpers |= {f"n-gram, then {path.name}": Helpers(lm=given.lm, rescore=path) for path in given.rescore}
    systems, rows = [], []
    ngram = DecodingOptions()
    for name, helper in helpers.items():
        manifest = given.data / "cuts_dev.jsonl.gz"
        rescored = helper is not None and helper.rescore is not None
        # The n-gram's own weight stays: with another one there are other readings, each of which a network has to read.
        fixed = ["letter_weight"] if rescored else []
        outcome = tune(manifest, read_manifest(manifest), dev, ngram, helper, fixed=fixed, track=track)
        options = with_weights(ngram, outcome.best.weights)
        ngram = ngram if rescored else options
        items = decode(read_manifest(given.data / "cuts_test.jsonl.gz"), test, test.recognizer.decoder_for(options, helper))  # type: ignore[attr-defined]
        systems.append(System(name, given.stored, dev.recognizer.tokenizer.unit, ("per",), items))
        weights = " ".join(f"{key}={value:g}" for key, value in outcome.best.weights.items())
        rows.append([name, f"{outcome.best.counts.percent:.2f}", weights])
    evaluation = compare(systems)
    for row, system in zip(rows, systems, strict=True):
        measure = evaluation.measures[system.name]["per"]
        row[2:2] = [f"{measure.counts.percent:.2f}", f"{measure.low:.2f} - {measure.high:.2f}"]
    print(table(rows, ["system", "dev PER %", "test PER %", "95 % interval", "weights"]))
    for pair in evaluation.pairs:
        d = pair.difference
        print(f"{pair.b} minus {pair.a}: {-d.difference:+.2f} ({-d.high:+.2f} to {-d.low:+.2f}), p {d.p:.3f}")


def decode(utterances: Sequence[Utterance], loaded: Loaded, decoder: Decoder) -> tuple[Item, ...]:
    recognizer: Any = loaded.recognizer
    with ThreadPoolExecutor() as pool:
        readings = list(pool.map(decoder, [recognizer.heard[utterance.id] for utterance in utterances]))
    items = []
    for utterance, (text, tokens), reading in zip(utterances, references(utterances, loaded), readings, strict=True):
        symbols = tuple(hypothesis_tokens([recognizer.tokenizer.tokens[index] for index in reading.path.ids]))
        expected = tokens or reference_tokens(recognizer.tokenizer, text)
        items.append(Item(utterance.id, text, reading.text, expected, symbols, speaker=utterance.speaker))
    return tuple(items)


if __name__ == "__main__":
    main()
