"""Log likelihoods of tied states to tokens with times: the search of a grammar's graph."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from speechrnn.decoding.confidence import Calibrations
from speechrnn.decoding.decoder import Reading
from speechrnn.decoding.greedy import Path
from speechrnn.decoding.helpers import Helpers
from speechrnn.decoding.options import DecodingOptions
from speechrnn.errors import DataError, Unsupported, UsageError, listed
from speechrnn.hmm.alignment import Segments, segments
from speechrnn.hmm.grammar import Grammar, Pronunciation, from_arpa
from speechrnn.hmm.graph import Graph, build
from speechrnn.hmm.model import Acoustic
from speechrnn.hmm.phones import SILENCE
from speechrnn.hmm.store import StoredHmm
from speechrnn.text.lexicon import read_lexicon
from speechrnn.text.normalize import normalize
from speechrnn.text.tokenizer import BLANK, SPACE, Tokenizer

ACOUSTIC_SCALE = 0.1
"""What log likelihoods of frames are multiplied with: they are no independent evidence. Weights and bonuses then mean what they
mean to a network's decoder."""
TRANSITION_WEIGHT = 5.0
"""What log probabilities of transitions are multiplied with beside log likelihoods of frames: how long a state lasts is told once,
not by every frame anew. Found by the errors on held-out speakers of AN4: docs/hmm.md."""
BEAM = 16.0
"""Nats of log likelihood for each of ``DecodingOptions.threshold``: by its default, paths within 400 of the best are kept. A
word of AN4 costs up to 100; with 200, some were lost that the exact search finds: docs/hmm.md."""
FREE_BEAM = 8.0
"""The same where words cost nothing: an hour in one piece is held against its text, and all that is kept is kept until its end."""
MOST_OF_WORDS, MOST_OF_LETTERS = 40, 20
"""Nodes of the graph that are kept for each hypothesis of the beam, 2000 and 1000 by default; what they lose that the exact search
finds: docs/hmm.md."""
_TIE = 1e-7
"""Nats by which the more frequent of two words of equal sound is better."""


class HmmDecoder:
    """Log likelihoods (T, S) of one utterance's frames in all tied states to a reading.

    Args:
        stored: the model.
        options: ``lm_weight`` and ``word_bonus`` weigh a grammar of words, ``letter_weight`` and ``letter_bonus`` one of tokens;
            ``threshold`` and ``beam`` bound the search.
        helpers: a language model and a lexicon, in place of the model's own.
        calibrations: of confidences.

    Raises:
        DataError: helpers that do not fit the model.
        Unsupported: helpers that only a network's decoder takes.
    """

    def __init__(
        self,
        stored: StoredHmm,
        options: DecodingOptions,
        helpers: Helpers | None = None,
        calibrations: Calibrations = Calibrations(),
    ) -> None:
        helpers = helpers or Helpers()
        refused = [name for name in ("letter_lm", "rescore", "hotwords") if getattr(helpers, name)]
        if refused:
            raise Unsupported(
                f"{stored.path}: a hidden Markov model takes no {refused[0]}", "give it an lm and a lexicon, or a network"
            )
        self._acoustic, self._tokenizer, self._calibrations = stored.acoustic, stored.tokenizer, calibrations
        self.writes_words = stored.tokenizer.unit != "letters"
        self.weights = ("lm_weight", "word_bonus") if self.writes_words else ("letter_weight", "letter_bonus")
        self._names, self._sayings = _vocabulary(stored, helpers)
        self._lm = helpers.lm or stored.lm
        ids = {name: i for i, name in enumerate(self._names)}
        grammar = from_arpa(self._lm, ids, self._sayings, self.writes_words)
        if not grammar.arcs:
            raise DataError(
                f"{self._lm}: holds none of the {len(ids)} words of the lexicon, for example {listed(self._names, 3)}",
                "give a language model over the same words, in the same script and case",
            )
        self._graph = build(grammar, stored.acoustic.tying)
        self._ties = self._tie_breaks(stored.tokenizer.counts)
        self._token_of = np.array([0, *(i for i, t in enumerate(stored.tokenizer.tokens) if t not in (BLANK, SPACE))])
        self._space = stored.tokenizer.tokens.index(SPACE) if SPACE in stored.tokenizer.tokens else -1
        self._set(options)

    def _tie_breaks(self, counts: Mapping[str, int]) -> np.ndarray:
        """A bonus for each arc that enters a word, by how often the training texts hold it."""
        graph = self._graph
        bonus = np.array([_TIE * np.log1p(counts.get(name, 0)) for name in self._names])
        tokens = graph.labels[graph.units[np.where(graph.begins, graph.targets, 0)], 2]
        return np.where(graph.begins, bonus[tokens], 0.0)

    def _set(self, options: DecodingOptions) -> None:
        weight, bonus = (getattr(options, name) for name in self.weights)
        self._options = options
        transitions = TRANSITION_WEIGHT * self._acoustic.transitions
        self._arcs = self._graph.arcs(transitions, weight / ACOUSTIC_SCALE, bonus / ACOUSTIC_SCALE, self._ties)
        self.description = (
            f"Viterbi search, {self._lm.name} weight {weight:g}, {len(self._names)} {'words' if self.writes_words else 'tokens'}, "
            f"bonus {bonus:g}, threshold {options.threshold:g}"
        )

    def reweighted(self, options: DecodingOptions) -> HmmDecoder:
        """The same with other options; the graph is shared."""
        other = copy.copy(self)
        other._set(options)
        return other

    def hear(self, log_likes: np.ndarray) -> Segments:
        """The best reading as phones, by log likelihoods (T, S) of all tied states."""
        path, _ = self._search(self._graph, self._arcs, log_likes, BEAM)
        return segments(self._graph, path)

    def free_score(self, log_likes: np.ndarray) -> float:
        """How well the best of all token sequences explains log likelihoods (T, S), whatever the language model says of it: log
        likelihood of the path, as an alignment's text is scored."""
        return self._search(self._loop, self._loop.arcs(self._acoustic.transitions), log_likes, FREE_BEAM)[1]

    def _search(self, graph: Graph, arcs: np.ndarray, log_likes: np.ndarray, beam: float) -> tuple[np.ndarray, float]:
        """The best path within the beam, and its score."""
        o = self._options
        most = o.beam * (MOST_OF_WORDS if self.writes_words else MOST_OF_LETTERS)
        path, score, _ = self._acoustic.scored_path(graph, log_likes, arcs, o.threshold * beam, most)
        return path, score

    @cached_property
    def _loop(self) -> Graph:
        """Any token after any other."""
        arcs = {0: [(token, 0, 0.0) for token in self._sayings]}
        return build(Grammar(0, arcs, {0: 0.0}, self._sayings, words=self.writes_words), self._acoustic.tying)

    def __call__(self, log_likes: np.ndarray) -> Reading:
        """Decode one utterance."""
        heard = self.hear(log_likes)
        return self._reading(heard, phone_confidences(self._acoustic, heard, log_likes))

    def _reading(self, heard: Segments, sure: np.ndarray) -> Reading:
        spoken = np.flatnonzero(heard.phones != SILENCE)
        ids: list[int] = []
        starts: list[int] = []
        ends: list[int] = []
        confidences: list[float] = []
        words: list[tuple[str, int, int]] = []
        for i in spoken.tolist():
            if self.writes_words and heard.indices[i] == 0:
                if words and self._space >= 0:
                    ids.append(self._space)
                    starts.append(ends[-1])
                    ends.append(int(heard.starts[i]))
                    confidences.append(1.0)
                words.append((self._names[heard.tokens[i]], len(ids), len(ids)))
            ids.append(int(self._token_of[heard.phones[i]]))
            starts.append(int(heard.starts[i]))
            ends.append(int(heard.starts[i + 1]))
            confidences.append(float(sure[i]))
            if words:
                words[-1] = (*words[-1][:2], len(ids))
        path = Path(np.array(ids, np.int64), np.array(starts, np.int64), np.array(ends, np.int64), np.array(confidences))
        path, certain = self._calibrations.apply(path, words)
        text = " ".join(word for word, _, _ in words) if self.writes_words else self._tokenizer.decode(ids)
        return Reading(path, tuple(words), text, confidences=certain)


