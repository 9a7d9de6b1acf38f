"""The inner loops of n-gram models. Import inside functions.

A model is a trie of flat arrays. Node 0 is the empty history, node ``1 + w`` the unigram of word ``w``; longer n-grams follow,
order by order, each the child of the n-gram without its last word, found through a hash table. A *state* is one integer: the node
of the longest piece of the history that can still matter. Equal states score every continuation equally.

A decoder asks inside its own kernel, with :attr:`speechrnn.lm.ngram.NgramModel.arrays` handed on::

    log_prob, state = advance(state, word, log_probs, backoffs, shorter, next_states, table)

    state         int       from ``model.start_state()`` or an earlier call
    word          int       id in ``model.vocabulary``; 0 is <unk>
    log_probs     float32 (N,)    natural log probability of each node's last word after the others
    backoffs      float32 (N,)    natural log weight of what is not listed under a node
    shorter       int32 (N,)      state of a node's history without its first word
    next_states   int32 (N,)      state after a node's words
    table         int64 (C, 2)    node << 32 | word, and the child's node; C is a power of 2; -1 marks an empty row

and ends a sentence by ``advance`` with ``model.end``, whose state is of no use.
"""

from __future__ import annotations

import numpy as np

from speechrnn.jit import kernel

EMPTY = -1


@kernel
def _first_row(key: int, n_rows: int) -> int:
    """The row of the hash table where the search for a key starts: the bits of its node and of its word mixed."""
    # The product wraps around, as wanted.
    mixed = (key ^ (key >> 32)) * 0x1E3779B97F4A7C15
    return (mixed ^ (mixed >> 29)) & (n_rows - 1)


@kernel
def child(node: int, word: int, table: np.ndarray) -> int:
    """The node of an n-gram with a word more, or -1; ``node`` is not the empty history."""
    key = node << 32 | word
    mask = len(table) - 1
    row = _first_row(key, len(table))
    while table[row, 0] != EMPTY:
        if table[row, 0] == key:
            found: int = table[row, 1]
            return found
        row = (row + 1) & mask
    return -1


@kernel
def advance(
    state: int,
    word: int,
    log_probs: np.ndarray,
    backoffs: np.ndarray,
    shorter: np.ndarray,
    next_states: np.ndarray,
    table: np.ndarray,
) -> tuple[float, int]:
    """Log probability of a word after a state, and the state then; the arrays are described at the top of this file."""
    log_prob = 0.0
    node = state
    while node != 0:
        longer = child(node, word, table)
        if longer >= 0:
            return log_prob + log_probs[longer], next_states[longer]
        log_prob += backoffs[node]
        node = shorter[node]
    unigram = 1 + word
    return log_prob + log_probs[unigram], next_states[unigram]


@kernel
def foretell(
    state: int,
    n_words: int,
    log_probs: np.ndarray,
    backoffs: np.ndarray,
    shorter: np.ndarray,
    next_states: np.ndarray,
    table: np.ndarray,
) -> np.ndarray:
    """Log probabilities of the first ``n_words`` words after a state; float64, shape (n_words,)."""
    found = np.empty(n_words)
    for word in range(n_words):
        found[word], _ = advance(state, word, log_probs, backoffs, shorter, next_states, table)
    return found


@kernel
def score_sentences(
    words: np.ndarray,
    ends: np.ndarray,
    start: int,
    end: int,
    log_probs: np.ndarray,
    backoffs: np.ndarray,
    shorter: np.ndarray,
    next_states: np.ndarray,
    table: np.ndarray,
) -> np.ndarray:
    """Log probability of every word of many sentences and of each sentence's end.

    Args:
        words: int32, shape (W,): the words of all sentences, one after the other.
        ends: int64, shape (S,): index after the last word of each sentence.
        start: state before a sentence.
        end: id of the sentence end.

    Returns:
        float64, shape (W + S,): each sentence's words and then its end.
    """
    scores = np.empty(len(words) + len(ends))
    first = 0
    place = 0
    for last in ends:
        state = start
        for index in range(first, last):
            scores[place], state = advance(state, words[index], log_probs, backoffs, shorter, next_states, table)
            place += 1
        scores[place], state = advance(state, end, log_probs, backoffs, shorter, next_states, table)
        place += 1
        first = last
    return scores


@kernel
def find_parents(words: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Nodes of n-grams without their last word; -1 where such a node is missing.

    Args:
        words: int32, shape (M, n), n at least 2.

    Returns:
        int32, shape (M,).
    """
    parents = np.empty(len(words), np.int32)
    for index in range(len(words)):
        node = 1 + words[index, 0]
        for place in range(1, words.shape[1] - 1):
            if node >= 0:
                node = child(node, words[index, place], table)
        parents[index] = node
    return parents


@kernel
def insert(parents: np.ndarray, words: np.ndarray, first: int, table: np.ndarray) -> int:
    """Enter n-grams into the hash table as the nodes ``first``, ``first + 1`` …

    Args:
        parents: int32, shape (M,).
        words: int32, shape (M,): last words.
        table: int64, shape (C, 2), with at least M empty rows and one more; changed.

    Returns:
        Index of the first n-gram that is in the table already, or -1.
    """
    mask = len(table) - 1
    for index in range(len(parents)):
        key = parents[index] << 32 | words[index]
        row = _first_row(key, len(table))
        while table[row, 0] != EMPTY:
            if table[row, 0] == key:
                return index
            row = (row + 1) & mask
        table[row, 0] = key
        table[row, 1] = first + index
    return -1


@kernel
def enlarge(table: np.ndarray, larger: np.ndarray) -> None:
    """Enter what a hash table holds into a larger, empty one."""
    mask = len(larger) - 1
    for old in range(len(table)):
        if table[old, 0] != EMPTY:
            row = _first_row(table[old, 0], len(larger))
            while larger[row, 0] != EMPTY:
                row = (row + 1) & mask
            larger[row, 0], larger[row, 1] = table[old, 0], table[old, 1]


@kernel
def find_suffixes(parents: np.ndarray, words: np.ndarray, suffixes: np.ndarray, table: np.ndarray) -> np.ndarray:
    """For n-grams of order 2 or more, the node of the longest listed n-gram that their words end in.

    Where the n-gram without its first word is missing, a still shorter one is taken: a missing history has weight 1.

    Args:
        parents: int32, shape (M,).
        words: int32, shape (M,): last words.
        suffixes: int32: what this function gave for all nodes of lower orders; 0 for the empty history and for unigrams.

    Returns:
        int32, shape (M,).
    """
    found = np.empty(len(parents), np.int32)
    for index in range(len(parents)):
        history = suffixes[parents[index]]
        node = -1
        while history != 0 and node < 0:
            node = child(history, words[index], table)
            history = suffixes[history]
        found[index] = node if node >= 0 else 1 + words[index]
    return found


@kernel
def link_states(suffixes: np.ndarray, matters: np.ndarray) -> np.ndarray:
    """The state after each node's words: the node itself where it matters, else the longest suffix that does.

    Args:
        suffixes: int32, shape (N,): each node's longest listed suffix, always an earlier node.
        matters: bool, shape (N,): the node has children or a backoff weight other than 1.

    Returns:
        int32, shape (N,).
    """
    states = np.empty(len(suffixes), np.int32)
    states[0] = 0
    for node in range(1, len(suffixes)):
        states[node] = node if matters[node] else states[suffixes[node]]
    return states
