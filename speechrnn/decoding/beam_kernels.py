"""The inner loop of the CTC beam search, with and without a lexicon. Import inside functions.

A hypothesis is a prefix of output symbols together with one way to read it as words, and carries the probability of all its
alignments (Graves and Jaitly 2014; Hannun et al. 2014), split by whether the last frame was blank. What has been read, the
*history*, is a node of a tree of items; where the next word has got to is a node of the lexicon's trie. Items are words
(0 to V - 1), letters (V + token) and the end of a spelled word (V + K).

Three modes of one search:

- lexicon only: every symbol moves within the trie, words become items where they end;
- lexicon and spelling: from a word's beginning letters may also be spelled freely, as one unknown word;
- spelling only: no lexicon, every symbol is an item (the plain prefix beam search).
"""

from __future__ import annotations

import numpy as np

from speechrnn.jit import kernel
from speechrnn.lm.ngram_kernels import advance

WORDS, BOTH, SPELL = 0, 1, 2
"""Modes."""
ROOT, SPELLING = 0, -1
"""Places of a hypothesis besides the inner nodes of the trie."""
MERGE_MARGIN = 6.0
"""A candidate this much (nats) below the beam is not even added to a hypothesis it would merge with: under 0.3 % of its mass."""
PARENT, ITEM, WORD_STATE, LETTER_STATE, HOT_STATE, VIA = range(6)
"""Columns of the history tree; VIA is the trie node through which the last word was best completed."""


@kernel
def _logadd(a: float, b: float) -> float:
    if a < b:
        a, b = b, a
    if b == -np.inf:
        return a
    return a + np.log1p(np.exp(b - a))


@kernel
def _slot(table: np.ndarray, stamps: np.ndarray, stamp: int, keys: np.ndarray, key: int) -> int:
    """Where ``key`` is or would be in an open hash table of indices into ``keys``; entries with another stamp are empty."""
    mask = len(table) - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    slot = np.int64(mixed >> np.uint64(20)) & mask
    while stamps[slot] == stamp and keys[table[slot]] != key:
        slot = (slot + 1) & mask
    return slot


@kernel
def _history(
    parent: int,
    item: int,
    counts: np.ndarray,
    tree: np.ndarray,
    scores: np.ndarray,
    keys: np.ndarray,
    table: np.ndarray,
    stamps: np.ndarray,
    sizes: tuple,
    weights: tuple,
    word_ids: np.ndarray,
    word_lm: tuple,
    letter_ids: np.ndarray,
    letter_lm: tuple,
    hot: tuple,
) -> int:
    """The history ``parent`` + ``item``, made where it is new: language models and hotwords are asked here, once."""
    n_words, n_tokens, mode = sizes
    key = np.int64(parent) * (n_words + n_tokens + 1) + item
    slot = _slot(table, stamps, 1, keys, key)
    if stamps[slot] == 1:
        return table[slot]
    node = counts[0]
    counts[0] += 1
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
    else:
        if item == n_words + n_tokens:
            found, _ = advance(letter_state, letter_ids[n_tokens], *letter_lm)
        else:
            if not n_words <= tree[parent, ITEM] < n_words + n_tokens:
                # The first letter of an unknown word pays for the word.
                found, word_state = advance(word_state, word_ids[n_words], *word_lm)
                score += word_weight * found + word_bonus + unknown_bonus
                letter_state = tree[0, LETTER_STATE]
            found, letter_state = advance(letter_state, letter_ids[item - n_words], *letter_lm)
        score += letter_weight * found
    state, symbol = tree[parent, HOT_STATE], hot_symbols[item]
    score += hot_gain[state, symbol]
    tree[node, PARENT] = parent
    tree[node, ITEM] = item
    tree[node, WORD_STATE] = word_state
    tree[node, LETTER_STATE] = letter_state
    tree[node, HOT_STATE] = hot_next[state, symbol]
    tree[node, VIA] = -1
    scores[node] = score
    keys[node] = key
    table[slot] = node
    stamps[slot] = 1
    return node


@kernel
def _grown(tree: np.ndarray, scores: np.ndarray, keys: np.ndarray, best: np.ndarray, used: int, room: int) -> tuple:
    """The history tree with at least ``room`` free rows, and its hash table."""
    size = len(tree)
    while size < used + room:
        size *= 2
    new_tree = np.empty((size, tree.shape[1]), np.int32)
    new_scores = np.empty(size, np.float64)
    new_keys = np.empty(size, np.int64)
    new_best = np.empty(size, np.float64)
    new_tree[:used] = tree[:used]
    new_scores[:used] = scores[:used]
    new_keys[:used] = keys[:used]
    new_best[:used] = best[:used]
    table = np.zeros(2 * size, np.int32)
    stamps = np.zeros(2 * size, np.int32)
    for node in range(1, used):
        slot = _slot(table, stamps, 1, new_keys, new_keys[node])
        table[slot] = node
        stamps[slot] = 1
    return new_tree, new_scores, new_keys, new_best, table, stamps


