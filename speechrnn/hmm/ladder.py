"""The ladder: flat start, monophones, tied triphones, LDA and MLLT, speaker-adaptive training.

The order of the rungs and the pace at which Gaussians grow and frames are aligned anew are those of Kaldi's recipes (Povey et al.
2011). All training is embedded Viterbi training: each frame belongs to one tied state, whose Gaussians share it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from speechrnn.blas import one_thread_each
from speechrnn.data.prepared import Track, silent
from speechrnn.hmm.adaptation import speaker_transform
from speechrnn.hmm.alignment import Segments, context_statistics, count_transitions, even_alignment, retied, segments
from speechrnn.hmm.gmm import Gmm, Statistics, averaged, estimate, grow, sizes_for
from speechrnn.hmm.grammar import Pronunciation, linear
from speechrnn.hmm.graph import Graph, build
from speechrnn.hmm.model import Acoustic, View, counted_transitions, even_transitions
from speechrnn.hmm.options import LadderOptions, TiedOptions
from speechrnn.hmm.phones import SILENCE, Topology
from speechrnn.hmm.transforms import ClassScatter, apply_affine, mllt, second_moments, splice
from speechrnn.hmm.tree import ContextStatistics, Tying, grow_tree

logger = logging.getLogger("speechrnn")
R = TypeVar("R")
BLOCK = 32_000
"""Frames, about, whose statistics one thread sums; the sums of blocks are added in order, whatever the number of threads."""
BEAM = 200.0
"""Nats of log likelihood within which frames are aligned while models are trained. Half of it would do on AN4; of short recordings
of tones it made models that heard sounds in silence."""
VARIANCE_FLOOR = 0.01
"""Smallest variance of a Gaussian, as a share of that of all frames."""
FRAMES_A_GAUSSIAN, LEAST_GAUSSIANS = 200, 2000
"""By which tied states get their Gaussians where nobody says how many."""
ENSEMBLE, ENSEMBLE_FRAMES = 3, 4_000_000
"""Sets of Gaussians of each tied rung, where nobody says how many, if there are at most so many frames (11 hours)."""
LEAST_FRAMES = 20.0
"""Frames that must come on each Gaussian of a state when it is given more."""
REMEMBERED_FRAMES = 4_000_000
"""Frames that stay as the Gaussians see them, 11 hours in 640 MB, so that they are not made anew in each iteration."""
GROWS = 0.75
"""Share of the iterations after which a rung has all its Gaussians."""
MONO_ALIGNS = (*range(1, 11), 12, 14, 16, 18, 20, 23, 26, 29, 32, 35, 38)
"""Iterations before which frames are aligned anew, from monophones; and on the later rungs."""
TIED_ALIGNS = (10, 20, 30)
TRANSFORMS = (2, 4, 6, 12)
"""Iterations before which MLLT, or the speakers' transforms, are estimated anew."""
TRANSFORMED_AGAIN = (6,)
"""The same where speakers' transforms are good from the start."""


@dataclass(frozen=True, eq=False)
class Heard:
    """What is trained on: cepstra (T, C), normalized by speaker, and the tokens that are said.

    Attributes:
        pauses: after how many of the tokens a silence may be; ``None``: after any number.
    """

    id: str
    speaker: str
    cepstra: np.ndarray = field(repr=False)
    tokens: tuple[int, ...]
    pauses: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Iteration:
    """How well an iteration's model fits, before it is estimated anew.

    Attributes:
        rung: which; the first pass of LDA and MLLT is ``lda (first tree)``.
        gaussians: of the model.
        log_likelihood: nats a frame, volumes of the transforms counted in, so that it can be compared within a rung.
    """

    rung: str
    gaussians: int
    log_likelihood: float


