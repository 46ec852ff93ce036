"""Cost of an adapter at inference."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from adapters import moved_adapter
from monai.networks.nets import BasicUNet

from iac_components.adaptation import apply_adapter
from iac_components.adaptation.costs import measure_cost

SHAPE = (1, 1, 32, 32)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return BasicUNet(2, 1, 3, (4, 4, 8, 8, 8, 4), norm=("instance", {"affine": True})).eval()


@pytest.mark.parametrize("kind", ["norms", "lora"])
def test_other_weights_cost_nothing(network, kind):
    adapted = apply_adapter(network, moved_adapter(network, kind, shape=SHAPE))
    cost = measure_cost(network, adapted, SHAPE)
    assert cost.ratio == 1
    assert cost.parameters[0] == cost.parameters[1]


def test_cells_cost_time(network):
    adapted = apply_adapter(network, moved_adapter(network, "cells", shape=SHAPE))
    cost = measure_cost(network, adapted, SHAPE)
    assert cost.milliseconds[0] != cost.milliseconds[1]
    assert cost.parameters[1] > cost.parameters[0]


def test_a_large_network_is_timed_a_few_times_only(network, monkeypatch):
    """A pass of a minute would otherwise be made eleven times."""
    clock = [0.0]

    class Slow(torch.nn.Module):
        def __init__(self, seconds, passes):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))
            self.seconds, self.passes = seconds, passes

        def forward(self, x):
            clock[0] += self.seconds
            self.passes.append(1)
            return x

    class Slower(Slow):
        pass

    time = SimpleNamespace(perf_counter=lambda: clock[0])
    monkeypatch.setattr("iac_components.adaptation.costs.time", time)
    passes = []
    cost = measure_cost(Slow(60, passes), Slower(90, passes), SHAPE)
    assert cost.ratio == 1.5
    assert len(passes) == 2 * 5
    passes.clear()
    assert measure_cost(Slow(0.01, passes), Slower(0.02, passes), SHAPE).ratio == pytest.approx(2)
    assert len(passes) == 2 * 11
