"""What a model takes from its data: the sampling rate, the unit of its tokens, the tokens, the frame rate."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from speechrnn.data.inventory import common_rate, suggested_unit
from speechrnn.data.utterance import Utterance
from speechrnn.errors import DataError
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.ctc import frames_needed
from speechrnn.models.encoder import EncoderOptions
from speechrnn.text.lexicon import read_lexicon
from speechrnn.text.normalize import normalize
from speechrnn.text.tokenizer import Tokenizer, learn_tokens, read_tokens
from speechrnn.training.options import Experiment

logger = logging.getLogger("speechrnn")


def resolve(experiment: Experiment, train: list[Utterance]) -> tuple[Experiment, ModelOptions]:
    """Settle what the experiment leaves to the data, and say what was settled.

    The sampling rate is the data's (``sampling_rate: null``); the unit is what ``corpus.json`` suggests
    (``head.unit: auto``); the frame rate is 50/s, or 100/s where more than 1 % of the transcripts are too dense for that
    (``model.factor: 0``).
    """
    assert experiment.data.dir
    rate = experiment.sampling_rate or common_rate(train)
    head = experiment.head
    if head.unit == "auto":
        head = dataclasses.replace(head, unit=suggested_unit(experiment.data.dir))
        logger.info("head.unit=%s, as the data suggest", head.unit)
    network = experiment.model
    options = ModelOptions(
        rate, experiment.features, dataclasses.replace(network, factor=network.factor or 2), head, experiment.text
    )
    if not network.factor:
        tokenizer = make_tokenizer(options, experiment.data.dir, train)
        options = dataclasses.replace(options, model=fitting_factor(options, tokenizer, train, max(experiment.data.speeds)))
        logger.info("model.factor=%d, as the transcripts need", options.model.factor)
    return dataclasses.replace(experiment, sampling_rate=rate, head=head, model=options.model), options


def fitting_factor(options: ModelOptions, tokenizer: Tokenizer, train: list[Utterance], fastest: float) -> EncoderOptions:
    """The encoder at factor 2, or at 1 where more than 1 % of the utterances have too few frames for their tokens."""
    grid = AcousticModel(options, tokenizer.tokens).frontend.grid
    dense = 0
    for utterance in train:
        text = normalize(utterance.text, options.text)
        if tokenizer.can_encode(text):
            frames = (utterance.duration / fastest * options.sampling_rate - grid.size) / grid.hop
            dense += frames / 2 < frames_needed(tokenizer.encode(text))
    return dataclasses.replace(options.model, factor=1 if dense > 0.01 * len(train) else 2)


def make_tokenizer(options: ModelOptions, data_dir: Path, utterances: Iterable[Utterance]) -> Tokenizer:
    """The token inventory: as given, of the lexicon's phones, or learned from the training texts."""
    head, form = options.head, options.text.unicode
    if head.unit == "phones":
        path = head.lexicon or data_dir / "lexicon.txt"
        if not path.is_file():
            raise DataError(
                f"{path}: no such lexicon", "phones are trained through a lexicon: put lexicon.txt there or set head.lexicon"
            )
        lexicon = read_lexicon(path, form)
        phones = {phone for pronunciations in lexicon.values() for pronunciation in pronunciations for phone in pronunciation}
        tokens = read_tokens(head.tokens, form) if head.tokens else ("<blank>", *sorted(phones))
        counts = Counter(word for u in utterances for word in normalize(u.text, options.text).split())
        return Tokenizer(tokens, "phones", lexicon, counts)
    if head.tokens:
        tokenizer = Tokenizer(read_tokens(head.tokens, form), head.unit)
        _report_ambiguities(tokenizer, [normalize(u.text, options.text) for u in utterances])
        return tokenizer
    return Tokenizer(learn_tokens((normalize(u.text, options.text) for u in utterances), head.unit), head.unit)


def _report_ambiguities(tokenizer: Tokenizer, texts: list[str]) -> None:
    """Say where longest match hid another reading, such as ``n`` + ``g`` under ``ng``."""
    readable = [text for text in texts if tokenizer.can_encode(text)]
    for symbol, count in tokenizer.ambiguities(readable).most_common():
        examples = ", ".join([text for text in readable if symbol in text][:2])
        logger.warning("%s is read as one token %d times, though shorter tokens spell it too: %s", symbol, count, examples)
