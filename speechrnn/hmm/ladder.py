"""The ladder: flat start, monophones, tied triphones, LDA and MLLT, speaker-adaptive training."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from speechrnn.hmm.alignment import Segments, segments
from speechrnn.hmm.gmm import Gmm, Statistics, estimate, grow, sizes_for
from speechrnn.hmm.gmm_kernels import pull
from speechrnn.hmm.grammar import Pronunciation, linear
from speechrnn.hmm.graph import Graph, build
from speechrnn.hmm.model import Acoustic, View, counted_transitions, even_transitions
from speechrnn.hmm.options import LadderOptions, TiedOptions
from speechrnn.hmm.phones import ALONE, SILENCE, Topology, placed
from speechrnn.hmm.transforms import ClassScatter, Fmllr, apply_affine, mllt, second_moments, splice
from speechrnn.hmm.tree import ContextStatistics, Tying, grow_tree

logger = logging.getLogger("speechrnn")
T = TypeVar("T")
R = TypeVar("R")
BLOCK = 32
"""Utterances whose statistics are summed by one thread; the sums of blocks are added in order, whatever the number of threads."""
VARIANCE_FLOOR = 0.01
"""Share of the variance of all frames."""


@dataclass(frozen=True, eq=False)
class Utterance:
    """What is trained on: normalized cepstra (T, C) and the tokens said."""

    id: str
    speaker: str
    cepstra: np.ndarray = field(repr=False)
    tokens: tuple[int, ...]


class Trainer:
    """Trains the rungs on some utterances.

    Args:
        topology: phones and their states.
        pronunciations: of each token.
        utterances: to train on.
        options: of the ladder.
        seed: of the directions in which Gaussians are split.
        words: whether tokens are words.
    """

    def __init__(
        self,
        topology: Topology,
        pronunciations: Mapping[int, Sequence[Pronunciation]],
        utterances: Sequence[Utterance],
        options: LadderOptions,
        seed: int = 1,
        words: bool = True,
    ) -> None:
        self.topology, self.pronunciations, self.utterances = topology, pronunciations, list(utterances)
        self.options, self.words = options, words
        self.random = np.random.default_rng(seed)
        self.transforms: dict[str, np.ndarray] = {}
        self.alignments: list[Segments] = []
        self.graphs: list[Graph] = []
        self.threads = os.cpu_count() or 1

    # --- over all utterances

    def blocks(self, work: Callable[[range], R]) -> Iterator[R]:
        """What ``work`` makes of each block of utterances, in order, on all cores."""
        ranges = [range(i, min(i + BLOCK, len(self.utterances))) for i in range(0, len(self.utterances), BLOCK)]
        with ThreadPoolExecutor(self.threads) as pool:
            yield from pool.map(work, ranges)

    def frames(self, view: View, index: int) -> np.ndarray:
        """The frames of an utterance as a view shows them, adapted where its speaker has a transform."""
        utterance = self.utterances[index]
        found = view(utterance.cepstra)
        matrix = self.transforms.get(utterance.speaker)
        return found if matrix is None else apply_affine(found, matrix)

    def make_graphs(self, tying: Tying) -> None:
        """Graphs of all utterances' texts."""
        self.graphs = [build(linear(u.tokens, self.pronunciations, self.words), tying) for u in self.utterances]

    def align(self, model: Acoustic) -> Acoustic:
        """Align all utterances; returns the model with its transitions counted."""
        scores = []

        def work(block: range) -> list[tuple[Segments, float]]:
            out = []
            for i in block:
                graph = self.graphs[i]
                frames = self.frames(model.view, i)
                path, score, whole = model.best_path(graph, frames, graph.weights(model.transitions), np.inf, 1 << 30)
                if not whole:
                    raise ValueError(self.utterances[i].id)
                out.append((segments(graph, path), score))
            return out

        found = [item for block in self.blocks(work) for item in block]
        self.alignments = [segs for segs, _ in found]
        counts = count_transitions(model.tying, self.alignments)
        n = sum(len(a.states) for a in self.alignments)
        sil = sum(int((np.isin(a.states, model.tying.roots[SILENCE])).sum()) for a in self.alignments) if model.tying.num_states else 0
        logger.info("aligned: %.3f per frame", sum(s for _, s in found) / n)
        return replace(model, transitions=counted_transitions(model.tying, counts))

    def accumulate(self, model: Acoustic, other: View | None = None) -> Statistics:
        """Sums over all frames with their aligned states."""
        dims = model.gmm.means.shape[1]

        def work(block: range) -> Statistics:
            sums = Statistics.empty(len(model.gmm.means), dims)
            for i in block:
                sums.add(model.gmm, self.frames(model.view, i), self.alignments[i].states)
            return sums

        total = Statistics.empty(len(model.gmm.means), dims)
        for sums in self.blocks(work):
            total.join(sums)
        return total

    def floor(self, view: View) -> np.ndarray:
        total = np.zeros(3, object)
        n, s, q = 0, 0.0, 0.0
        for i in range(len(self.utterances)):
            f = self.frames(view, i).astype(np.float64)
            n += len(f)
            s = s + f.sum(0)
            q = q + np.square(f).sum(0)
        mean = s / n
        return VARIANCE_FLOOR * (q / n - np.square(mean))

    # --- rungs

    def mono(self) -> Acoustic:
        """Monophones from a flat start."""
        o = self.options.mono
        tying = Tying.monophones(self.topology)
        view = View()
        self.make_graphs(tying)
        self.alignments = [
            even_alignment(u.tokens, self.pronunciations, tying, len(u.cepstra), self.words) for u in self.utterances
        ]
        floor = self.floor(view)
        dims = len(floor)
        gmm = Gmm(np.arange(tying.num_states + 1), np.ones(tying.num_states), np.zeros((tying.num_states, dims)), np.ones((tying.num_states, dims)))
        model = Acoustic(tying, gmm, even_transitions(tying), view)
        realign = {*range(1, 11), 12, 14, 16, 18, 20, 23, 26, 29, 32, 35, 38}
        return self._train(model, floor, o.gaussians, o.iterations, realign, o.power)

    def _train(self, model, floor, gaussians, iterations, realign, power, grow_until=0.75, transform=None):
        start = len(model.gmm.means)
        last = max(1, int(grow_until * iterations))
        for iteration in range(iterations):
            if iteration in realign:
                model = self.align(model)
            if transform is not None and iteration in transform[0]:
                model = transform[1](model)
            sums = self.accumulate(model)
            gmm = estimate(model.gmm, sums, floor)
            if iteration < last:
                target = int(start + (gaussians - start) * (iteration + 1) / last)
                frames = np.add.reduceat(sums.counts, model.gmm.first[:-1])
                most = np.full(gmm.num_states, 1 << 30)
                most[[s for s in range(gmm.num_states) if model.tying.owners[s, 0] == SILENCE]] = self.options.silence_gaussians
                gmm = grow(gmm, np.maximum(gmm.sizes, sizes_for(frames, target, power, most, 20.0)), self.random)
            model = model.with_gmm(gmm)
            logger.info("%d: %d gaussians, %.3f", iteration, len(gmm.means), sums.log_likelihood / sums.frames)
        return model

    def tied(self, before: Acoustic, view: View, o: TiedOptions, transform=None) -> Acoustic:
        """Tied triphones over a view, from the alignments of the rung before."""
        stats = ContextStatistics()
        for i, a in enumerate(self.alignments):
            frames = self.frames(view, i)
            changes = np.flatnonzero(np.append(True, a.states[1:] != a.states[:-1]) | np.isin(np.arange(len(a.states)), a.starts))
            ends = np.append(changes[1:], len(frames))
            which = np.searchsorted(a.starts, changes, side="right") - 1
            contexts = a.contexts()
            for c, e, w in zip(changes.tolist(), ends.tolist(), which.tolist()):
                phone, place, left, right = contexts[w]
                if phone == SILENCE:
                    left = right = SILENCE
                stats.add((phone, int(a.numbers[c]), place, left, right), frames[c:e])
        tying = grow_tree(self.topology, stats, o.least_gain, o.most_states)
        self.convert(tying)
        floor = self.floor(view)
        dims = len(floor)
        n = tying.num_states
        gmm = Gmm(np.arange(n + 1), np.ones(n), np.zeros((n, dims)), np.ones((n, dims)))
        model = Acoustic(tying, gmm, counted_transitions(tying, count_transitions(tying, self.alignments)), view)
        self.make_graphs(tying)
        logger.info("%d tied states", n)
        return self._train(model, floor, o.gaussians, o.iterations, {10, 20, 30}, o.power, transform=transform)

    def convert(self, tying: Tying) -> None:
        """The alignments in another tying."""
        out = []
        for a in self.alignments:
            states = np.empty_like(a.states)
            for (phone, place, left, right), s, e in zip(a.contexts(), a.starts[:-1].tolist(), a.starts[1:].tolist(), strict=True):
                states[s:e] = np.array(tying.states(phone, place, left, right))[a.numbers[s:e]]
            out.append(replace(a, states=states))
        self.alignments = out

    def tri(self, mono: Acoustic) -> Acoustic:
        self.align(mono)
        return self.tied(mono, View(), self.options.tri)

    def lda(self, tri: Acoustic) -> Acoustic:
        o = self.options
        self.align(tri)
        context = o.context

        def work(block):
            scatter = ClassScatter.empty(tri.tying.num_states, (2 * context + 1) * self.utterances[0].cepstra.shape[1])
            for i in block:
                speech = self.alignments[i].speech
                scatter.add(splice(self.utterances[i].cepstra, context)[speech], self.alignments[i].states[speech])
            return scatter

        total = None
        for s in self.blocks(work):
            total = s if total is None else total.join(s)
        view = View(context, total.lda(o.dims))
        return self.tied(tri, view, o.lda, ({2, 4, 6, 12}, self.mllt))

    def mllt(self, model: Acoustic) -> Acoustic:
        gmm = model.gmm
        dims = gmm.means.shape[1]

        def work(block):
            sums = Statistics.empty(len(gmm.means), dims)
            moments = np.zeros((dims, dims, dims))
            for i in block:
                speech = self.alignments[i].speech
                states = self.alignments[i].states[speech]
                frames = self.frames(model.view, i)[speech].astype(np.float64)
                weights, targets = np.zeros_like(frames), np.zeros_like(frames)
                pull(frames, states, *gmm.kernel_arrays, weights, targets)
                moments += second_moments(weights, frames)
                sums.add(gmm, frames, states)
            return sums, moments

        total, moments = Statistics.empty(len(gmm.means), dims), np.zeros((dims, dims, dims))
        for s, m in self.blocks(work):
            total.join(s)
            moments += m
        # sum over Gaussians of precision_i * (counts mean mean' - sums mean' - mean sums')
        inner = np.einsum("g,ga,gb->gab", total.counts, gmm.means, gmm.means)
        cross = np.einsum("ga,gb->gab", total.sums, gmm.means)
        moments += np.tensordot(gmm.precisions.T, inner - cross - cross.transpose(0, 2, 1), 1)
        matrix, gain = mllt(moments, total.counts.sum())
        logger.info("MLLT gains %.3f nats a frame", gain)
        view = replace(model.view, matrix=matrix @ model.view.matrix)
        return replace(model, view=view, gmm=gmm.transformed(matrix))

    def adapt(self, model: Acoustic) -> Acoustic:
        """A transform for every speaker, on top of the one it has."""
        by_speaker: dict[str, list[int]] = {}
        for i, u in enumerate(self.utterances):
            by_speaker.setdefault(u.speaker, []).append(i)

        def one(items):
            stats = Fmllr.empty(model.gmm.means.shape[1])
            for i in items:
                speech = self.alignments[i].speech
                raw = model.view(self.utterances[i].cepstra)[speech]
                frames = self.frames(model.view, i)[speech].astype(np.float64)
                weights, targets = np.zeros_like(frames), np.zeros_like(frames)
                pull(frames, self.alignments[i].states[speech], *model.gmm.kernel_arrays, weights, targets)
                stats.add(raw, weights, targets)
            return stats.transform()

        with ThreadPoolExecutor(self.threads) as pool:
            self.transforms = dict(zip(by_speaker, pool.map(one, by_speaker.values())))
        return model

    def sat(self, lda: Acoustic) -> tuple[Acoustic, Acoustic]:
        self.transforms = {}
        self.align(lda)
        self.adapt(lda)
        model = self.tied(lda, lda.view, self.options.sat, ({2, 4, 6, 12}, self.adapt))
        # The model of unadapted frames, aligned by the adapted one (Kaldi's alignment model).
        sums = Statistics.empty(len(model.gmm.means), len(model.gmm.means[0]))
        for i, u in enumerate(self.utterances):
            sums.add(model.gmm, self.frames(model.view, i), self.alignments[i].states, seen=model.view(u.cepstra))
        transforms, self.transforms = self.transforms, {}
        plain = replace(model, gmm=estimate(model.gmm, sums, self.floor(model.view)))
        self.transforms = transforms
        return model, plain


