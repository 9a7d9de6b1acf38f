"""What a model takes from its data: the sampling rate, the unit of its tokens, where its labels are, the frame rate."""

from __future__ import annotations

import dataclasses
import logging

from speechrnn.data.inventory import common_rate, suggested_unit
from speechrnn.data.labels import label_source
from speechrnn.data.utterance import Utterance
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.classification import ClassOptions
from speechrnn.models.ctc import frames_needed
from speechrnn.models.encoder import EncoderOptions
from speechrnn.models.head import TokenOptions
from speechrnn.models.heads import spells_by_ctc
from speechrnn.text.normalize import normalize
from speechrnn.text.tokenizer import Tokenizer
from speechrnn.training.options import Experiment
from speechrnn.training.preflight import MOST_INFEASIBLE
from speechrnn.training.tokens import make_tokenizer

logger = logging.getLogger("speechrnn")


def resolve(experiment: Experiment, train: list[Utterance]) -> tuple[Experiment, ModelOptions]:
    """Settle what the experiment leaves to the data, and say what was settled.

    The sampling rate is the data's (``sampling_rate: null``); the unit is what ``corpus.json`` suggests
    (``head.unit: auto``), labels are the field of that name or the texts (``head.label: auto``); the frame rate is 50/s, or 100/s
    where CTC finds more than 1 % of the transcripts too dense for that (``model.factor: 0``).
    """
    assert experiment.data.dir
    rate = experiment.sampling_rate or common_rate(train)
    head = experiment.head
    if isinstance(head, TokenOptions) and head.unit == "auto":
        head = dataclasses.replace(head, unit=suggested_unit(experiment.data.dir))
        logger.info("head.unit=%s, as the data suggest", head.unit)
    if isinstance(head, ClassOptions) and head.label == "auto":
        head = dataclasses.replace(head, label=label_source(train))
        logger.info("head.label=%s, as the data suggest", head.label)
    network = experiment.model
    options = ModelOptions(
        rate, experiment.features, dataclasses.replace(network, factor=network.factor or 2), head, experiment.text
    )
    if not network.factor:
        if spells_by_ctc(head):
            tokenizer = make_tokenizer(options, experiment.data.dir, train)
            options = dataclasses.replace(options, model=fitting_factor(options, tokenizer, train, max(experiment.data.speeds)))
        logger.info("model.factor=%d, as the transcripts need", options.model.factor)
    return dataclasses.replace(experiment, sampling_rate=rate, head=head, model=options.model), options


def fitting_factor(options: ModelOptions, tokenizer: Tokenizer, train: list[Utterance], fastest: float) -> EncoderOptions:
    """The encoder at factor 2, or at 1 where for more than 1 % of the utterances that spells their tokens and 2 does not."""
    grid = AcousticModel(options, tokenizer.tokens).frontend.grid
    dense = 0
    for utterance in train:
        text = normalize(utterance.text, options.text)
        if tokenizer.can_encode(text):
            frames = (utterance.duration / fastest * options.sampling_rate - grid.size) / grid.hop
            # What factor 1 cannot spell either is a faulty transcript.
            dense += frames / 2 < frames_needed(tokenizer.encode(text)) <= frames
    return dataclasses.replace(options.model, factor=1 if dense > MOST_INFEASIBLE * len(train) else 2)
