"""What hotwords bring and what they cost: rare words found, and found where nobody said them.

    python -m bench.hotword_recall MODEL TRAIN TEST [--most 5] [--bonus 0 2.5 5 10]

Hotwords are the words of the test texts that the training texts hold at most ``--most`` times: as a user would list the names of
a meeting. TRAIN and TEST are manifests. The decoder is the prefix beam without a language model.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import speechrnn
from speechrnn.cli.console import table
from speechrnn.data.manifest import read_manifest
from speechrnn.decoding.decoder import make_decoder
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.scoring.align import align
from speechrnn.scoring.bootstrap import Bootstrap, interval
from speechrnn.scoring.rates import count, total
from speechrnn.text.normalize import normalize


def main() -> None:
    """Print a row a bonus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--most", type=int, default=5)
    parser.add_argument("--bonus", type=float, nargs="+", default=[0.0, 2.5, 5.0, 10.0])
    given = parser.parse_args()
    recognizer = speechrnn.load(given.model, "cpu")
    options = recognizer.text_options
    seen = Counter(word for u in read_manifest(given.train) for word in normalize(u.text, options).split())
    utterances = read_manifest(given.test)
    references = [normalize(u.text, options).split() for u in utterances]
    said = Counter(word for words in references for word in words)
    hotwords = sorted(word for word in said if seen[word] <= given.most)
    posteriors = [log_probs for _, log_probs, _ in recognizer.posteriors_many([u.clip for u in utterances])]
    bootstrap = Bootstrap([u.speaker for u in utterances])
    rows = []
    for bonus in given.bonus:
        helpers = Helpers(hotwords=tuple((word, bonus) for word in hotwords if bonus))
        decoder = make_decoder(recognizer.tokenizer, options, DecodingOptions(kind="beam"), helpers)
        with ThreadPoolExecutor() as pool:
            hypotheses = [reading.text.split() for reading in pool.map(decoder, posteriors)]
        found, false = _hits(references, hypotheses, set(hotwords))
        counts = [count(*pair) for pair in zip(references, hypotheses, strict=True)]
        bounds = interval(bootstrap.rates(counts))
        wanted = sum(said[word] for word in hotwords)
        rows.append([
            f"{bonus:g}", f"{found} of {wanted}", f"{100 * found / wanted:.1f}", false,
            f"{total(counts).percent:.2f}", f"{bounds.low:.2f} - {bounds.high:.2f}",
        ])  # fmt: skip
    print(f"{len(hotwords)} hotwords: {' '.join(hotwords)}")
    print(table(rows, ["bonus", "found", "recall %", "false", "WER %", "95 % interval"]))


def _hits(references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]], hotwords: set[str]) -> tuple[int, int]:
    """Hotwords that stand where they were said, and those that stand elsewhere."""
    pairs = [pair for reference, hypothesis in zip(references, hypotheses, strict=True) for pair in align(reference, hypothesis)]
    found = sum(pair.kind == "match" and pair.reference in hotwords for pair in pairs)
    false = sum(pair.kind != "match" and pair.hypothesis in hotwords for pair in pairs)
    return found, false


if __name__ == "__main__":
    main()
