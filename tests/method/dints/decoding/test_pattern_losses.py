"""The losses of the patterns are MONAI's edge weights to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.networks.nets.dints import TopologySearch

from iac_components.dints.decoding.pattern_losses import pattern_losses
from iac_components.dints.decoding.patterns import activation_patterns


@pytest.mark.parametrize("scale", [0.01, 1.0, 5.0])
@pytest.mark.parametrize("num_depths", [2, 3, 4])
@torch.no_grad()
def test_equal_to_monai_s_to_the_bit(num_depths, scale, capsys):
    topology = TopologySearch(
        channel_mul=0.0625, num_blocks=12, num_depths=num_depths, spatial_dims=2
    )
    torch.manual_seed(0)
    topology.log_alpha_a.normal_(0, scale)
    probabilities = topology.get_prob_a(child=True)[0].numpy()
    theirs = -np.log(probabilities + 1e-5) + 0.001
    ours = pattern_losses(
        torch.sigmoid(topology.log_alpha_a).numpy(), activation_patterns(num_depths)
    )
    assert ours.dtype == np.float64
    assert np.array_equal(ours, theirs)
    capsys.readouterr()


def test_probabilities_sum_to_one_without_the_empty_pattern():
    probabilities = np.array([[0.2, 0.9, 0.4, 0.6], [1, 0, 0, 1]], np.float32)
    losses = pattern_losses(probabilities, activation_patterns(2))
    assert (np.exp(0.001 - losses) - 1e-5).sum(-1) == pytest.approx(1, abs=1e-4)
    assert activation_patterns(2).patterns[losses[1].argmin()].tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("probability", [0.0, 1e-9])
def test_block_without_a_path(probability):
    probabilities = np.full((3, 4), 0.5, np.float32)
    probabilities[1] = probability
    with pytest.raises(ValueError, match=r"path_probabilities\[1\] are all zero, or next to it"):
        pattern_losses(probabilities, activation_patterns(2))
