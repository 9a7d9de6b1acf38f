"""The inner loop of the CTC beam search, with and without a lexicon. Import inside functions.

A hypothesis is a prefix of output symbols together with one way to read it as words, and carries the probability of all its
alignments (Graves and Jaitly 2014; Hannun et al. 2014) in two parts, by whether the last frame was blank. The beam counts parts, as
flashlight's does: by sums it read Mboshi worse. What has been read, the *history*, is a node of a tree of items; where the next
word has got to is a node of the lexicon's trie. Items are words (0 to V - 1), letters (V + token) and the end of a spelled word
(V + K).

Three modes of one search:

- lexicon only: every symbol moves within the trie, words become items where they end;
- lexicon and spelling: from a word's beginning letters may also be spelled freely, as one unknown word;
- spelling only: no lexicon, every symbol is an item (the plain prefix beam search).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from speechrnn.jit import inlined, kernel
from speechrnn.lm.ngram_kernels import advance

WORDS, BOTH, SPELL = 0, 1, 2
"""Modes."""
ROOT, SPELLING = 0, -1
"""Places of a hypothesis besides the inner nodes of the trie."""
MERGE_MARGIN = 6.0
"""What is at most so many nats below the beam is still added to a hypothesis that reads the same; less is under 0.3 % of it."""
PARENT, ITEM, WORD_STATE, LETTER_STATE, HOT_STATE, VIA = range(6)
"""Columns of the history tree; VIA is the trie node through which the last word was best completed."""

Bundle: TypeAlias = tuple[Any, ...]
"""Arrays and numbers that belong together. Three are handed about in this file:

models      sizes, weights, word_ids, word_lm, letter_ids, letter_lm, hot: as :func:`search` takes them
store       count (1,), tree (H, 6), scores (H,), keys (H,), best_via (H,), table (C,), stamps (C,): the history tree; scores are
            all but the acoustic one, best_via the log probability that VIA stands for, table a hash table of rows by key
candidates  places (M, 3), masses (M, 2), scores (M,), keys (M,), table (C,), stamps (C,), base: hypotheses of the next frame;
            places hold history, place and last token, masses the log probability with the last frame blank and not, scores
            at most the greater part, all told, base two numbers for keys
