"""The Viterbi search (Viterbi 1967; token passing: Young, Russell and Thornton 1989) over a graph of emitting nodes and hubs."""

from __future__ import annotations

import numpy as np

from speechrnn.decoding.order_kernels import nth_greatest
from speechrnn.hmm.gmm_kernels import shares
from speechrnn.jit import kernel


@kernel
def search(
    frames: np.ndarray,
    first: np.ndarray,
    means: np.ndarray,
    precisions: np.ndarray,
    constants: np.ndarray,
    log_likes: np.ndarray,
    nodes: np.ndarray,
    n_nodes: int,
    first_arc: np.ndarray,
    arcs: np.ndarray,
    start: int,
    final: int,
    beam: float,
    most: int,
) -> tuple[np.ndarray, float, bool]:
    """The best path of a graph through some frames.

    Args:
        frames, first, means, precisions, constants: frames (T, D) and the Gaussians of S tied states; a state is scored when a path
            within the beam comes to it.
        log_likes: float32, shape (T, S), where all states are scored already; else shape (0, S).
        nodes: room for a record of ``NODE`` each; those from ``n_nodes`` on are hubs.
        first_arc, arcs: of each node, as :class:`speechrnn.hmm.graph.Graph` has them.
        beam: paths so much below the best one are given up, also on the way to the next frame; infinity keeps all.
        most: nodes kept in a frame, about.

    Returns:
        The emitting nodes (T,), the log score, and whether the path ends where it may; if none does, it is the best that there is.
    """
    scored = len(log_likes) > 0
    n_frames = len(log_likes) if scored else len(frames)
    n_hubs = len(first_arc) - 1 - n_nodes
    for node in nodes:
        node.score, node.back = -np.inf, -1
    queue = np.empty(n_hubs + 1, np.int64)
    queued = np.zeros(n_hubs, np.bool_)
    hubs = np.empty(n_hubs, np.int64)
    here = np.empty(n_nodes, np.int64)
    here_score = np.empty(n_nodes)
    there = np.empty(n_nodes, np.int64)
    there_state = np.empty(n_nodes, np.int32)
    there_score = np.empty(n_nodes)
    record_node = np.empty(1024, np.int32)
    record_back = np.empty(1024, np.int64)
    n_records = 0
    n_here = 0
    first_record = 0
    room = 1 if scored else np.max(first[1:] - first[:-1])
    posteriors = np.empty(room, np.float32)
    fresh = np.empty(log_likes.shape[1], np.float32)
    heard = np.full(log_likes.shape[1], -1, np.int64)
    least = -np.inf
    for t in range(n_frames + 1):
        # Where each path may go: emitting nodes that now hear frame t, hubs on the way.
        n_there = 0
        n_touched = 0
        head = 0
        tail = 0
        if t == 0:
            nodes[start].score = 0.0
            queue[0] = start
            queued[start - n_nodes] = True
            hubs[0] = start
            n_touched = 1
            tail = 1
        i = 0
        while True:
            # First all emitting nodes, then the hubs they lead to, each again whenever a better path comes to it.
            if i < n_here:
                source = here[i]
                value = here_score[i]
                origin = first_record + i
                i += 1
            elif head != tail:
                source = queue[head]
                # Wrapped by hand: a remainder takes longer than all the rest.
                head = head + 1 if head < n_hubs else 0
                queued[source - n_nodes] = False
                value = nodes[source].score
                origin = nodes[source].back
            else:
                break
            for a in range(first_arc[source], first_arc[source + 1]):
                target = arcs[a].target
                found = value + arcs[a].weight
                if found >= least and found > nodes[target].score:
                    if nodes[target].score == -np.inf:
                        if target < n_nodes:
                            there[n_there] = target
                            there_state[n_there] = arcs[a].state
                            n_there += 1
                        else:
                            hubs[n_touched] = target
                            n_touched += 1
                    nodes[target].score = found
                    nodes[target].back = origin
                    if target >= n_nodes and not queued[target - n_nodes]:
                        queued[target - n_nodes] = True
                        queue[tail] = target
                        tail = tail + 1 if tail < n_hubs else 0
        if t == n_frames:
            break
        for k in range(n_touched):
            nodes[hubs[k]].score = -np.inf
        if not scored:
            for k in range(n_there):
                state = there_state[k]
                if heard[state] != t:
                    heard[state] = t
                    fresh[state] = shares(frames[t], first[state], first[state + 1], means, precisions, constants, posteriors)
        row = log_likes[t] if scored else fresh
        best = -np.inf
        best_node = -1
        for k in range(n_there):
            node = there[k]
            there_score[k] = nodes[node].score + row[there_state[k]]
            nodes[node].score = -np.inf
            if there_score[k] > best:
                best = there_score[k]
                best_node = node
        floor = best - beam
        kept = 0
        for k in range(n_there):
            kept += there_score[k] >= floor
        # A frame in which too many are left keeps the best.
        if kept > most:
            floor = nth_greatest(there_score[:n_there], most)
        if n_records + n_there > len(record_node):
            room = max(2 * len(record_node), n_records + n_there)
            more_nodes, more_back = np.empty(room, np.int32), np.empty(room, np.int64)
            # One by one: assigning a slice compiles for a second more.
            for k in range(n_records):
                more_nodes[k], more_back[k] = record_node[k], record_back[k]
            record_node, record_back = more_nodes, more_back
        n_here = 0
        first_record = n_records
        for k in range(n_there):
            if there_score[k] >= floor:
                node = there[k]
                here[n_here] = node
                here_score[n_here] = there_score[k]
                n_here += 1
                record_node[n_records] = node
                record_back[n_records] = nodes[node].back
                n_records += 1
        # On the way to the next frame a path is given up as far below the best one's way there, which itself is never given up.
        onward = -np.inf
        if best_node >= 0:
            for a in range(first_arc[best_node], first_arc[best_node + 1]):
                if arcs[a].state >= 0:
                    onward = max(onward, arcs[a].weight)
        least = floor + onward
    path = np.empty(n_frames, np.int32)
    total = nodes[final].score
    record = nodes[final].back
    whole = total > -np.inf
    if not whole:
        for k in range(n_here):
            if here_score[k] > total:
                total = here_score[k]
                record = first_record + k
    if record < 0:
        return path[:0], total, False
    for t in range(n_frames - 1, -1, -1):
        path[t] = record_node[record]
        record = record_back[record]
    return path, total, whole