@kernel
def search(
    log_probs: np.ndarray,
    limits: tuple,
    sizes: tuple,
    space: int,
    trie: tuple,
    weights: tuple,
    word_ids: np.ndarray,
    word_lm: tuple,
    starts: tuple,
    letter_ids: np.ndarray,
    letter_lm: tuple,
    hot: tuple,
) -> tuple:
    """Search the log posteriors (T, K) of one utterance.

    Args:
        log_probs: float32, blank first.
        limits: beam (hypotheses), tokens tried in a frame (the likeliest), nats below the best that are dropped.
        sizes: words V, tokens K, mode.
        space: id of the word boundary, or -1: the last word of an utterance may go without it.
        trie: ``first_child`` (N + 1,), ``token`` (N,), ``first_word`` (N + 1,), ``word`` (E,), ``word_mass`` (E,), ``look_ahead``
            (N,): children of node n are nodes first_child[n] to first_child[n + 1]; word_mass is the log probability of this
            pronunciation of the word; look_ahead is 0 at the root.
        weights: word LM, word bonus, letter LM, letter bonus, bonus of an unknown word.
        word_ids: ids of words, unknown and end of sentence in ``word_lm`` (V + 2,).
        starts: states of both language models at the beginning of a sentence.
        letter_ids: ids of tokens and of the end in ``letter_lm`` (K + 1,).
        hot: ``symbols`` (V + K + 1,) of items, ``next`` and ``gain`` (states, symbols), ``final`` (states,).

    Returns:
        The history tree (rows as above), then, best first, each final hypothesis's history, its log probability summed over
        alignments, its score, and whether it ends with a whole word; the last word's trie node where it lacks the boundary.
    """
    n_frames, n_tokens = log_probs.shape
    beam, most_tokens, threshold = limits
    n_words, _, mode = sizes
    first_child, token, first_word, word, word_mass, look_ahead = trie
    n_nodes = len(token)
    _, word_bonus, _, letter_bonus, _ = weights
    # What a symbol can gain at most besides its own probability.
    slack = max(word_bonus, letter_bonus, 0.0) + max(hot[2].max(), 0.0)

    tree = np.empty((4096, 6), np.int32)
    scores = np.empty(4096, np.float64)
    keys = np.empty(4096, np.int64)
    best_via = np.empty(4096, np.float64)
    counts = np.ones(1, np.int64)
    tree[0] = -1
    tree[0, WORD_STATE], tree[0, LETTER_STATE], tree[0, HOT_STATE] = starts[0], starts[1], 0
    scores[0] = 0.0
    keys[0] = -1
    best_via[0] = -np.inf
    tree, scores, keys, best_via, table, stamps = _grown(tree, scores, keys, best_via, 1, 1)

    # Hypotheses: history, place, last token; log probability with the last frame blank or not.
    places = np.empty((beam, 3), np.int64)
    masses = np.empty((beam, 2), np.float64)
    places[0, 0], places[0, 1], places[0, 2] = 0, SPELLING if mode == SPELL else ROOT, -1
    masses[0, 0], masses[0, 1] = 0.0, -np.inf
    n = 1

    most_homophones = 1
    for node in range(n_nodes):
        most_homophones = max(most_homophones, first_word[node + 1] - first_word[node])
    most_tokens = min(most_tokens, n_tokens - 1)
    fan = 1 if mode == SPELL else (1 + most_homophones + (2 if mode == BOTH else 0))
    room = beam * (1 + most_tokens * fan)
    bits = 1
    while bits < 2 * room:
        bits *= 2
    new_places = np.empty((room, 3), np.int64)
    new_masses = np.empty((room, 2), np.float64)
    new_keys = np.empty(room, np.int64)
    found = np.zeros(bits, np.int32)
    found_stamps = np.zeros(bits, np.int32)
    totals = np.empty(room, np.float64)
    fast = np.empty(beam, np.float64)
    rank = np.empty(n_tokens, np.int64)
    tried = np.zeros(n_tokens, np.int32)
    span = n_nodes + n_tokens + 2

    for t in range(n_frames):
        frame = log_probs[t]
        n_tried = 0
        order = np.argsort(-frame)
        for c in order:
            if c != 0 and n_tried < most_tokens:
                rank[n_tried] = c
                tried[c] = t + 1
                n_tried += 1
        stamp = t + 1
        if counts[0] + room > len(tree):
            tree, scores, keys, best_via, table, stamps = _grown(tree, scores, keys, best_via, counts[0], room)

        # Hypotheses that read nothing new.
        m = 0
        lowest, highest = np.inf, -np.inf
        for i in range(n):
            history, place, last = places[i, 0], places[i, 1], places[i, 2]
            fast[i] = _logadd(masses[i, 0], masses[i, 1])
            new_places[m, 0], new_places[m, 1], new_places[m, 2] = history, place, last
            new_masses[m, 0] = fast[i] + frame[0]
            new_masses[m, 1] = masses[i, 1] + frame[last] if last > 0 else -np.inf
            key = history * span + (place if place > 0 else n_nodes + 1 + last)
            new_keys[m] = key
            slot = _slot(found, found_stamps, stamp, new_keys, key)
            found[slot] = m
            found_stamps[slot] = stamp
            ahead = look_ahead[place] if place > 0 else 0.0
            score = _logadd(new_masses[m, 0], new_masses[m, 1]) + scores[history] + ahead
            lowest, highest = min(lowest, score), max(highest, score)
            m += 1
        floor = highest - threshold
        if n == beam:
            floor = max(floor, lowest)
        floor -= MERGE_MARGIN

        # Hypotheses that read one symbol more.
        for i in range(n):
            history, place, last = places[i, 0], places[i, 1], places[i, 2]
            known = scores[history]
            if place != SPELLING:
                for child in range(first_child[place], first_child[place + 1]):
                    c = token[child]
                    if tried[c] != stamp:
                        continue
                    mass = (masses[i, 0] if c == last else fast[i]) + frame[c]
                    if mass == -np.inf or mass + known + slack < floor:
                        continue
                    if first_child[child + 1] > first_child[child] and mass + known + look_ahead[child] >= floor:
                        m = _add(history, child, c, mass, m, span, n_nodes, stamp, new_places, new_masses, new_keys, found, found_stamps)
                    for w in range(first_word[child], first_word[child + 1]):
                        longer = _history(
                            history, word[w], counts, tree, scores, keys, table, stamps, sizes, weights, word_ids, word_lm,
                            letter_ids, letter_lm, hot,
                        )  # fmt: skip
                        spoken = mass + word_mass[w]
                        if tree[longer, VIA] < 0 or spoken > best_via[longer]:
                            best_via[longer] = spoken
                            tree[longer, VIA] = child
                        if spoken + scores[longer] >= floor:
                            m = _add(
                                longer, ROOT, c, spoken, m, span, n_nodes, stamp, new_places, new_masses, new_keys, found, found_stamps
                            )
            if mode == WORDS or place > 0:
                continue
            for r in range(n_tried):
                c = rank[r]
                mass = (masses[i, 0] if c == last else fast[i]) + frame[c]
                if mass + known + slack < floor:
                    # The symbols come in falling order; only the last one, read without a blank between, is worth less.
                    if c == last:
                        continue
                    break
                if mode == BOTH and c == space:
                    if place == ROOT:
                        continue
                    item = n_words + n_tokens
                else:
                    item = n_words + c
                longer = _history(
                    history, item, counts, tree, scores, keys, table, stamps, sizes, weights, word_ids, word_lm,
                    letter_ids, letter_lm, hot,
                )  # fmt: skip
                if mass + scores[longer] >= floor:
                    there = ROOT if item == n_words + n_tokens else SPELLING
                    m = _add(longer, there, c, mass, m, span, n_nodes, stamp, new_places, new_masses, new_keys, found, found_stamps)
                if mode == BOTH and space < 0:
                    # Without a word boundary an unknown word may end after any letter.
                    longer = _history(
                        longer, n_words + n_tokens, counts, tree, scores, keys, table, stamps, sizes, weights, word_ids, word_lm,
                        letter_ids, letter_lm, hot,
                    )  # fmt: skip
                    if mass + scores[longer] >= floor:
                        m = _add(longer, ROOT, c, mass, m, span, n_nodes, stamp, new_places, new_masses, new_keys, found, found_stamps)

        # The best of them all.
        highest = -np.inf
        for j in range(m):
            place = new_places[j, 1]
            ahead = look_ahead[place] if place > 0 else 0.0
            totals[j] = _logadd(new_masses[j, 0], new_masses[j, 1]) + scores[new_places[j, 0]] + ahead
            highest = max(highest, totals[j])
        floor = highest - threshold
        if m > beam:
            floor = max(floor, np.partition(totals[:m], m - beam)[m - beam])
        n = 0
        # Above the floor first: ties at the floor fill what is left, in order.
        for ties in range(2):
            for j in range(m):
                if n < beam and (totals[j] > floor if ties == 0 else totals[j] == floor):
                    places[n] = new_places[j]
                    masses[n] = new_masses[j]
                    n += 1

    return _finish(
        places[:n], masses[:n], tree, scores, keys, table, stamps, best_via, counts, sizes, space, trie, weights, word_ids, word_lm,
        letter_ids, letter_lm, hot,
    )  # fmt: skip


