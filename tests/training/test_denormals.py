"""Numbers too small for full precision."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from speechrnn.models.denormals import flushed_to_zero, flushing

pytestmark = pytest.mark.skipif(not torch.set_flush_denormal(False), reason="a processor that cannot flush denormal numbers")


def decayed() -> float:
    """0.5 ** 140: a float32 that is not normal."""
    return float(torch.full((64,), 2.0**-70).mul(2.0**-70).max())


def test_they_are_zero_inside_and_back_after_it():
    assert decayed() > 0
    assert not flushing()
    with flushed_to_zero():
        assert decayed() == 0
        assert flushing()
        with flushed_to_zero():
            assert flushing()
        assert flushing()
    assert decayed() > 0
    assert not flushing()
    with pytest.raises(KeyError), flushed_to_zero():
        raise KeyError
    assert not flushing()


def test_in_threads_that_begin_inside():
    found: list[float] = []
    with flushed_to_zero():
        thread = threading.Thread(target=lambda: found.append(decayed()))
        thread.start()
        thread.join()
    assert found == [0.0]


def test_networks_are_trained_and_used_so(settings, monkeypatch):
    from speechrnn import load
    from speechrnn.inference import network
    from speechrnn.training import run as training_run

    seen: list[bool] = []

    def spied(function):
        return lambda *args, **kwargs: (seen.append(flushing()), function(*args, **kwargs))[1]

    monkeypatch.setattr(training_run, "make_trainer", spied(training_run.make_trainer))
    run = training_run.train(settings(trainer__max_epochs=1))
    monkeypatch.setattr(network, "_rows", spied(network._rows))
    load(run.path).transcribe(np.zeros(16000, np.float32), sample_rate=16000)
    assert seen == [True, True]
    assert not flushing()
