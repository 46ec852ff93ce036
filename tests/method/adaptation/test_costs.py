"""Cost of an adapter at inference."""

from __future__ import annotations

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