@kernel
def _add(
    history: int,
    place: int,
    last: int,
    mass: float,
    m: int,
    span: int,
    n_nodes: int,
    stamp: int,
    places: np.ndarray,
    masses: np.ndarray,
    keys: np.ndarray,
    found: np.ndarray,
    stamps: np.ndarray,
) -> int:
    """Add probability to a candidate, a new one or one there is already; returns how many there are now."""
    key = np.int64(history) * span + (place if place > 0 else n_nodes + 1 + last)
    slot = _slot(found, stamps, stamp, keys, key)
    if stamps[slot] == stamp:
        j = found[slot]
        masses[j, 1] = _logadd(masses[j, 1], mass)
        return m
    places[m, 0], places[m, 1], places[m, 2] = history, place, last
    masses[m, 0], masses[m, 1] = -np.inf, mass
    keys[m] = key
    found[slot] = m
    stamps[slot] = stamp
    return m + 1


@kernel
def _finish(
    places: np.ndarray,
    masses: np.ndarray,
    tree: np.ndarray,
    scores: np.ndarray,
    keys: np.ndarray,
    table: np.ndarray,
    stamps: np.ndarray,
    best_via: np.ndarray,
    counts: np.ndarray,
    sizes: tuple,
    space: int,
    trie: tuple,
    weights: tuple,
    word_ids: np.ndarray,
    word_lm: tuple,
    letter_ids: np.ndarray,
    letter_lm: tuple,
    hot: tuple,
) -> tuple:
    """Complete last words, add the end of the sentence, join the hypotheses that read the same."""
    first_child, token, first_word, word, word_mass, _ = trie
    n_words, n_tokens, mode = sizes
    word_weight, _, letter_weight, _, _ = weights
    n = len(places)
    most = n
    for i in range(n):
        place = places[i, 1]
        if place > 0:
            for child in range(first_child[place], first_child[place + 1]):
                if token[child] == space:
                    most += first_word[child + 1] - first_word[child]
    if counts[0] + most + n > len(tree):
        tree, scores, keys, best_via, table, stamps = _grown(tree, scores, keys, best_via, counts[0], most + n)
    histories = np.empty(most, np.int64)
    acoustic = np.empty(most, np.float64)
    m = 0
    for i in range(n):
        history, place = places[i, 0], places[i, 1]
        mass = _logadd(masses[i, 0], masses[i, 1])
        if place == ROOT or mode == SPELL:
            histories[m], acoustic[m] = history, mass
            m += 1
        elif place == SPELLING:
            if space >= 0:
                histories[m] = _history(
                    history, n_words + n_tokens, counts, tree, scores, keys, table, stamps, sizes, weights, word_ids, word_lm,
                    letter_ids, letter_lm, hot,
                )  # fmt: skip
                acoustic[m] = mass
                m += 1
        else:
            for child in range(first_child[place], first_child[place + 1]):
                if token[child] == space:
                    for w in range(first_word[child], first_word[child + 1]):
                        longer = _history(
                            history, word[w], counts, tree, scores, keys, table, stamps, sizes, weights, word_ids, word_lm,
                            letter_ids, letter_lm, hot,
                        )  # fmt: skip
                        spoken = mass + word_mass[w]
                        if tree[longer, VIA] < 0 or spoken > best_via[longer]:
                            best_via[longer] = spoken
                            tree[longer, VIA] = child
                        histories[m], acoustic[m] = longer, spoken
                        m += 1
    whole = m > 0
    if not whole:
        # No word is complete: what was read before it stands.
        for i in range(n):
            histories[m], acoustic[m] = places[i, 0], _logadd(masses[i, 0], masses[i, 1])
            m += 1
    order = np.argsort(histories[:m])
    joined = 0
    kept_histories = np.empty(m, np.int64)
    kept_acoustic = np.empty(m, np.float64)
    for j in order:
        if joined and kept_histories[joined - 1] == histories[j]:
            kept_acoustic[joined - 1] = _logadd(kept_acoustic[joined - 1], acoustic[j])
        else:
            kept_histories[joined], kept_acoustic[joined] = histories[j], acoustic[j]
            joined += 1
    kept_histories, kept_acoustic = kept_histories[:joined], kept_acoustic[:joined]
    totals = np.empty(joined, np.float64)
    for j in range(joined):
        history = kept_histories[j]
        if mode == SPELL:
            end, _ = advance(tree[history, LETTER_STATE], letter_ids[n_tokens], *letter_lm)
            end *= letter_weight
        else:
            end, _ = advance(tree[history, WORD_STATE], word_ids[n_words + 1], *word_lm)
            end *= word_weight
        totals[j] = kept_acoustic[j] + scores[history] + end + hot[3][tree[history, HOT_STATE]]
    order = np.argsort(-totals)
    return tree[: counts[0]].copy(), kept_histories[order], kept_acoustic[order], totals[order], whole
