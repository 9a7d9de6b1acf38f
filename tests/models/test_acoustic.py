"""The whole network: batch invariance, streaming, lengths, and the contract every head fulfils."""

import pytest
import torch

from speechrnn.errors import Unsupported, UsageError
from speechrnn.features.frontend import FeatureOptions, stream_frames
from speechrnn.features.logmel import LogmelOptions
from speechrnn.features.mfcc import MfccOptions
from speechrnn.features.normalization import NormalizationOptions
from speechrnn.models.acoustic import AcousticModel, ModelOptions
from speechrnn.models.encoder import Encoder, EncoderOptions
from speechrnn.models.subsampling import Subsampling

VOCABULARY = ("<blank>", "<space>", "a", "b", "c")
SAMPLES = torch.tensor([16000, 9000, 4321, 600])


def network(**changes) -> AcousticModel:
    torch.manual_seed(0)
    features = FeatureOptions(**{key: changes.pop(key) for key in ("frontend", "normalization") if key in changes})
    return AcousticModel(ModelOptions(features=features, model=EncoderOptions(layers=2, hidden=12, **changes)), VOCABULARY).eval()


def sounds() -> torch.Tensor:
    samples = 0.1 * torch.randn(4, 16000, generator=torch.Generator().manual_seed(2))
    for row, length in enumerate(SAMPLES.tolist()):
        samples[row, length:] = 0.7
    return samples


VARIANTS = [
    {},
    {"cell": "gru", "bidirectional": False},
    {"subsampling": "conv", "factor": 3, "conv_size": 16},
    {"subsampling": "conv", "factor": 4, "conv_size": 16, "bidirectional": False, "layer_norm": True},
    {"subsampling": "conv2d", "factor": 2, "conv_size": 4},
    {"layer_norm": True, "factor": 1},
    {"frontend": MfccOptions(), "normalization": NormalizationOptions("utterance")},
    {"frontend": LogmelOptions(), "normalization": NormalizationOptions("speaker")},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_an_utterances_posteriors_are_the_same_in_any_batch(changes):
    model = network(**changes)
    together = model(sounds(), SAMPLES)
    for row, length in enumerate(SAMPLES.tolist()):
        alone = model(sounds()[row : row + 1, :length], SAMPLES[row : row + 1])
        assert together.lengths[row] == alone.lengths[0]
        torch.testing.assert_close(together.log_probs[row, : alone.lengths[0]], alone.log_probs[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_encoded_lengths_are_told_before_running(changes):
    model = network(**changes)
    assert model.encoded_lengths(SAMPLES).tolist() == model(sounds(), SAMPLES).lengths.tolist()
    assert model(sounds(), SAMPLES).log_probs.shape[1] == int(model.encoded_lengths(SAMPLES).max())


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize(
    ("subsampling", "factor"), [("stack", 1), ("stack", 3), ("conv", 2), ("conv", 3), ("conv2d", 1), ("conv2d", 3)]
)
def test_chunks_through_the_whole_path_equal_the_whole(cell, subsampling, factor):
    model = network(cell=cell, bidirectional=False, subsampling=subsampling, factor=factor, conv_size=16, layer_norm=True)
    samples = sounds()[:1]
    whole = model(samples, SAMPLES[:1]).log_probs
    parts, front, state = [], None, None
    cuts = [1, 700, 701, 1500, 9000, 9001, 15000]
    with torch.inference_mode():
        for number, chunk in enumerate(torch.tensor_split(samples, cuts, dim=1)):
            frames, front = stream_frames(model.frontend, chunk, front)
            normalized = model.normalizer(frames, torch.tensor([frames.shape[1]]))
            encoded, state = model.encoder.stream(normalized, state, last=number == len(cuts))
            parts.append(model.head.log_probs(encoded))
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize("kind", ["stack", "conv", "conv2d"])
def test_the_middle_of_what_a_frame_is_made_from_lies_half_the_context_before_it(kind, factor):
    subsampling = Subsampling(kind, factor, 8, 4)
    frames = torch.randn(1, 12 * factor, 8, requires_grad=True)
    encoded, _ = subsampling(frames, torch.tensor([12 * factor]))
    # Squares: a sum of normalized values would not move with any frame.
    encoded[0, 9].square().sum().backward()
    seen = frames.grad[0].abs().sum(1).nonzero().flatten()
    own = (9 * factor + 10 * factor - 1) / 2
    assert (seen[0] + seen[-1]).item() / 2 == own - subsampling.context / 2


def test_a_bidirectional_encoder_does_not_stream():
    with pytest.raises(Unsupported, match="whole utterance"):
        Encoder(EncoderOptions(layers=1, hidden=4), 8).stream(torch.zeros(1, 4, 8))


def test_stacking_keeps_every_frame_in_order():
    frames = torch.arange(14.0).reshape(1, 7, 2)
    stacked, lengths = Subsampling("stack", 3, 2, 0)(frames, torch.tensor([7]))
    assert lengths.tolist() == [3]
    assert stacked.flatten()[:14].tolist() == list(range(14))
    assert not stacked.flatten()[14:].any()


@pytest.mark.parametrize("changes", [{"cell": "lstn"}, {"layers": 0}, {"dropout": 1.0}, {"factor": -1}, {"subsampling": "pool"}])
def test_impossible_encoders_are_refused(changes):
    with pytest.raises(UsageError):
        EncoderOptions(**changes)
