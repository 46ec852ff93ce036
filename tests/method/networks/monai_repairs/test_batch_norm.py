"""The momentum of running statistics."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from iac_components.networks import set_batch_norm_momentum


def test_statistics_follow_at_the_given_rate():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Sequential(nn.BatchNorm2d(2, momentum=0.01)))
    assert set_batch_norm_momentum(network, momentum=0.25) is network
    x = torch.randn(4, 1, 8, 8)
    network(x)
    torch.testing.assert_close(network[1][0].running_mean, 0.25 * network[0](x).mean((0, 2, 3)))


@pytest.mark.parametrize("momentum", [0.0, -0.1, 1.5])
def test_momentum_out_of_range_is_refused(momentum):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        set_batch_norm_momentum(nn.BatchNorm2d(2), momentum=momentum)


def test_a_network_without_batch_norm_is_refused():
    with pytest.raises(ValueError, match="Conv2d has no BatchNorm"):
        set_batch_norm_momentum(nn.Conv2d(1, 2, 1), momentum=0.1)
