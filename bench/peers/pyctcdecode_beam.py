"""pyctcdecode's beam search, with a word n-gram through kenlm where a language model is given; in an environment of its own."""

import json
import sys
import time

import numpy as np
from pyctcdecode import build_ctcdecoder


def main() -> None:
    task = json.loads(sys.argv[1])
    stored = np.load(task["posteriors"])
    ends = np.cumsum(stored["lengths"])
    utterances = [stored["log_probs"][e - n : e] for e, n in zip(ends, stored["lengths"], strict=True)]
    labels = ["" if i == 0 else " " if i == task["space"] else token for i, token in enumerate(task["tokens"])]
    lm = {"kenlm_model_path": task["lm"], "unigrams": task["words"], "alpha": task["lm_weight"]} if task.get("lm") else {}
    decoder = build_ctcdecoder(labels, **lm)
    for _ in sys.stdin:
        begun = time.perf_counter()
        texts = [
            decoder.decode(x, beam_width=task["beam"], beam_prune_logp=-task["threshold"], token_min_logp=-100.0)
            for x in utterances
        ]
        seconds = time.perf_counter() - begun
        print(json.dumps({"seconds": seconds, "texts": texts}), flush=True)


if __name__ == "__main__":
    main()
