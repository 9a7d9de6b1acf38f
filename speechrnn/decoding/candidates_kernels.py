"""What the hypotheses of a beam search may become in the next frame. Import inside functions.

A bundle of arrays is handed about:

candidates  places (M, 3), masses (M, 2), scores (M,), keys (M,), table (C,), stamps (C,), base: places hold history, place and last
            token, masses the log probability with the last frame blank and not, scores at most the greater part, all told, base two
            numbers for keys
"""

from __future__ import annotations

import numpy as np

from speechrnn.decoding.history_kernels import BOTH, SPELL, Bundle, completed, history_of, is_known, slot_of
from speechrnn.decoding.order_kernels import nth_greatest
from speechrnn.jit import inlined, kernel

ROOT, SPELLING = 0, -1
"""Places of a hypothesis besides the inner nodes of the trie."""
MERGE_MARGIN = 6.0
"""What is at most so many nats below the beam is still added to a hypothesis that reads the same; less is under 0.3 % of it."""


@kernel
def logadd(a: float, b: float) -> float:
    if a < b:
        a, b = b, a
    if b == -np.inf:
        return a
    return float(a + np.log1p(np.exp(b - a)))


@inlined
def _add(
    history: int, place: int, last: int, mass: float, score: float, floor: float, stamp: int, m: int, candidates: Bundle
) -> int:
    """Add the probability of having read ``last`` just now; returns how many candidates there are then.

    Below the floor (by ``score``, all told) it only joins a candidate there is already.
    """
    places, masses, scores, keys, table, stamps, base = candidates
    span, after_trie = base
    key = np.int64(history) * span + (place if place > 0 else after_trie + last)
    slot = slot_of(table, stamps, stamp, keys, key)
    if stamps[slot] == stamp:
        row = table[slot]
        masses[row, 1] = logadd(masses[row, 1], mass)
        scores[row] = max(scores[row], score)
        return m
    if score < floor:
        return m
    places[m, 0], places[m, 1], places[m, 2] = history, place, last
    masses[m, 0], masses[m, 1] = -np.inf, mass
    scores[m] = score
    keys[m] = key
    table[slot] = m
    stamps[slot] = stamp
    return m + 1


@kernel
def best_score(scores: np.ndarray, beam: int) -> float:
    """The score that ``beam`` of them reach; minus infinity where there are fewer."""
    m = len(scores)
    return nth_greatest(scores, beam) if m >= beam else -np.inf


@kernel
def _raised(floor: float, m: int, beam: int, candidates: Bundle) -> float:
    """The floor, raised to what a new candidate needs to stay: by now ``beam`` of them have a part that reaches it."""
    return max(floor, best_score(candidates[2][:m], beam))


@kernel
def read_in_trie(
    n: int, places: np.ndarray, pairs: np.ndarray, frame: np.ndarray, tried: np.ndarray, stamp: int, floor: float, beam: int,
    slack: float, m: int, space: int, trie: Bundle, candidates: Bundle, store: Bundle, models: Bundle,
) -> tuple[int, float]:  # fmt: skip
    """One symbol more along the lexicon; ``pairs`` hold each hypothesis's log probability: last frame blank, and in all."""
    first_child, token, first_word, word, word_mass, look_ahead = trie
    scores = store[2]
    next_raise = m + beam
    for i in range(n):
        history, place, last = places[i, 0], places[i, 1], places[i, 2]
        if place == SPELLING:
            continue
        if m >= next_raise:
            floor, next_raise = _raised(floor, m, beam, candidates), m + beam
        known = scores[history]
        if place == ROOT and space >= 0 and tried[space] == stamp:
            # A boundary more changes nothing: networks write some before the first word, or two in a row.
            mass = (pairs[i, 0] if last == space else pairs[i, 1]) + frame[space]
            if mass + known >= floor - MERGE_MARGIN:
                m = _add(history, ROOT, space, mass, mass + known, floor, stamp, m, candidates)
        for child in range(first_child[place], first_child[place + 1]):
            c = token[child]
            if tried[c] != stamp:
                continue
            mass = (pairs[i, 0] if c == last else pairs[i, 1]) + frame[c]
            if mass == -np.inf or mass + known + slack < floor - MERGE_MARGIN:
                continue
            ahead = mass + known + look_ahead[child]
            if first_child[child + 1] > first_child[child] and ahead >= floor - MERGE_MARGIN:
                m = _add(history, child, c, mass, ahead, floor, stamp, m, candidates)
            for w in range(first_word[child], first_word[child + 1]):
                # In 64 bits like all items, so that what takes it is compiled once.
                item, spoken = int(np.int64(word[w])), mass + word_mass[w]
                if spoken + known + slack < floor and not is_known(history, item, store, models):
                    continue
                longer = completed(history, item, spoken, child, store, models)
                m = _add(longer, ROOT, c, spoken, spoken + scores[longer], floor, stamp, m, candidates)
    return m, floor


@kernel
def read_freely(
    n: int, places: np.ndarray, pairs: np.ndarray, frame: np.ndarray, ranked: np.ndarray, space: int, stamp: int, floor: float,
    beam: int, slack: float, m: int, candidates: Bundle, store: Bundle, models: Bundle,
) -> int:  # fmt: skip
    """One symbol more without the lexicon. The likeliest symbols come first, and the best hypotheses: the floor rises fast."""
    n_words, n_tokens, mode = models[0]
    scores = store[2]
    end = n_words + n_tokens
    next_raise = m + beam
    for c in ranked:
        hopeless = True
        for i in range(n):
            history, place, last = places[i, 0], places[i, 1], places[i, 2]
            known = scores[history]
            if pairs[i, 1] + frame[c] + known + slack < floor - MERGE_MARGIN:
                if mode == SPELL:
                    break
                continue
            hopeless = False
            if place > 0:
                continue
            mass = (pairs[i, 0] if c == last else pairs[i, 1]) + frame[c]
            if mass + known + slack < floor - MERGE_MARGIN:
                continue
            if m >= next_raise:
                floor, next_raise = _raised(floor, m, beam, candidates), m + beam
            if mode == BOTH and c == space:
                if place == SPELLING:
                    longer = history_of(history, end, store, models)
                    m = _add(longer, ROOT, c, mass, mass + scores[longer], floor, stamp, m, candidates)
                continue
            if mass + known + slack < floor and not is_known(history, n_words + c, store, models):
                continue
            longer = history_of(history, n_words + c, store, models)
            m = _add(longer, SPELLING, c, mass, mass + scores[longer], floor, stamp, m, candidates)
            if mode == BOTH and space < 0:
                # Without a word boundary an unknown word may end after any letter.
                longer = history_of(longer, end, store, models)
                m = _add(longer, ROOT, c, mass, mass + scores[longer], floor, stamp, m, candidates)
        if hopeless:
            break
    return m
