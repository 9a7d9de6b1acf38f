"""The inner loop of the CTC beam search, with and without a lexicon. Import inside functions.

A hypothesis is a prefix of output symbols together with one way to read it as words, and carries the probability of all its
alignments (Graves and Jaitly 2014; Hannun et al. 2014) in two parts, by whether the last frame was blank. The beam counts parts, as
flashlight's does: by sums it read Mboshi worse. What has been read is a node of the tree of histories
(:mod:`speechrnn.decoding.history_kernels`), where the next word has got to a node of the lexicon's trie.

Three modes of one search:

- lexicon only: every symbol moves within the trie, words become items where they end;
- lexicon and spelling: from a word's beginning letters may also be spelled freely, as one unknown word;
- spelling only: no lexicon, every symbol is an item (the plain prefix beam search).
"""

from __future__ import annotations

import numpy as np

from speechrnn.decoding.candidates_kernels import (
    MERGE_MARGIN,
    ROOT,
    SPELLING,
    best_score,
    logadd,
    read_freely,
    read_in_trie,
)
from speechrnn.decoding.history_kernels import (
    BOTH,
    HOT_STATE,
    LETTER_STATE,
    SPELL,
    WORD_STATE,
    WORDS,
    Bundle,
    completed,
    history_of,
    new_store,
    slot_of,
    with_room,
)
from speechrnn.decoding.order_kernels import sort_falling
from speechrnn.jit import kernel
from speechrnn.lm.ngram_kernels import advance


