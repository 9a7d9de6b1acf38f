"""What a data directory holds, at a glance: sizes, lengths, speakers, alphabet, and what its splits share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speechrnn.data.prepared import read_corpus, read_splits
from speechrnn.data.split import overlap
from speechrnn.data.utterance import Utterance
from speechrnn.text.tokenizer import Tokenizer, learn_tokens


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """One split: counts, hours, and the shortest, median and longest utterance (s)."""

    split: str
    utterances: int
    hours: float
    speakers: int
    words: int
    vocabulary: int
    letters: int
    shortest_s: float
    median_s: float
    longest_s: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A data directory.

    Attributes:
        corpus: the content of ``corpus.json``; empty where there is none.
        splits: in the order train, dev, test.
        letters: the inventory of all splits with counts, the commonest first; the word boundary is not in it.
        unseen: letters of dev and test that train lacks.
        shared: findings such as ``26 of 130 utterances of test say a sentence of train``.
        samples: split -> its first utterances.
    """

    corpus: Mapping[str, Any]
    splits: tuple[SplitSummary, ...]
    letters: Mapping[str, int]
    unseen: tuple[str, ...]
    shared: tuple[str, ...]
    samples: Mapping[str, Sequence[Utterance]]


def summarize(directory: Path, samples: int = 2) -> Summary:
    """Read all manifests of a data directory.

    Raises:
        DataError: there are none, or one is wrong.
    """
    splits = read_splits(directory)
    everything = [utterance for utterances in splits.values() for utterance in utterances]
    return Summary(
        corpus=read_corpus(directory),
        splits=tuple(_summary(split, utterances) for split, utterances in splits.items()),
        letters=_count_letters(everything),
        unseen=_unseen(splits),
        shared=tuple(_shared(splits)),
        samples={split: utterances[:samples] for split, utterances in splits.items()},
    )


def _summary(split: str, utterances: Sequence[Utterance]) -> SplitSummary:
    seconds = sorted(utterance.duration for utterance in utterances)
    words = [word for utterance in utterances for word in utterance.text.split()]
    return SplitSummary(
        split=split,
        utterances=len(utterances),
        hours=sum(seconds) / 3600,
        speakers=len({utterance.speaker for utterance in utterances} - {""}),
        words=len(words),
        vocabulary=len(set(words)),
        letters=sum(map(len, words)),
        shortest_s=seconds[0],
        median_s=seconds[len(seconds) // 2],
        longest_s=seconds[-1],
    )


def _count_letters(utterances: Sequence[Utterance]) -> dict[str, int]:
    tokens = learn_tokens((utterance.text for utterance in utterances), "letters")
    tokenizer = Tokenizer(tokens, "letters")
    counts = Counter(index for utterance in utterances for index in tokenizer.encode(" ".join(utterance.text.split())))
    return dict(sorted(((tokens[index], count) for index, count in counts.items()), key=lambda item: (-item[1], item[0])))


def _unseen(splits: Mapping[str, Sequence[Utterance]]) -> tuple[str, ...]:
    inventories = {split: set(learn_tokens((one.text for one in utterances), "letters")) for split, utterances in splits.items()}
    known = inventories.get("train", set())
    return tuple(sorted(set().union(*inventories.values()) - known))


def _shared(splits: Mapping[str, Sequence[Utterance]]) -> list[str]:
    """Speakers and sentences on both sides, a finding a line."""
    findings = []
    speakers = overlap({split: {one.speaker for one in utterances} - {""} for split, utterances in splits.items()})
    for (a, b), names in speakers.items():
        findings.append(f"{a} and {b} share {len(names)} speakers")
    texts = {split: [utterance.text for utterance in utterances] for split, utterances in splits.items()}
    for (a, b), sentences in overlap(texts).items():
        count = sum(text in sentences for text in texts[b])
        findings.append(f"{count} of {len(texts[b])} utterances of {b} say a sentence of {a}")
    return findings
