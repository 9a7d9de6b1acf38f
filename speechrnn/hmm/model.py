"""An acoustic model of Gaussian mixtures: what it listens with, and what it makes of frames."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from speechrnn.hmm.gmm import Gmm
from speechrnn.hmm.graph import Graph
from speechrnn.hmm.phones import Topology
from speechrnn.hmm.transforms import deltas, splice
from speechrnn.hmm.tree import Tying

NODE = np.dtype([("score", np.float64), ("back", np.int64)])
"""What the search keeps of a node: the best score of a path to it, and the record that path came from."""


@dataclass(frozen=True, eq=False)
class View:
    """Normalized cepstra to the frames that the Gaussians see.

    Attributes:
        context: frames spliced on either side; 0: cepstra with their deltas.
        matrix: projection of spliced frames (D, (2 * context + 1) * cepstra).
    """

    context: int = 0
    matrix: np.ndarray | None = field(default=None, repr=False)

    def __call__(self, cepstra: np.ndarray) -> np.ndarray:
        """Cepstra (T, C) to frames (T, D), float32."""
        if self.matrix is None:
            return deltas(cepstra)
        return np.asarray(splice(cepstra, self.context) @ self.matrix.T.astype(np.float32), np.float32)


@dataclass(frozen=True, eq=False)
class Acoustic:
    """Tied states, their Gaussians and transitions over some view of the cepstra.

    Attributes:
        transitions: log probability of each transition, as :attr:`speechrnn.hmm.tree.Tying.first_transition` numbers them.
        unadapted: of a model that was trained speaker-adaptively, its Gaussians for frames of a speaker not yet adapted to.
    """

    tying: Tying
    gmm: Gmm
    transitions: np.ndarray = field(repr=False)
    view: View = View()
    unadapted: Gmm | None = field(default=None, repr=False)

    @property
    def topology(self) -> Topology:
        """Phones and their states."""
        return self.tying.topology

    def best_path(
        self, graph: Graph, frames: np.ndarray, arcs: np.ndarray, beam: float, most: int
    ) -> tuple[np.ndarray, float, bool]:
        """The best path of a graph through frames (T, D), float32; only states that a path within the beam comes to are scored."""
        unscored = np.empty((0, self.gmm.num_states), np.float32)
        return self._search(graph, frames, unscored, arcs, beam, most)

    def scored_path(
        self, graph: Graph, log_likes: np.ndarray, arcs: np.ndarray, beam: float, most: int
    ) -> tuple[np.ndarray, float, bool]:
        """The best path of a graph by log likelihoods (T, S) of all tied states."""
        unheard = np.empty((0, self.gmm.means.shape[1]), np.float32)
        return self._search(graph, unheard, log_likes, arcs, beam, most)

    def _search(
        self, graph: Graph, frames: np.ndarray, log_likes: np.ndarray, arcs: np.ndarray, beam: float, most: int
    ) -> tuple[np.ndarray, float, bool]:
        from speechrnn.hmm.search_kernels import search

        nodes = np.empty(len(graph.first_arc) - 1, NODE)
        path, score, whole = search(
            frames, *self.gmm.single_arrays, log_likes, nodes, len(graph.states), graph.first_arc, arcs, graph.start, graph.final,
            beam, most,
        )  # fmt: skip
        return path, float(score), whole

    def with_gmm(self, gmm: Gmm) -> Acoustic:
        """The same with other Gaussians."""
        return replace(self, gmm=gmm)


def even_transitions(tying: Tying) -> np.ndarray:
    """All ways out of a state equally likely."""
    ways = np.diff(tying.first_transition)
    return np.repeat(-np.log(ways), ways)


def counted_transitions(tying: Tying, counts: np.ndarray, least: float = 0.01) -> np.ndarray:
    """Log probabilities from counts, none below ``least``; what was never left is even."""
    first = tying.first_transition
    ways = np.diff(first)
    totals = np.repeat(np.add.reduceat(counts, first[:-1]), ways)
    even = np.repeat(1.0 / ways, ways)
    probabilities = np.maximum(np.where(totals > 0, counts / np.maximum(totals, 1.0), even), least)
    return np.asarray(np.log(probabilities / np.repeat(np.add.reduceat(probabilities, first[:-1]), ways)))