class Ladder:
    """Trains rung after rung; each begins from the alignments of the one below.

    Args:
        topology: phones and their states.
        pronunciations: of each token.
        heard: utterances.
        options: of the rungs.
        seed: of the directions in which Gaussians are split.
        words: whether tokens are words.
        track: shows progress.
    """

    def __init__(
        self,
        topology: Topology,
        pronunciations: Mapping[int, Sequence[Pronunciation]],
        heard: Sequence[Heard],
        options: LadderOptions,
        seed: int = 1,
        *,
        words: bool = True,
        track: Track = silent,
    ) -> None:
        self._topology, self._pronunciations, self._heard, self._words = topology, pronunciations, list(heard), words
        self._options, self._random, self._track = options, np.random.default_rng(seed), track
        self._threads = os.cpu_count() or 1
        self._total = sum(len(h.cepstra) for h in heard)
        self._ensemble = options.ensemble or (ENSEMBLE if self._total <= ENSEMBLE_FRAMES else 1)
        self._speakers: dict[str, list[int]] = {}
        for i, one in enumerate(heard):
            self._speakers.setdefault(one.speaker, []).append(i)
        self._transforms: dict[str, np.ndarray] = {}
        self._alignments: list[Segments] = []
        self._graphs: list[Graph] = []
        self._made: dict[int, tuple[View, np.ndarray | None, np.ndarray]] = {}
        ends = np.cumsum([len(h.cepstra) for h in heard])
        self._remembered = int(np.searchsorted(ends, REMEMBERED_FRAMES))
        firsts = np.unique(np.searchsorted(ends, np.arange(0, self._total, BLOCK), side="right")).tolist()
        self._ranges = [range(first, last) for first, last in zip(firsts, [*firsts[1:], len(heard)], strict=True)]
        self._below: Acoustic | None = None
        self.iterations: list[Iteration] = []
        """All that were made so far."""

    @one_thread_each()
    def climb(self, rung: str) -> Acoustic:
        """Train the next rung: mono, tri, lda or sat."""
        self._below = {"mono": self._mono, "tri": self._tri, "lda": self._lda, "sat": self._sat}[rung]()
        return self._below

    # What is done with all utterances, a block at a time on all cores.

    def _blocks(self, work: Callable[[range], R]) -> Iterator[R]:
        with ThreadPoolExecutor(self._threads) as pool:
            yield from pool.map(work, self._ranges)

    def _frames(self, view: View, index: int) -> np.ndarray:
        """An utterance as a view shows it, adapted where its speaker has a transform; the next iteration finds it made."""
        heard = self._heard[index]
        matrix = self._transforms.get(heard.speaker)
        made = self._made.get(index)
        if made is not None and made[0] is view and made[1] is matrix:
            return made[2]
        frames = view(heard.cepstra)
        if matrix is not None:
            frames = apply_affine(frames, matrix)
        if index < self._remembered:
            self._made[index] = view, matrix, frames
        return frames

    def _align(self, model: Acoustic) -> Acoustic:
        """Align all utterances; returns the model with its transitions counted."""

        def work(block: range) -> list[Segments]:
            found = []
            for i in block:
                graph = self._graphs[i]
                frames = self._frames(model.view, i)
                arcs = graph.arcs(model.transitions)
                for beam in (BEAM, np.inf):
                    path, _, whole = model.best_path(graph, frames, arcs, beam, len(graph.states))
                    if whole:
                        break
                # An utterance too short for its text keeps the alignment that it was given at the start.
                found.append(segments(graph, path) if whole else self._alignments[i])
            return found

        self._alignments = [item for block in self._blocks(work) for item in block]
        return replace(model, transitions=self._counted(model.tying))

    def _counted(self, tying: Tying) -> np.ndarray:
        def work(block: range) -> np.ndarray:
            return count_transitions(tying, [self._alignments[i] for i in block])

        return counted_transitions(tying, np.sum([*self._blocks(work)], axis=0))

    def _sums(self, model: Acoustic) -> Statistics:
        """Sums over all frames for the Gaussians."""
        size, dims = model.gmm.means.shape

        def work(block: range) -> Statistics:
            sums = Statistics.empty(size, dims)
            frames = np.concatenate([self._frames(model.view, i) for i in block])
            sums.add(model.gmm, frames, np.concatenate([self._alignments[i].states for i in block]))
            return sums

        total = Statistics.empty(size, dims)
        for sums in self._blocks(work):
            total.join(sums)
        return total

    # The rungs.

    def _mono(self) -> Acoustic:
        o = self._options.mono
        tying = Tying.monophones(self._topology)
        self._graphs = self._texts(tying)
        self._alignments = [even_alignment(h.tokens, self._pronunciations, tying, len(h.cepstra), self._words) for h in self._heard]
        model = self._start(tying, View(), even_transitions(tying))
        return self._train("mono", model, o.gaussians, o.iterations, MONO_ALIGNS)

    def _tri(self) -> Acoustic:
        self._align(self._lower)
        return self._averaged(self._tied("tri", View(), self._options.tri), self._options.tri)

    def _lda(self) -> Acoustic:
        self._align(self._lower)
        first = self._tied("lda (first tree)", self._discriminant(self._lower.tying), self._options.lda, self._with_mllt)
        # Once more with a tree, and MLLT, over frames that MLLT has made fit for diagonal Gaussians.
        self._align(first)
        return self._averaged(self._tied("lda", first.view, self._options.lda, self._with_mllt), self._options.lda)

    def _sat(self) -> Acoustic:
        o = self._options.sat
        self._align(self._lower)
        self._adapted(self._lower)
        first = self._tied("sat (first tree)", self._lower.view, o, self._adapted)
        # Once more with a tree, and alignments, by frames that adapted Gaussians have made alike.
        self._align(first)
        self._adapted(first)
        model = self._averaged(self._tied("sat", first.view, o, self._adapted, TRANSFORMED_AGAIN), o)
        # For speakers not adapted to: by the same alignments, over frames as they are.
        adapted, self._transforms = self._transforms, {}
        unadapted = averaged([self._another(model, o) for _ in range(self._ensemble)])
        self._transforms = adapted
        return replace(model, unadapted=unadapted)

    @property
    def _lower(self) -> Acoustic:
        assert self._below is not None, "rungs are climbed from mono up"
        return self._below

    def _texts(self, tying: Tying) -> list[Graph]:
        """A graph for each utterance; what is said more than once, at other speeds for example, shares one."""
        built: dict[tuple[tuple[int, ...], tuple[int, ...] | None], Graph] = {}
        for h in self._heard:
            if (h.tokens, h.pauses) not in built:
                built[h.tokens, h.pauses] = build(linear(h.tokens, self._pronunciations, self._words, h.pauses), tying)
        return [built[h.tokens, h.pauses] for h in self._heard]

    def _tied(
        self,
        name: str,
        view: View,
        o: TiedOptions,
        transform: Callable[[Acoustic], Acoustic] | None = None,
        transforms: Sequence[int] = TRANSFORMS,
    ) -> Acoustic:
        """Triphones over a view, tied by a tree grown on it."""
        seen = ContextStatistics()
        for i, alignment in enumerate(self._alignments):
            context_statistics(alignment, self._frames(view, i), seen)
        tying = grow_tree(self._topology, seen, o.least_gain, o.most_states)
        self._alignments = [retied(alignment, tying) for alignment in self._alignments]
        self._graphs = self._texts(tying)
        model = self._start(tying, view, self._counted(tying))
        return self._train(name, model, self._gaussians(o), o.iterations, TIED_ALIGNS, transform, transforms)

    def _gaussians(self, o: TiedOptions) -> int:
        return o.gaussians or max(LEAST_GAUSSIANS, self._total // FRAMES_A_GAUSSIAN)

    def _averaged(self, model: Acoustic, o: TiedOptions) -> Acoustic:
        """A rung's Gaussians with further sets of them."""
        return model.with_gmm(averaged([model.gmm, *(self._another(model, o) for _ in range(self._ensemble - 1))]))

    def _another(self, model: Acoustic, o: TiedOptions) -> Gmm:
        """Gaussians for a rung's states, from its alignments, but split in other directions."""
        start = self._start(model.tying, model.view, model.transitions)
        return self._train("", start, self._gaussians(o), o.iterations).gmm

    def _start(self, tying: Tying, view: View, transitions: np.ndarray) -> Acoustic:
        """A model whose first estimate will be a Gaussian for each tied state."""
        n, dims = tying.num_states, view(self._heard[0].cepstra).shape[1]
        gmm = Gmm(np.arange(n + 1), np.ones(n), np.zeros((n, dims)), np.ones((n, dims)))
        return Acoustic(tying, gmm, transitions, view)

    def _train(
        self,
        name: str,
        model: Acoustic,
        gaussians: int,
        iterations: int,
        aligns: Sequence[int] = (),
        transform: Callable[[Acoustic], Acoustic] | None = None,
        transforms: Sequence[int] = TRANSFORMS,
    ) -> Acoustic:
        """Estimate, and let Gaussians grow, as long as they may; without a name nothing is told of it."""
        least, grown = len(model.gmm.means), max(1, int(GROWS * iterations))
        floor = self._floor(model.view)
        most = np.where(model.tying.owners[:, 0] == SILENCE, self._options.silence_gaussians, gaussians)
        for iteration in self._track(range(iterations), name or "further Gaussians", iterations):
            if iteration in aligns:
                model = self._align(model)
            if transform is not None and iteration in transforms:
                model = transform(model)
                floor = self._floor(model.view)
            sums = self._sums(model)
            # What the first estimate is made from is no model yet.
            if iteration and name:
                fit = sums.log_likelihood / sums.frames + self._volume(model.view)
                self.iterations.append(Iteration(name, len(model.gmm.means), fit))
            gmm = estimate(model.gmm, sums, floor)
            if iteration < grown:
                total = int(least + (gaussians - least) * (iteration + 1) / grown)
                frames = np.add.reduceat(sums.counts, model.gmm.first[:-1])
                sizes = sizes_for(frames, total, self._options.growth, most, LEAST_FRAMES)
                gmm = grow(gmm, np.maximum(gmm.sizes, sizes), self._random)
            model = model.with_gmm(gmm)
        return model

    def _volume(self, view: View) -> float:
        """By how much transforms stretch the space, as log likelihood a frame: a narrower one makes every frame more likely."""
        volume = 0.0 if view.matrix is None else 0.5 * float(np.linalg.slogdet(view.matrix @ view.matrix.T)[1])
        stretched = sum(
            sum(len(self._heard[i].cepstra) for i in self._speakers[speaker]) * float(np.linalg.slogdet(matrix[:, :-1])[1])
            for speaker, matrix in self._transforms.items()
        )
        return volume + stretched / self._total

    def _floor(self, view: View) -> np.ndarray:
        """The smallest variances (D,)."""

        def work(block: range) -> tuple[int, np.ndarray, np.ndarray]:
            frames = np.concatenate([self._frames(view, i) for i in block]).astype(np.float64)
            return len(frames), frames.sum(0), np.einsum("td,td->d", frames, frames)

        counts, sums, squares = (sum(parts) for parts in zip(*self._blocks(work), strict=True))
        return np.asarray(VARIANCE_FLOOR * np.maximum(squares / counts - np.square(sums / counts), 1e-6))

    # Transforms. Silence has no part in them.

    def _discriminant(self, tying: Tying) -> View:
        """LDA over spliced cepstra, its classes the tied states."""
        context = self._options.context

        def work(block: range) -> ClassScatter:
            found = ClassScatter.empty(tying.num_states, (2 * context + 1) * self._heard[0].cepstra.shape[1])
            for i in block:
                speech = self._alignments[i].speech
                found.add(splice(self._heard[i].cepstra, context)[speech], self._alignments[i].states[speech])
            return found

        first, *others = self._blocks(work)
        for scatter in others:
            first.join(scatter)
        return View(context, first.lda(self._options.dims))

    def _with_mllt(self, model: Acoustic) -> Acoustic:
        """The model with its view turned so that diagonal Gaussians fit better."""
        from speechrnn.hmm.gmm_kernels import pull

        gmm, view = model.gmm, model.view
        size, dims = gmm.means.shape

        def work(block: range) -> tuple[Statistics, np.ndarray]:
            sums = Statistics.empty(size, dims)
            speech = [self._alignments[i].speech for i in block]
            states = np.concatenate([self._alignments[i].states[said] for i, said in zip(block, speech, strict=True)])
            frames = np.concatenate([self._frames(view, i)[said] for i, said in zip(block, speech, strict=True)]).astype(np.float64)
            weights, targets = np.zeros_like(frames), np.zeros_like(frames)
            pull(frames, states, *gmm.kernel_arrays, weights, targets)
            sums.add(gmm, frames, states)
            return sums, second_moments(weights, frames)

        total, moments = Statistics.empty(size, dims), np.zeros((dims, dims, dims))
        for sums, part in self._blocks(work):
            total.join(sums)
            moments += part
        # From moments around 0 to moments around the means.
        inner = np.einsum("g,ga,gb->gab", total.counts, gmm.means, gmm.means)
        cross = np.einsum("ga,gb->gab", total.sums, gmm.means)
        moments += np.tensordot(gmm.precisions.T, inner - cross - cross.transpose(0, 2, 1), 1)
        matrix, gain = mllt(moments, float(total.counts.sum()))
        logger.debug("MLLT gains %.3f nats a frame", gain)
        assert view.matrix is not None
        return replace(model, view=replace(view, matrix=matrix @ view.matrix), gmm=gmm.transformed(matrix))

    def _adapted(self, model: Acoustic) -> Acoustic:
        """Give every speaker the transform under which the model fits best; the model stays as it is."""

        def one(speaker: str) -> np.ndarray:
            heard = ((model.view(self._heard[i].cepstra), self._alignments[i]) for i in self._speakers[speaker])
            return speaker_transform(model.gmm, heard, self._transforms.get(speaker))

        with ThreadPoolExecutor(self._threads) as pool:
            self._transforms = dict(zip(self._speakers, pool.map(one, self._speakers), strict=True))
        return model