def even_alignment(
    tokens: Sequence[int], pronunciations: Mapping[int, Sequence[Pronunciation]], tying: Tying, frames: int, words: bool
) -> Segments:
    """A text laid evenly over its frames: all states in turn of silence, the first pronunciations, silence."""
    phones = [(SILENCE, ALONE, -1, 0)]
    for token in tokens:
        said = placed(pronunciations[token][0][0], words)
        phones += [(phone, place, token, index) for index, (phone, place) in enumerate(said)]
    phones.append((SILENCE, ALONE, -1, 0))
    # Which phone and which of its states each step of the way is.
    steps = [(i, k) for i, (phone, *_) in enumerate(phones) for k in range(tying.topology.states(phone))]
    taken = np.array(steps)[np.arange(frames) * len(steps) // frames]
    roots = tying.roots[[phone for phone, *_ in phones]]
    heard = np.unique(taken[:, 0])
    starts = np.append(np.searchsorted(taken[:, 0], heard), frames)
    facts = np.array(phones, np.int32)[heard].T
    return Segments(roots[taken[:, 0], taken[:, 1]], taken[:, 1], starts, *facts)


def count_transitions(tying: Tying, alignments: Sequence[Segments]) -> np.ndarray:
    """How often each transition is taken."""
    first = tying.first_transition
    counts = np.zeros(first[-1])
    width = max(tying.topology.silence_states, tying.topology.phone_states)
    nth = np.zeros((2, width, width + 1), np.int64)
    for kind, phone in enumerate((SILENCE, 1)):
        taken: dict[int, int] = {}
        for k, to in tying.topology.arcs(phone):
            n = taken[k] = taken.get(k, -1) + 1
            nth[kind, k, to] = n
    for a in alignments:
        which = np.repeat(np.arange(len(a.phones)), np.diff(a.starts))
        kind = (a.phones[which[:-1]] != SILENCE).astype(int)
        size = np.where(kind == 0, tying.topology.silence_states, tying.topology.phone_states)
        to = np.where(which[1:] != which[:-1], size, a.numbers[1:])
        np.add.at(counts, first[a.states[:-1]] + nth[kind, a.numbers[:-1], to], 1)
    return counts