@kernel
def search(
    log_probs: np.ndarray, limits: tuple[int, int, float], space: int, trie: Bundle, starts: tuple[int, int], models: Bundle
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]:
    """Search the log posteriors (T, K) of one utterance.

    Args:
        log_probs: float32, blank first.
        limits: beam (hypotheses), tokens tried in a frame (the likeliest), nats below the best that are dropped.
        space: id of the word boundary, or -1: the last word of an utterance may go without it.
        trie: as :attr:`speechrnn.decoding.trie.Trie.arrays`.
        starts: states of the language models over words and over tokens at the beginning of a sentence.
        models: *sizes*: words V, tokens K, mode; *weights*: word LM, word bonus, letter LM, letter bonus, bonus of an unknown word;
            *word_ids* (V + 2,): words, unknown and end of sentence in *word_lm*, an n-gram model's arrays; *letter_ids*
            (K + 1,): tokens and the end in *letter_lm*; *hot*: as
            :attr:`speechrnn.decoding.hotwords.HotwordAutomaton.arrays`.

    Returns:
        The history tree; then, best first, each reading's row in it, its log probability summed over alignments, its score; and
        whether these readings end with a whole word.
    """
    n_frames, n_tokens = log_probs.shape
    beam, most_tokens, threshold = limits
    _, _, mode = models[0]
    _, word_bonus, _, letter_bonus, _ = models[1]
    first_word, look_ahead = trie[2], trie[5]
    n_nodes = len(look_ahead)
    # What a symbol can gain at most besides its own probability.
    slack = max(word_bonus, letter_bonus, 0.0) + max(models[6][2].max(), 0.0)
    most_tokens = min(most_tokens, n_tokens - 1)
    fan = 1 if mode == SPELL else 1 + (first_word[1:] - first_word[:-1]).max() + (2 if mode == BOTH else 0)
    room = beam * (1 + most_tokens * fan)
    table_size = 1
    while table_size < 2 * room:
        table_size *= 2
    new_places, new_masses, new_scores = np.empty((room, 3), np.int64), np.empty((room, 2), np.float64), np.empty(room, np.float64)
    parts = np.empty(2 * room, np.float64)
    keys, table, stamps = np.empty(room, np.int64), np.zeros(table_size, np.int32), np.zeros(table_size, np.int32)
    span, after_trie = n_nodes + n_tokens + 2, n_nodes + 1
    candidates = (new_places, new_masses, new_scores, keys, table, stamps, (span, after_trie))
    store = new_store(starts[0], starts[1])
    # Hypotheses, the best first.
    places, masses, pairs = np.empty((beam, 3), np.int64), np.empty((beam, 2), np.float64), np.empty((beam, 2), np.float64)
    places[0, 0], places[0, 1], places[0, 2] = 0, SPELLING if mode == SPELL else ROOT, -1
    masses[0, 0], masses[0, 1] = 0.0, -np.inf
    # A plain 1 is a type of its own to numba, which would compile all that takes it twice.
    n = int(np.int64(1))
    ranked = np.empty(most_tokens, np.int64)
    tried = np.zeros(n_tokens, np.int64)
    kept = np.empty(beam, np.int64)

    for t in range(n_frames):
        frame = log_probs[t]
        stamp = t + 1
        store = with_room(store, room)
        scores = store[2]

        # Hypotheses that read nothing new.
        highest, reach = -np.inf, -np.inf
        for i in range(n):
            history, place, last = places[i, 0], places[i, 1], places[i, 2]
            pairs[i, 0], pairs[i, 1] = masses[i, 0], logadd(masses[i, 0], masses[i, 1])
            reach = max(reach, pairs[i, 1] + scores[history])
            new_places[i, 0], new_places[i, 1], new_places[i, 2] = history, place, last
            new_masses[i, 0] = pairs[i, 1] + frame[0]
            new_masses[i, 1] = masses[i, 1] + frame[last] if last > 0 else -np.inf
            ahead = look_ahead[place] if place > 0 else 0.0
            for part in range(2):
                parts[2 * i + part] = new_masses[i, part] + scores[history] + ahead
            new_scores[i] = max(parts[2 * i], parts[2 * i + 1])
            highest = max(highest, new_scores[i])
            keys[i] = history * span + (place if place > 0 else after_trie + last)
            slot = slot_of(table, stamps, stamp, keys, keys[i])
            table[slot] = i
            stamps[slot] = stamp
        floor = max(highest - threshold, best_score(parts[: 2 * n], beam))

        # Hypotheses that read one symbol more.
        n_ranked = _rank(frame, floor - MERGE_MARGIN - slack - reach, ranked, tried, stamp)
        m = n
        if mode != SPELL:
            m, floor = read_in_trie(
                n, places, pairs, frame, tried, stamp, floor, beam, slack, m, space, trie, candidates, store, models
            )  # fmt: skip
        if mode != WORDS:
            m = read_freely(
                n, places, pairs, frame, ranked[:n_ranked], space, stamp, floor, beam, slack, m, candidates, store, models
            )  # fmt: skip

        # The best parts of them all; what does not reach the floor from before can't be among them.
        highest, n_parts = -np.inf, 0
        for j in range(m):
            place = new_places[j, 1]
            besides = scores[new_places[j, 0]] + (look_ahead[place] if place > 0 else 0.0)
            new_scores[j] = max(new_masses[j, 0], new_masses[j, 1]) + besides
            for part in range(2):
                if new_masses[j, part] + besides >= floor:
                    parts[n_parts] = new_masses[j, part] + besides
                    n_parts += 1
            highest = max(highest, new_scores[j])
        floor = max(highest - threshold, best_score(parts[:n_parts], beam))
        n = 0
        # Above the floor first: ties at the floor fill what is left, in order.
        for ties in range(2):
            for j in range(m):
                if n < beam and (new_scores[j] > floor if ties == 0 else new_scores[j] == floor):
                    kept[n] = j
                    n += 1
        for i in range(n):
            j = kept[i]
            place = new_places[j, 1]
            # As above to the last bit: what is at the floor must not fall below it.
            besides = scores[new_places[j, 0]] + (look_ahead[place] if place > 0 else 0.0)
            for part in range(2):
                if new_masses[j, part] + besides < floor:
                    new_masses[j, part] = -np.inf
            new_scores[j] = logadd(new_masses[j, 0], new_masses[j, 1]) + besides
        sort_falling(kept[:n], new_scores)
        for i in range(n):
            for column in range(3):
                places[i, column] = new_places[kept[i], column]
            masses[i, 0], masses[i, 1] = new_masses[kept[i], 0], new_masses[kept[i], 1]

    return _finish(places[:n], masses[:n], space, trie, store, models)