"""


@kernel
def _logadd(a: float, b: float) -> float:
    if a < b:
        a, b = b, a
    if b == -np.inf:
        return a
    return float(a + np.log1p(np.exp(b - a)))


@kernel
def _slot(table: np.ndarray, stamps: np.ndarray, stamp: int, keys: np.ndarray, key: int) -> int:
    """Where ``key`` is or would be in an open hash table of indices into ``keys``; entries with another stamp are empty."""
    mask = len(table) - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    slot = np.int64(mixed >> np.uint64(20)) & mask
    while stamps[slot] == stamp and keys[table[slot]] != key:
        slot = (slot + 1) & mask
    return int(slot)


@inlined
def _history(parent: int, item: int, store: Bundle, models: Bundle) -> int:
    """The history ``parent`` + ``item``, made where it is new: language models and hotwords are asked here, once."""
    count, tree, scores, keys, _, table, stamps = store
    sizes, weights, word_ids, word_lm, letter_ids, letter_lm, hot = models
    n_words, n_tokens, mode = sizes
    key = np.int64(parent) * (n_words + n_tokens + 1) + item
    slot = _slot(table, stamps, 1, keys, key)
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
def _is_known(parent: int, item: int, store: Bundle, models: Bundle) -> bool:
    """Whether the history ``parent`` + ``item`` was made before; only then something may be read as it already."""
    _, _, _, keys, _, table, stamps = store
    sizes = models[0]
    return bool(stamps[_slot(table, stamps, 1, keys, np.int64(parent) * (sizes[0] + sizes[1] + 1) + item)] == 1)


@kernel
def _completed(parent: int, word: int, mass: float, node: int, store: Bundle, models: Bundle) -> int:
    """The history ``parent`` + ``word``, which remembers the trie node that it was most probably completed at."""
    _, tree, _, _, best_via, _, _ = store
    longer = _history(parent, word, store, models)
    if tree[longer, VIA] < 0 or mass > best_via[longer]:
        best_via[longer] = mass
        tree[longer, VIA] = node
    return longer


@kernel
def _with_room(store: Bundle, room: int) -> Bundle:
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
    new_tree[:used] = tree[:used]
    new_scores[:used] = scores[:used]
    new_keys[:used] = keys[:used]
    new_best[:used] = best_via[:used]
    table = np.zeros(2 * size, np.int32)
    stamps = np.zeros(2 * size, np.int32)
    for node in range(1, used):
        slot = _slot(table, stamps, 1, new_keys, new_keys[node])
        table[slot] = node
        stamps[slot] = 1
    return count, new_tree, new_scores, new_keys, new_best, table, stamps


@kernel
def _new_store(word_state: int, letter_state: int) -> Bundle:
    """A history tree that holds its root."""
    size = 4096
    tree = np.empty((size, 6), np.int32)
    tree[0] = -1
    tree[0, WORD_STATE], tree[0, LETTER_STATE], tree[0, HOT_STATE] = word_state, letter_state, 0
    scores, keys, best_via = np.zeros(size, np.float64), np.full(size, np.int64(-1)), np.zeros(size, np.float64)
    return np.ones(1, np.int64), tree, scores, keys, best_via, np.zeros(2 * size, np.int32), np.zeros(2 * size, np.int32)


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
    slot = _slot(table, stamps, stamp, keys, key)
    if stamps[slot] == stamp:
        row = table[slot]
        masses[row, 1] = _logadd(masses[row, 1], mass)
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


@kernel
def _sort_falling(rows: np.ndarray, scores: np.ndarray) -> None:
    """Sort rows by their scores, in place; equal ones keep their order."""
    if len(rows) > 64:
        rows[:] = rows[np.argsort(-scores[rows], kind="mergesort")]
        return
    for i in range(1, len(rows)):
        row = rows[i]
        place = i
        while place and scores[rows[place - 1]] < scores[row]:
            rows[place] = rows[place - 1]
            place -= 1
        rows[place] = row


@kernel
def _best(scores: np.ndarray, beam: int) -> float:
    """The score that ``beam`` of them reach; minus infinity where there are fewer."""
    m = len(scores)
    return float(np.partition(scores, m - beam)[m - beam]) if m >= beam else -np.inf


@kernel
def _raised(floor: float, m: int, beam: int, candidates: Bundle) -> float:
    """The floor, raised to what a new candidate needs to stay: by now ``beam`` of them have a part that reaches it."""
    return max(floor, _best(candidates[2][:m], beam))


@kernel
def _read_in_trie(
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
                spoken = mass + word_mass[w]
                if spoken + known + slack < floor and not _is_known(history, word[w], store, models):
                    continue
                longer = _completed(history, word[w], spoken, child, store, models)
                m = _add(longer, ROOT, c, spoken, spoken + scores[longer], floor, stamp, m, candidates)
    return m, floor


@kernel
def _read_freely(
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
                    longer = _history(history, end, store, models)
                    m = _add(longer, ROOT, c, mass, mass + scores[longer], floor, stamp, m, candidates)
                continue
            if mass + known + slack < floor and not _is_known(history, n_words + c, store, models):
                continue
            longer = _history(history, n_words + c, store, models)
            m = _add(longer, SPELLING, c, mass, mass + scores[longer], floor, stamp, m, candidates)
            if mode == BOTH and space < 0:
                # Without a word boundary an unknown word may end after any letter.
                longer = _history(longer, end, store, models)
                m = _add(longer, ROOT, c, mass, mass + scores[longer], floor, stamp, m, candidates)
        if hopeless:
            break
    return m


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
    store = _new_store(starts[0], starts[1])
    # Hypotheses, the best first.
    places, masses, pairs = np.empty((beam, 3), np.int64), np.empty((beam, 2), np.float64), np.empty((beam, 2), np.float64)
    places[0, 0], places[0, 1], places[0, 2] = 0, SPELLING if mode == SPELL else ROOT, -1
    masses[0, 0], masses[0, 1] = 0.0, -np.inf
    n = 1
    ranked = np.empty(most_tokens, np.int64)
    tried = np.zeros(n_tokens, np.int64)
    kept = np.empty(beam, np.int64)

    for t in range(n_frames):
        frame = log_probs[t]
        stamp = t + 1
        store = _with_room(store, room)
        scores = store[2]

        # Hypotheses that read nothing new.
        highest, reach = -np.inf, -np.inf
        for i in range(n):
            history, place, last = places[i, 0], places[i, 1], places[i, 2]
            pairs[i, 0], pairs[i, 1] = masses[i, 0], _logadd(masses[i, 0], masses[i, 1])
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
            slot = _slot(table, stamps, stamp, keys, keys[i])
            table[slot] = i
            stamps[slot] = stamp
        floor = max(highest - threshold, _best(parts[: 2 * n], beam))

        # Hypotheses that read one symbol more.
        n_ranked = _rank(frame, floor - MERGE_MARGIN - slack - reach, ranked, tried, stamp)
        m = n
        if mode != SPELL:
            m, floor = _read_in_trie(
                n, places, pairs, frame, tried, stamp, floor, beam, slack, m, space, trie, candidates, store, models
            )  # fmt: skip
        if mode != WORDS:
            m = _read_freely(
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
        floor = max(highest - threshold, _best(parts[:n_parts], beam))
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
            new_scores[j] = _logadd(new_masses[j, 0], new_masses[j, 1]) + besides
        _sort_falling(kept[:n], new_scores)
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
    store = _with_room(store, most + n)
    count, tree, scores, _, _, _, _ = store
    rows, acoustic = np.empty(most, np.int64), np.empty(most, np.float64)
    m = 0
    for i in range(n):
        history, place = places[i, 0], places[i, 1]
        mass = _logadd(masses[i, 0], masses[i, 1])
        if place == ROOT or mode == SPELL:
            rows[m], acoustic[m] = history, mass
            m += 1
        elif place == SPELLING:
            if space >= 0:
                rows[m], acoustic[m] = _history(history, n_words + n_tokens, store, models), mass
                m += 1
        else:
            for child in range(first_child[place], first_child[place + 1]):
                if token[child] == space:
                    for w in range(first_word[child], first_word[child + 1]):
                        spoken = mass + word_mass[w]
                        rows[m], acoustic[m] = _completed(history, word[w], spoken, child, store, models), spoken
                        m += 1
    whole = m > 0
    if not whole:
        # No word is complete: what was read before it stands.
        for i in range(n):
            rows[m], acoustic[m] = places[i, 0], _logadd(masses[i, 0], masses[i, 1])
            m += 1
    joined = 0
    kept, heard = np.empty(m, np.int64), np.empty(m, np.float64)
    for j in np.argsort(rows[:m]):
        if joined and kept[joined - 1] == rows[j]:
            heard[joined - 1] = _logadd(heard[joined - 1], acoustic[j])
        else:
            kept[joined], heard[joined] = rows[j], acoustic[j]
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
    order = np.argsort(-totals)
    return tree[: count[0]].copy(), kept[order], heard[order], totals[order], whole
