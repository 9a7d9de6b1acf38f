"""A recording and its text to times: what the network hears, where the recording is quiet, and where its sounds turn.

A CTC network that has heard the same sentences often names their words from memory, sometimes in the silence before they are
spoken. So no sound is looked for where the recording is quiet; what is left is aligned, and each sound then gets the stretch
of even signal around it (:mod:`speechrnn.decoding.durations`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from speechrnn.decoding.durations import PAUSE_S, durations
from speechrnn.decoding.forced import lay
from speechrnn.decoding.greedy import to_words
from speechrnn.errors import DataError
from speechrnn.inference.network import Network
from speechrnn.inference.pauses import hop_seconds, levels, quiet_runs
from speechrnn.inference.sound import Sound
from speechrnn.records import Alignment, Token
from speechrnn.text.tokenizer import BLANK, SPACE, Tokenizer

UNHEARD = 40.0
"""What is taken off the log posterior of a sound where nobody speaks: it is put there only where there is no other room."""


def align_sound(
    network: Network, sound: Sound, log_probs: np.ndarray, text: str, tokenizer: Tokenizer, *, states: bool = False
) -> Alignment:
    """Lay a normalized text over a recording.

    Args:
        network: that gave the posteriors.
        sound: the recording, which is read anew.
        log_probs: log posteriors, shape (T, K).
        text: what is said, normalized.
        tokenizer: of the network.
        states: times where the network names each token, the blanks between them included, in place of durations.

    Raises:
        DataError: the text is empty, holds what the model cannot write, or is too long for the recording.
    """
    quiet = quiet_frames(levels(sound.blocks(), sound.model_rate), hop_seconds(sound.model_rate), network, len(log_probs))
    try:
        laid = lay(log_probs, text, tokenizer, None if states else _hushed(log_probs, quiet, network, tokenizer))
    except DataError as error:
        raise DataError(f"{sound.clip.id or 'samples'}: {error.message}", error.remedy) from None
    path = laid.path
    if states:
        bounds = np.stack([path.starts, path.ends], 1) * network.factor
    else:
        frames = np.concatenate(list(network.front_frames(sound.blocks())))
        bounds = durations(path, laid.words, frames, quiet, network.factor, network.hop_s, network.delay)
    # The last frames reach beyond the end by what their window lacks.
    last = np.floor(1000 * sound.num_samples / sound.model_rate) / 1000
    seconds = np.minimum(np.round(network.offset + bounds * network.hop_s, 3), last)
    tokens = [
        Token(tokenizer.tokens[i], float(start), float(end), round(float(sure), 4))
        for i, (start, end), sure in zip(path.ids, seconds, path.confidences, strict=True)
    ]
    words = to_words(tuple(tokens), laid.words)
    shown = _with_blanks(tokens, float(last)) if states else tuple(token for token in tokens if token.text != SPACE)
    return Alignment(sound.clip.id, words, shown, round(laid.score, 3))


def quiet_frames(level: np.ndarray, level_s: float, network: Network, n_frames: int) -> np.ndarray:
    """Which front-end frames lie in a pause, by levels (N,) of the recording, one each ``level_s``; bool.

    There are ``network.factor`` of them for each of ``n_frames`` encoder frames; those beyond the last level are as it is.
    """
    count = n_frames * network.factor
    if not len(level):
        return np.zeros(count, bool)
    hushed = np.zeros(len(level), bool)
    for start, end in quiet_runs(level, PAUSE_S, near=True):
        hushed[start:end] = True
    # The middle of a frame's window.
    middles = network.offset + (np.arange(count) + 0.5) * network.hop_s
    found: np.ndarray = hushed[np.minimum((middles / level_s).astype(np.int64), len(hushed) - 1)]
    return found


def _hushed(log_probs: np.ndarray, quiet: np.ndarray, network: Network, tokenizer: Tokenizer) -> np.ndarray:
    """Log posteriors with hardly any sound in frames that are quiet for the most part."""
    seen = np.maximum(np.arange(len(log_probs) * network.factor) - math.floor(network.delay), 0)
    silent = quiet[seen].reshape(-1, network.factor).mean(1) > 0.5
    sounds = np.array([token not in (BLANK, SPACE) for token in tokenizer.tokens])
    hushed: np.ndarray = log_probs - np.float32(UNHEARD) * (silent[:, None] & sounds[None])
    return hushed


def _with_blanks(tokens: Sequence[Token], end: float) -> tuple[Token, ...]:
    """Tokens with the blanks that lie between them, up to the end (s) of the recording."""
    found, position = [], 0.0
    for token in [*tokens, Token("", end, end, 1.0)]:
        if token.start > position:
            found.append(Token(BLANK, position, token.start, 1.0))
        found.append(token)
        position = token.end
    return tuple(found[:-1])
