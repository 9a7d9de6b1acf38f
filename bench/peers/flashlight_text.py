"""Flashlight's beam searches; runs in an environment of its own."""

import json
import sys
import time

import numpy as np
from flashlight.lib.text.decoder import (
    CriterionType,
    LexiconDecoder,
    LexiconDecoderOptions,
    LexiconFreeDecoder,
    LexiconFreeDecoderOptions,
    SmearingMode,
    Trie,
    ZeroLM,
)
from flashlight.lib.text.decoder.kenlm import KenLM
from flashlight.lib.text.dictionary import Dictionary

LN10 = float(np.log(10))


def main() -> None:
    task = json.loads(sys.argv[1])
    utterances = load(task["posteriors"])
    decoder = with_lexicon(task) if task.get("lexicon") else free(task)
    n_tokens = len(task["tokens"])
    for _ in sys.stdin:
        begun = time.perf_counter()
        found = [decoder.decode(x.ctypes.data, len(x), n_tokens)[0] for x in utterances]
        seconds = time.perf_counter() - begun
        # It puts a boundary of its own before and behind.
        ids = [collapse(list(best.tokens)[1:-1]) for best in found]
        words = [[w for w in best.words if w >= 0] for best in found]
        print(json.dumps({"seconds": seconds, "ids": ids, "words": words}), flush=True)


def load(path: str) -> list[np.ndarray]:
    stored = np.load(path)
    ends = np.cumsum(stored["lengths"])
    return [np.ascontiguousarray(stored["log_probs"][e - n : e]) for e, n in zip(ends, stored["lengths"], strict=True)]


def free(task: dict) -> LexiconFreeDecoder:
    tokens = Dictionary()
    for token in task["tokens"]:
        tokens.add_entry(token)
    lm = KenLM(task["lm"], tokens) if task.get("lm") else ZeroLM()
    options = LexiconFreeDecoderOptions(
        beam_size=task["beam"], beam_size_token=task["cutoff"], beam_threshold=task["threshold"],
        lm_weight=LN10 * task["lm_weight"], sil_score=0.0, log_add=True, criterion_type=CriterionType.CTC,
    )  # fmt: skip
    return LexiconFreeDecoder(options, lm, task["space"], 0, [])


def with_lexicon(task: dict) -> LexiconDecoder:
    words = Dictionary()
    for word in task["words"]:
        words.add_entry(word)
    unknown = words.entry_size()
    words.add_entry("<unk>")
    lm = KenLM(task["lm"], words)
    start = lm.start(False)
    trie = Trie(len(task["tokens"]), task["space"])
    for spelling, word in task["lexicon"]:
        trie.insert(spelling, word, lm.score(start, word)[1])
    trie.smear(SmearingMode.MAX)
    options = LexiconDecoderOptions(
        beam_size=task["beam"], beam_size_token=task["cutoff"], beam_threshold=task["threshold"],
        lm_weight=LN10 * task["lm_weight"], word_score=task["word_bonus"], unk_score=float("-inf"), sil_score=0.0,
        log_add=True, criterion_type=CriterionType.CTC,
    )  # fmt: skip
    return LexiconDecoder(options, trie, lm, task["space"], 0, unknown, [], False)


def collapse(path: list[int]) -> list[int]:
    return [token for i, token in enumerate(path) if token and (i == 0 or path[i - 1] != token)]


if __name__ == "__main__":
    main()
