"""A data directory with more of its training speakers held out for dev, where dev is too small to tell variants apart.

    python -m bench.heldout_speakers data/an4 data/an4-heldout 22
    speechrnn train experiment=an4/hmm data.dir=data/an4-heldout ladder.dims=30

The first 22 training speakers in the order of a hash join dev; test is left out, so nothing can be chosen on it. Variants are
trained there and compared by the dev errors that training prints.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from speechrnn.data.manifest import write_manifest
from speechrnn.data.prepared import manifest_path, read_splits


def main(source: Path, out: Path, speakers: int) -> str:
    """Write the manifests and what stands beside them; returns what was made, in words."""
    splits = read_splits(source)
    order = sorted({u.speaker for u in splits["train"]}, key=lambda name: hashlib.sha1(name.encode()).hexdigest())
    held = set(order[:speakers])
    train = [u for u in splits["train"] if u.speaker not in held]
    dev = sorted([*splits["dev"], *(u for u in splits["train"] if u.speaker in held)], key=lambda u: u.id)
    out.mkdir(parents=True, exist_ok=True)
    for split, utterances in (("train", train), ("dev", dev)):
        write_manifest(manifest_path(out, split), utterances)
    for name in ("corpus.json", "lexicon.txt", "lm.arpa"):
        if (source / name).is_file():
            shutil.copyfile(source / name, out / name)
    words = sum(len(u.text.split()) for u in dev)
    return f"{out}: {len(train)} utterances to train on, {len(dev)} for dev with {words} words, {len(held)} speakers held out"


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
