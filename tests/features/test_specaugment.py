"""SpecAugment: what is masked, how much, and that nothing else moves."""

import numpy as np
import pytest
import torch

from speechrnn.data.randomness import generator
from speechrnn.errors import UsageError
from speechrnn.features.specaugment import SpecAugmentOptions, apply_masks, plan_masks


def test_masks_zero_exactly_their_intervals():
    frames = torch.ones(2, 10, 6)
    time = torch.tensor([[[2, 4], [7, 7]], [[0, 0], [9, 10]]])
    frequency = torch.tensor([[[5, 6]], [[0, 0]]])
    out = apply_masks(frames, time, frequency)
    expected = torch.ones(2, 10, 6)
    expected[0, 2:4] = 0
    expected[0, :, 5] = 0
    expected[1, 9:] = 0
    assert torch.equal(out, expected)


def test_widths_and_places_keep_their_bounds():
    options = SpecAugmentOptions(frequency_masks=3, frequency_width=12, time_masks=2, time_width=30, time_share=0.1)
    for utterance in range(300):
        n_frames = 20 + utterance
        time, frequency = plan_masks(options, n_frames, 40, generator(0, "masks", utterance))
        width = time[:, 1] - time[:, 0]
        assert (width >= 0).all()
        assert (width <= min(30, 0.1 * n_frames)).all()
        assert (time >= 0).all()
        assert (time <= n_frames).all()
        assert frequency.shape == (3, 2)
        assert ((frequency[:, 1] - frequency[:, 0]) <= 10).all()
        assert (frequency[:, 1] <= 40).all()


@pytest.mark.parametrize(("n_features", "widest"), [(80, 20), (40, 10), (20, 5), (13, 3), (3, 0)])
def test_few_features_keep_most_of_themselves(n_features, widest):
    widths = [np.diff(plan_masks(SpecAugmentOptions(), 300, n_features, generator(0, i))[1]).max() for i in range(500)]
    assert max(widths) == widest


def test_every_place_can_be_masked():
    hit = np.zeros(40)
    for utterance in range(500):
        _, frequency = plan_masks(SpecAugmentOptions(), 200, 40, generator(0, utterance))
        for start, end in frequency:
            hit[start:end] += 1
    assert (hit > 0).all()


def test_longer_utterances_get_more_time_masks_and_zero_switches_off():
    assert len(plan_masks(SpecAugmentOptions(time_masks=2), 1200, 80, generator(0))[0]) == 8
    assert len(plan_masks(SpecAugmentOptions(time_masks=0), 1200, 80, generator(0))[0]) == 0
    for name in ("time_share", "frequency_share"):
        with pytest.raises(UsageError, match=name):
            SpecAugmentOptions(**{name: 1.5})


def test_masks_depend_on_seed_epoch_and_utterance_alone():
    one = plan_masks(SpecAugmentOptions(), 300, 80, generator(1, "masks", 2, "utt"))
    again = plan_masks(SpecAugmentOptions(), 300, 80, generator(1, "masks", 2, "utt"))
    other = plan_masks(SpecAugmentOptions(), 300, 80, generator(1, "masks", 3, "utt"))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
