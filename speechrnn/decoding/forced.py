"""A given text laid over posteriors: which frames its words and tokens take, and whether it is what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from speechrnn.decoding.greedy import Path, greedy
from speechrnn.decoding.viterbi import align, log_probability
from speechrnn.errors import DataError, listed
from speechrnn.text.tokenizer import SPACE, Tokenizer

MISMATCH = -2.0
"""A text scored lower is hardly what was said: of AN4's and Mboshi's test utterances at most one in a hundred scores below it with
its own text, and every one with another's (docs/alignment.md)."""


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A text over frames.

    Attributes:
        path: its tokens, word boundaries among them, with frames and confidences.
        words: text of each word and its tokens, from index to index (exclusive), boundaries left out.
        score: log odds, a token, of the text against what the model hears by itself; 0 where that is the text.
    """

    path: Path
    words: tuple[tuple[str, int, int], ...]
    score: float


def lay(log_probs: np.ndarray, text: str, tokenizer: Tokenizer, places: np.ndarray | None = None) -> Laid:
    """The likeliest alignment of a normalized text with log posteriors (T, K).

    A word with several pronunciations gets the one that fits best between its neighbours.

    Args:
        log_probs: by which pronunciations are chosen, and the text is judged.
        text: normalized.
        tokenizer: of the model.
        places: log posteriors (T, K) by which tokens get their frames, where these are others.

    Raises:
        DataError: no text; a symbol or word that the model cannot write; more tokens than fit into the frames.
    """
    words = text.split()
    if not words:
        raise DataError("the text is empty", "give the words that are spoken")
    spellings = _all_spellings(words, tokenizer)
    chosen = [several[0] for several in spellings]
    ids, spans = _joined(chosen, tokenizer)
    found = align(log_probs, ids)
    if found is None:
        raise DataError(
            f"{len(ids)} tokens of text do not fit into {len(log_probs)} frames of audio",
            "check that the text belongs to the recording, and that the recording is whole",
        )
    better = [
        _best(log_probs, several, *_room(found[0], *span, len(log_probs))) for several, span in zip(spellings, spans, strict=True)
    ]
    if better != chosen:
        other_ids, other_spans = _joined(better, tokenizer)
        # Each fits between its neighbours, all together need not.
        other = align(log_probs, other_ids)
        if other is not None:
            found, ids, spans = other, other_ids, other_spans
    path, total = found
    placed = None if places is None else align(places, ids)
    if placed is not None:
        path = replace(placed[0], confidences=path.confidences)
    laid = tuple((word, *span) for word, span in zip(words, spans, strict=True))
    return Laid(path, laid, min(0.0, total - _as_heard(log_probs, tokenizer)) / len(ids))


def _as_heard(log_probs: np.ndarray, tokenizer: Tokenizer) -> float:
    """Log probability of what the model would rather hear, written as a text is: one boundary between words, none at the edges."""
    heard = greedy(log_probs).ids
    if tokenizer.unit == "chars":
        heard = np.array(tokenizer.encode(tokenizer.decode(heard.tolist())), np.int64)
    found = align(log_probs, heard)
    assert found is not None, "what was heard fits into its frames"
    return found[1]


def _all_spellings(words: Sequence[str], tokenizer: Tokenizer) -> list[list[tuple[int, ...]]]:
    """How each word may be written; what cannot be is named all together."""
    faults: dict[str, DataError] = {}
    known: dict[str, list[tuple[int, ...]]] = {}
    for word in dict.fromkeys(words):
        try:
            known[word] = _spellings(word, tokenizer)
        except DataError as error:
            faults[word] = error
    if faults:
        first = next(iter(faults.values()))
        more = f"; {len(faults)} words in all: {listed(faults, 10)}" if len(faults) > 1 else ""
        raise DataError(f"{first.message}{more}", first.remedy)
    return [known[word] for word in words]


def _spellings(word: str, tokenizer: Tokenizer) -> list[tuple[int, ...]]:
    """How a word may be written in token ids, its main pronunciation first."""
    if tokenizer.unit != "phones":
        return [tuple(tokenizer.encode(word))]
    main = tuple(tokenizer.encode(word))
    ids = {token: index for index, token in enumerate(tokenizer.tokens)}
    others = [tuple(ids[phone] for phone in phones) for phones in tokenizer.pronunciations[word] if all(p in ids for p in phones)]
    return list(dict.fromkeys([main, *others]))


def _joined(spellings: Sequence[tuple[int, ...]], tokenizer: Tokenizer) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Token ids of the words, with boundaries between them where the model has one, and where each word lies in them."""
    boundary = [tokenizer.tokens.index(SPACE)] if tokenizer.unit == "chars" and SPACE in tokenizer.tokens else []
    ids: list[int] = []
    spans = []
    for number, spelling in enumerate(spellings):
        ids += boundary if number else []
        spans.append((len(ids), len(ids) + len(spelling)))
        ids += spelling
    return np.array(ids, np.int64), spans


def _room(path: Path, first: int, last: int, n_frames: int) -> tuple[int, int]:
    """The frames between a word's neighbours."""
    start = int(path.ends[first - 1]) if first else 0
    end = int(path.starts[last]) if last < len(path) else n_frames
    return start, end


def _best(log_probs: np.ndarray, spellings: Sequence[tuple[int, ...]], start: int, end: int) -> tuple[int, ...]:
    if len(spellings) == 1:
        return spellings[0]
    scores = [log_probability(log_probs[start:end], spelling) for spelling in spellings]
    return spellings[int(np.argmax(scores))]
