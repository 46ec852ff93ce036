"""Only 1/K of the channels pass the operation, and the shuffle mixes them with the rest."""

from __future__ import annotations

import pytest
import torch

from iac_components.search_space.cells.partial_channels import (
    check_divisible,
    mix_partial_channels,
)


@pytest.mark.parametrize("divisor", [1, 2, 4, 8])
def test_first_channels_alone_are_operated_on(divisor):
    x = torch.arange(1.0, 9.0).reshape(1, 8, 1, 1).expand(2, 8, 3, 3)
    out = mix_partial_channels(-x[:, : 8 // divisor], x, divisor)
    assert out.shape == x.shape
    assert sorted(out[0, :, 0, 0].abs().tolist()) == list(range(1, 9))  # none lost, none twice
    negative = -out[0, :, 0, 0][out[0, :, 0, 0] < 0]
    assert sorted(negative.tolist()) == list(range(1, 8 // divisor + 1))


def test_shuffle_brings_other_channels_to_the_front():
    x = torch.arange(8.0).reshape(1, 8, 1, 1, 1)
    out = mix_partial_channels(x[:, :2], x, 4)
    assert out.flatten().tolist() == [0, 2, 4, 6, 1, 3, 5, 7]


@pytest.mark.parametrize(("channels", "divisor"), [(6, 4), (1, 2), (10, 3)])
def test_indivisible(channels, divisor):
    with pytest.raises(ValueError, match=rf"{channels} channels .* K={divisor}: choose a K"):
        check_divisible(channels, divisor)