@kernel
def _finish(
    places: np.ndarray, masses: np.ndarray, space: int, trie: Bundle, store: Bundle, models: Bundle
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]:
    """Complete last words, add the end of the sentence, join the hypotheses that read the same."""
    first_child, token, first_word, word, word_mass, _ = trie
    sizes, weights, word_ids, word_lm, letter_ids, letter_lm, hot = models
    n_words, n_tokens, mode = sizes
    n = len(places)
    most = n
    for i in range(n):
        place = places[i, 1]
        if place > 0:
            for child in range(first_child[place], first_child[place + 1]):
                if token[child] == space:
                    most += first_word[child + 1] - first_word[child]
    store = with_room(store, most + n)
    count, tree, scores, _, _, _, _ = store
    rows, acoustic = np.empty(most, np.int64), np.empty(most, np.float64)
    m = 0
    for i in range(n):
        history, place = places[i, 0], places[i, 1]
        mass = logadd(masses[i, 0], masses[i, 1])
        if place == ROOT or mode == SPELL:
            rows[m], acoustic[m] = history, mass
            m += 1
        elif place == SPELLING:
            if space >= 0:
                rows[m], acoustic[m] = history_of(history, n_words + n_tokens, store, models), mass
                m += 1
        else:
            for child in range(first_child[place], first_child[place + 1]):
                if token[child] == space:
                    for w in range(first_word[child], first_word[child + 1]):
                        spoken = mass + word_mass[w]
                        rows[m], acoustic[m] = completed(history, int(np.int64(word[w])), spoken, child, store, models), spoken
                        m += 1
    whole = m > 0
    if not whole:
        # No word is complete: what was read before it stands.
        for i in range(n):
            rows[m], acoustic[m] = places[i, 0], logadd(masses[i, 0], masses[i, 1])
            m += 1
    joined = 0
    kept, heard = np.empty(m, np.int64), np.empty(m, np.float64)
    falling = np.arange(m)
    sort_falling(falling, rows)
    for row in falling:
        if joined and kept[joined - 1] == rows[row]:
            heard[joined - 1] = logadd(heard[joined - 1], acoustic[row])
        else:
            kept[joined], heard[joined] = rows[row], acoustic[row]
            joined += 1
    kept, heard = kept[:joined], heard[:joined]
    totals = np.empty(joined, np.float64)
    for j in range(joined):
        row = kept[j]
        if mode == SPELL:
            end, _ = advance(tree[row, LETTER_STATE], letter_ids[n_tokens], *letter_lm)
            end *= weights[2]
        else:
            end, _ = advance(tree[row, WORD_STATE], word_ids[n_words + 1], *word_lm)
            end *= weights[0]
        totals[j] = heard[j] + scores[row] + end + hot[3][tree[row, HOT_STATE]]
    order = np.arange(joined)
    sort_falling(order, totals)
    return tree[: count[0]].copy(), kept[order], heard[order], totals[order], whole


@kernel
def _rank(frame: np.ndarray, least: float, ranked: np.ndarray, tried: np.ndarray, stamp: int) -> int:
    """The likeliest symbols of a frame (K,), as many as ``ranked`` holds, in falling order; returns how many reach ``least``."""
    n = 0
    for c in range(1, len(frame)):
        if frame[c] < least or (n == len(ranked) and frame[c] <= frame[ranked[-1]]):
            continue
        place = min(n, len(ranked) - 1)
        while place and frame[ranked[place - 1]] < frame[c]:
            ranked[place] = ranked[place - 1]
            place -= 1
        ranked[place] = c
        n = min(n + 1, len(ranked))
    for place in range(n):
        tried[ranked[place]] = stamp
    return n
