"""The tree of what the hypotheses of a beam search have read. Import inside functions.

A *history* is a node of the tree: the items on the way to it are what was read. Items are words (0 to V - 1), letters (V + token)
and the end of a spelled word (V + K). Language models and hotwords are asked once for each node, when it is made.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from speechrnn.jit import inlined, kernel
from speechrnn.lm.ngram_kernels import advance

WORDS, BOTH, SPELL = 0, 1, 2
"""Modes: the words of a lexicon; these, and spelled ones; no lexicon."""
PARENT, ITEM, WORD_STATE, LETTER_STATE, HOT_STATE, VIA = range(6)
"""Columns of the tree; VIA is the trie node through which the last word was best completed."""

Bundle: TypeAlias = tuple[Any, ...]
"""Arrays and numbers that belong together. Two are handed about in this file:

models      sizes, weights, word_ids, word_lm, letter_ids, letter_lm, hot: as :func:`speechrnn.decoding.beam_kernels.search` takes
            them
store       count (1,), tree (H, 6), scores (H,), keys (H,), best_via (H,), table (C,), stamps (C,): the tree; scores are all but
            the acoustic one, best_via the log probability that VIA stands for, table a hash table of rows by key
"""


@kernel
def slot_of(table: np.ndarray, stamps: np.ndarray, stamp: int, keys: np.ndarray, key: int) -> int:
    """Where ``key`` is or would be in an open hash table of indices into ``keys``; entries with another stamp are empty."""
    mask = len(table) - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    slot = np.int64(mixed >> np.uint64(20)) & mask
    while stamps[slot] == stamp and keys[table[slot]] != key:
        slot = (slot + 1) & mask
    return int(slot)


@inlined
def history_of(parent: int, item: int, store: Bundle, models: Bundle) -> int:
    """The history ``parent`` + ``item``, made where it is new: language models and hotwords are asked here, once."""
    count, tree, scores, keys, _, table, stamps = store
    sizes, weights, word_ids, word_lm, letter_ids, letter_lm, hot = models
    n_words, n_tokens, mode = sizes
    key = np.int64(parent) * (n_words + n_tokens + 1) + item
    slot = slot_of(table, stamps, 1, keys, key)
    if stamps[slot] == 1:
        return int(table[slot])
    word_weight, word_bonus, letter_weight, letter_bonus, unknown_bonus = weights
    hot_symbols, hot_next, hot_gain, _ = hot
    word_state = tree[parent, WORD_STATE]
    letter_state = tree[parent, LETTER_STATE]
    score = scores[parent]
    if item < n_words:
        found, word_state = advance(word_state, word_ids[item], *word_lm)
        score += word_weight * found + word_bonus
    elif mode == SPELL:
        found, letter_state = advance(letter_state, letter_ids[item - n_words], *letter_lm)
        score += letter_weight * found + letter_bonus
    elif item == n_words + n_tokens:
        found, _ = advance(letter_state, letter_ids[n_tokens], *letter_lm)
        score += letter_weight * found
    else:
        if not n_words <= tree[parent, ITEM] < n_words + n_tokens:
            # The first letter of an unknown word pays for the word.
            found, word_state = advance(word_state, word_ids[n_words], *word_lm)
            score += word_weight * found + word_bonus + unknown_bonus
            letter_state = tree[0, LETTER_STATE]
        found, letter_state = advance(letter_state, letter_ids[item - n_words], *letter_lm)
        score += letter_weight * found
    state, symbol = tree[parent, HOT_STATE], hot_symbols[item]
    node = count[0]
    count[0] += 1
    tree[node, PARENT] = parent
    tree[node, ITEM] = item
    tree[node, WORD_STATE] = word_state
    tree[node, LETTER_STATE] = letter_state
    tree[node, HOT_STATE] = hot_next[state, symbol]
    tree[node, VIA] = -1
    scores[node] = score + hot_gain[state, symbol]
    keys[node] = key
    table[slot] = node
    stamps[slot] = 1
    return int(node)


@inlined
def is_known(parent: int, item: int, store: Bundle, models: Bundle) -> bool:
    """Whether the history ``parent`` + ``item`` was made before; only then something may be read as it already."""
    _, _, _, keys, _, table, stamps = store
    sizes = models[0]
    return bool(stamps[slot_of(table, stamps, 1, keys, np.int64(parent) * (sizes[0] + sizes[1] + 1) + item)] == 1)


@kernel
def completed(parent: int, word: int, mass: float, node: int, store: Bundle, models: Bundle) -> int:
    """The history ``parent`` + ``word``, which remembers the trie node that it was most probably completed at."""
    _, tree, _, _, best_via, _, _ = store
    longer = history_of(parent, word, store, models)
    if tree[longer, VIA] < 0 or mass > best_via[longer]:
        best_via[longer] = mass
        tree[longer, VIA] = node
    return longer


@kernel
def with_room(store: Bundle, room: int) -> Bundle:
    """The history tree with at least ``room`` free rows."""
    count, tree, scores, keys, best_via, _, _ = store
    used = count[0]
    if used + room <= len(tree):
        return store
    size = len(tree)
    while size < used + room:
        size *= 2
    new_tree = np.empty((size, tree.shape[1]), np.int32)
    new_scores = np.empty(size, np.float64)
    new_keys = np.empty(size, np.int64)
    new_best = np.empty(size, np.float64)
    # Row by row: assigning a slice compiles for seconds, for the words of an error that cannot be.
    for row in range(used):
        for column in range(tree.shape[1]):
            new_tree[row, column] = tree[row, column]
        new_scores[row], new_keys[row], new_best[row] = scores[row], keys[row], best_via[row]
    table = np.zeros(2 * size, np.int32)
    stamps = np.zeros(2 * size, np.int32)
    for node in range(1, used):
        slot = slot_of(table, stamps, 1, new_keys, new_keys[node])
        table[slot] = node
        stamps[slot] = 1
    return count, new_tree, new_scores, new_keys, new_best, table, stamps


@kernel
def new_store(word_state: int, letter_state: int) -> Bundle:
    """A history tree that holds its root."""
    size = 4096
    tree = np.empty((size, 6), np.int32)
    tree[0] = -1
    tree[0, WORD_STATE], tree[0, LETTER_STATE], tree[0, HOT_STATE] = word_state, letter_state, 0
    scores, keys, best_via = np.zeros(size, np.float64), np.full(size, np.int64(-1)), np.zeros(size, np.float64)
    return np.ones(1, np.int64), tree, scores, keys, best_via, np.zeros(2 * size, np.int32), np.zeros(2 * size, np.int32)