def phone_posteriors(acoustic: Acoustic, log_likes: np.ndarray) -> np.ndarray:
    """Posteriors (T, P) of phones, silence first, by log likelihoods (T, S) as they are scaled in the search: of each phone that of
    its best state, all phones equally likely beforehand."""
    phones = acoustic.tying.owners[:, 0]
    order = np.argsort(phones, kind="stable")
    first = np.searchsorted(phones[order], np.arange(len(acoustic.topology.names)))
    scaled = ACOUSTIC_SCALE * log_likes[:, order]
    odds = np.exp(scaled - scaled.max(1, keepdims=True))
    likely = np.maximum.reduceat(odds, first, axis=1)
    shares: np.ndarray = likely / likely.sum(1, keepdims=True)
    return shares


def phone_confidences(acoustic: Acoustic, heard: Segments, log_likes: np.ndarray) -> np.ndarray:
    """How sure each phone is, (N,): the mean of its posterior over its frames."""
    posteriors = phone_posteriors(acoustic, log_likes)
    which = np.repeat(heard.phones, np.diff(heard.starts))
    own = posteriors[np.arange(len(which)), which]
    means: np.ndarray = np.add.reduceat(own, heard.starts[:-1]) / np.diff(heard.starts)
    return means.clip(0.0, 1.0)


def pronounced(tokenizer: Tokenizer, word: str, index: Mapping[str, int], known: Sequence[tuple[str, ...]]) -> list[Pronunciation]:
    """How a word is said: as the lexicon has it, else letter by letter; none where that cannot be.

    Args:
        index: phone to its number.
        known: pronunciations from a lexicon; none: the word is spelled.
    """
    if not known and tokenizer.unit == "chars" and tokenizer.can_encode(word):
        known = [tuple(tokenizer.tokens[i] for i in tokenizer.encode(word))]
    return [
        (tuple(index[phone] for phone in phones), 0.0) for phones in known if phones and all(phone in index for phone in phones)
    ]


def _vocabulary(stored: StoredHmm, helpers: Helpers) -> tuple[list[str], dict[int, list[Pronunciation]]]:
    """Words (or tokens) and their ways to be said, by number."""
    tokenizer, index = stored.tokenizer, stored.acoustic.topology.index
    if tokenizer.unit == "letters":
        if helpers.lexicon is not None:
            raise UsageError(f"{helpers.lexicon}: a model of letters reads without words", "leave the lexicon out")
        names = list(stored.acoustic.topology.names[1:])
        return names, {i: [((index[name],), 0.0)] for i, name in enumerate(names)}
    lexicon = read_lexicon(helpers.lexicon, stored.options.text.unicode) if helpers.lexicon else tokenizer.pronunciations
    said = {normalize(word, stored.options.text): pronounced(tokenizer, word, index, known) for word, known in lexicon.items()}
    strange = sorted(word for word, ways in said.items() if not ways)
    if len(strange) == len(said):
        raise DataError(
            f"{helpers.lexicon}: none of its words is in the model's phones: {listed(strange, 3)}", "give its own lexicon"
        )
    names = sorted(word for word, ways in said.items() if ways)
    return names, {i: said[name] for i, name in enumerate(names)}
