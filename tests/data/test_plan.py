"""The epoch's plan: every utterance once, limits kept, little padding, a pure function of its arguments."""

import numpy as np
import pytest

from speechrnn.data.augment import after_speed, change_speed, draw_speed
from speechrnn.data.plan import Limits, costliest, padding_share, plan_epoch
from speechrnn.data.randomness import generator, uniform

DURATIONS = np.random.default_rng(0).lognormal(1.0, 0.5, 500)
LIMITS = Limits(8, 40.0)


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_every_utterance_once_within_the_limits(epoch):
    batches = plan_epoch(DURATIONS, 3, epoch, LIMITS)
    assert sorted(np.concatenate(batches).tolist()) == list(range(500))
    for batch in batches:
        assert len(batch) <= 8
        assert len(batch) == 1 or len(batch) * DURATIONS[batch].max() <= 40.0


def test_the_same_arguments_give_the_same_plan_and_others_another():
    def flat(seed, epoch):
        return [batch.tolist() for batch in plan_epoch(DURATIONS, seed, epoch, LIMITS)]

    assert flat(1, 2) == flat(1, 2)
    assert flat(1, 2) != flat(1, 3)
    assert flat(1, 2) != flat(2, 2)


def test_batch_mates_change_between_epochs():
    def mates(epoch):
        return {tuple(sorted(batch.tolist())) for batch in plan_epoch(DURATIONS, 1, epoch, LIMITS)}

    assert len(mates(1) & mates(2)) < 0.05 * len(mates(1))


def test_no_plan_holds_a_batch_that_costs_more_than_the_costliest():
    def cost(batch):
        return len(batch) * DURATIONS[batch].max()

    for limits in (Limits(8, 1e9), Limits(16, 30.0), Limits(1, 5.0)):
        # Where seconds are the limit, they bound every batch of several.
        bound = max(cost(costliest(DURATIONS, limits)), limits.batch_s if limits.batch_s < 1e9 else 0)
        assert all(cost(batch) <= bound + 1e-9 for epoch in range(5) for batch in plan_epoch(DURATIONS, 1, epoch, limits))


def test_padding_stays_under_five_percent():
    many = np.random.default_rng(1).lognormal(1.0, 0.5, 5000)
    for size in (4, 8, 16, 32):
        assert padding_share(many, plan_epoch(many, 1, 1, Limits(size, 1e9))) <= 0.05
        assert padding_share(DURATIONS, plan_epoch(DURATIONS, 1, 1, Limits(size // 4, 1e9))) <= 0.05


def test_an_utterance_over_the_limit_is_alone_and_not_lost():
    durations = np.array([1.0, 100.0, 1.2])
    batches = plan_epoch(durations, 0, 1, LIMITS)
    assert [1] in [batch.tolist() for batch in batches]


def test_speed_moves_a_tone_and_shortens_the_recording():
    rate, hertz = 8000, 500.0
    tone = np.sin(2 * np.pi * hertz * np.arange(rate) / rate).astype(np.float32)
    for speed in (0.9, 1.1):
        changed = change_speed(tone, speed, rate)
        assert abs(len(changed) - after_speed(rate, speed, rate)) <= 1
        spectrum = np.abs(np.fft.rfft(changed * np.hanning(len(changed))))
        assert np.argmax(spectrum) * rate / len(changed) == pytest.approx(hertz * speed, abs=1.5)
    assert change_speed(tone, 1.0, rate) is tone


def test_all_speeds_are_drawn_and_depend_on_the_utterance_alone():
    drawn = [draw_speed((0.9, 1.0, 1.1), 1, epoch, "u") for epoch in range(300)]
    assert all(70 < drawn.count(speed) < 130 for speed in (0.9, 1.0, 1.1))
    assert drawn == [draw_speed((0.9, 1.0, 1.1), 1, epoch, "u") for epoch in range(300)]


def test_randomness_is_a_function_of_its_purpose():
    assert generator(1, "a", 2).random() == generator(1, "a", 2).random()
    assert generator(1, "a", 2).random() != generator(1, "a2", 2).random()
    assert 0 <= uniform(5, "x") < 1
    assert np.mean([uniform(5, "x", n) for n in range(2000)]) == pytest.approx(0.5, abs=0.03)


def test_lengths_after_speed_hold_where_the_rate_does_not_divide():
    for rate in (8000, 11025, 16000, 22050, 44100):
        samples = np.zeros(20 * rate, np.float32)
        for speed in (0.9, 1.1):
            assert abs(len(change_speed(samples, speed, rate)) - after_speed(len(samples), speed, rate)) <= 1
    assert after_speed(12345, 1.0, 16000) == 12345
