"""A GMM-HMM to a model directory and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from speechrnn.config import build, read_yaml, to_yaml
from speechrnn.errors import DataError, UsageError
from speechrnn.features.mfcc import MfccOptions
from speechrnn.hmm.gmm import Gmm
from speechrnn.hmm.model import Acoustic, View
from speechrnn.hmm.phones import SILENCE_NAME, Topology
from speechrnn.hmm.tree import Tying
from speechrnn.modeldir import read_model, write_model
from speechrnn.text.counts import COUNTS, counts_text, read_counts
from speechrnn.text.lexicon import lines, read_lexicon
from speechrnn.text.normalize import TextOptions
from speechrnn.text.tokenizer import BLANK, SPACE, Tokenizer, read_tokens

LM = "lm.arpa.gz"
"""The language model it decodes with where none is given."""


@dataclass(frozen=True)
class HmmModelOptions:
    """``config.yaml`` of a model directory of kind hmm."""

    sampling_rate: int
    """Hz."""
    unit: str
    """phones, chars or letters, as :class:`speechrnn.text.tokenizer.Tokenizer` knows them."""
    rung: str
    """The last rung it was trained on."""
    phone_states: int
    silence_states: int
    context: int
    """Frames spliced on either side; 0: deltas."""
    frontend: MfccOptions = field(default_factory=MfccOptions)
    text: TextOptions = field(default_factory=TextOptions)


@dataclass(frozen=True, eq=False)
class StoredHmm:
    """What a model directory of kind hmm holds."""

    path: Path
    id: str
    info: dict[str, Any]
    options: HmmModelOptions
    tokenizer: Tokenizer
    acoustic: Acoustic
    lm: Path


def write_hmm(
    path: Path, options: HmmModelOptions, tokenizer: Tokenizer, acoustic: Acoustic, lm: bytes, info: Mapping[str, Any]
) -> None:
    """Write a model directory of kind hmm; ``lm`` is the content of an ARPA file, compressed by gzip."""
    tying, view = acoustic.tying, acoustic.view
    arrays: dict[str, np.ndarray] = {
        "tree.kinds": tying.kinds,
        "tree.members": tying.members.astype(np.uint8),
        "tree.yes": tying.yes,
        "tree.no": tying.no,
        "tree.roots": tying.roots,
        "transitions": acoustic.transitions.astype(np.float32),
        **_gmm_arrays("gmm", acoustic.gmm),
        **(_gmm_arrays("unadapted", acoustic.unadapted) if acoustic.unadapted is not None else {}),
        **({"view.matrix": view.matrix.astype(np.float32)} if view.matrix is not None else {}),
    }
    texts: dict[str, str | bytes] = {
        "config.yaml": to_yaml(options),
        "tokens.txt": "".join(f"{token}\n" for token in tokenizer.tokens),
        "text.yaml": to_yaml(options.text),
        "README.md": _card(options, tokenizer, acoustic, info),
        "lexicon.txt": "".join(lines(tokenizer.pronunciations)),
        COUNTS: counts_text(tokenizer.counts),
        LM: lm,
    }
    write_model(
        path, "hmm", {name: np.ascontiguousarray(a) for name, a in arrays.items()}, texts, {"tokens": len(tokenizer), **info}
    )


def _gmm_arrays(prefix: str, gmm: Gmm) -> dict[str, np.ndarray]:
    return {
        f"{prefix}.first": gmm.first.astype(np.int64),
        f"{prefix}.weights": gmm.weights.astype(np.float32),
        f"{prefix}.means": gmm.means.astype(np.float32),
        f"{prefix}.variances": gmm.variances.astype(np.float32),
    }


def _card(options: HmmModelOptions, tokenizer: Tokenizer, acoustic: Acoustic, info: Mapping[str, Any]) -> str:
    data = info.get("data", {})
    measures = "\n".join(f"- {name}: {value}" for name, value in info.get("measures", {}).items())
    return (
        f"# {info.get('name', 'model')}\n\n"
        f"A hidden Markov model with {acoustic.gmm.num_states} tied states and {len(acoustic.gmm.means)} Gaussians (rung "
        f"{options.rung}) over {len(tokenizer)} tokens ({tokenizer.unit}), for recordings at {options.sampling_rate} Hz.\n\n"
        f"Trained on: {data.get('title', 'own data')}. Licence of the data: {data.get('licence', 'not stated')}.\n\n"
        f"Measured while training:\n\n{measures or '- nothing'}\n\n"
        "Use: `speechrnn transcribe FILE -m THIS_FOLDER`\n"
    )


def model_tokens(tokenizer: Tokenizer) -> tuple[str, ...]:
    """The phones of a topology: silence, then the tokens that sound."""
    return (SILENCE_NAME, *(token for token in tokenizer.tokens if token not in (BLANK, SPACE)))


def read_hmm(path: Path) -> StoredHmm:
    """Read a model directory of kind hmm.

    Raises:
        DataError: missing, damaged, hostile, of another kind or a newer release.
    """
    files = read_model(path)
    try:
        options = build(HmmModelOptions, read_yaml(files.file("config.yaml")), str(path / "config.yaml"))
    except UsageError as error:
        raise DataError(error.message, "fetch or train the model again") from None
    form = options.text.unicode
    lexicon = read_lexicon(files.file("lexicon.txt"), form) if options.unit != "letters" else {}
    tokenizer = Tokenizer(read_tokens(files.file("tokens.txt"), form), options.unit, lexicon, read_counts(files.file(COUNTS)))
    try:
        acoustic = _acoustic(files.weights, options, tokenizer)
    except (KeyError, ValueError, IndexError) as error:
        raise DataError(f"{path}: arrays and configuration disagree: {error}", "fetch or train the model again") from None
    return StoredHmm(path, files.id, files.info, options, tokenizer, acoustic, files.file(LM))


def _acoustic(arrays: Mapping[str, np.ndarray], options: HmmModelOptions, tokenizer: Tokenizer) -> Acoustic:
    topology = Topology(model_tokens(tokenizer), options.phone_states, options.silence_states)
    members = arrays["tree.members"].astype(np.bool_)
    tying = Tying(topology, arrays["tree.kinds"], members, arrays["tree.yes"], arrays["tree.no"], arrays["tree.roots"])
    tying.check()
    gmm = _gmm("gmm", arrays)
    if gmm.num_states != tying.num_states or len(arrays["transitions"]) != tying.first_transition[-1]:
        raise ValueError(f"{gmm.num_states} mixtures, {tying.num_states} tied states")
    matrix = arrays.get("view.matrix")
    width = (2 * options.context + 1) * options.frontend.cepstra
    if matrix is not None and matrix.shape != (gmm.means.shape[1], width):
        raise ValueError(f"a projection of shape {matrix.shape}")
    if matrix is None and gmm.means.shape[1] != 3 * options.frontend.cepstra:
        raise ValueError(f"Gaussians over {gmm.means.shape[1]} dimensions")
    unadapted = _gmm("unadapted", arrays) if "unadapted.means" in arrays else None
    view = View(options.context, None if matrix is None else matrix.astype(np.float64))
    return Acoustic(tying, gmm, arrays["transitions"].astype(np.float64), view, unadapted)


def _gmm(prefix: str, arrays: Mapping[str, np.ndarray]) -> Gmm:
    first, weights, means, variances = (arrays[f"{prefix}.{name}"] for name in ("first", "weights", "means", "variances"))
    if means.shape != variances.shape or len(means) != len(weights) or first[0] != 0 or first[-1] != len(weights):
        raise ValueError(f"{prefix}: shapes disagree")
    if not (np.diff(first) > 0).all() or not (variances > 0).all() or not (weights > 0).all():
        raise ValueError(f"{prefix}: impossible values")
    return Gmm(first, weights.astype(np.float64), means.astype(np.float64), variances.astype(np.float64))
