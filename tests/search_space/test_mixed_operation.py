"""The mixed operation is the weighted sum of its living candidates."""

from __future__ import annotations

import pytest
import torch

from iac_components.search_space import MixedOperation

NAMES = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")


def make(divisor=1, channels=8):
    torch.manual_seed(0)
    return MixedOperation(channels, spatial_dims=2, operations=NAMES, channel_divisor=divisor)


def test_weighted_sum():
    mixed, x = make(), torch.randn(2, 8, 5, 5)
    weights = torch.tensor([0.4, 0.1, 0.2, 0.3])
    expected = sum(w * mixed.operations[n](x) for w, n in zip(weights, NAMES, strict=True))
    assert torch.allclose(mixed(x, weights), expected)


def test_one_hot_is_the_operation_itself():
    mixed, x = make(), torch.randn(2, 8, 5, 5)
    for index, name in enumerate(NAMES):
        out = mixed(x, torch.eye(4)[index])
        assert torch.allclose(out, mixed.operations[name](x)), name


@pytest.mark.parametrize("divisor", [1, 4])
def test_deleted_equals_weight_zero(divisor):
    mixed, x = make(divisor), torch.randn(2, 8, 5, 5)
    weights = torch.tensor([0.0, 0.6, 0.0, 0.4])
    masked = mixed(x, weights)
    mixed.keep(["skip_connect", "sep_conv_3x3"])
    assert list(mixed.operations) == ["skip_connect", "sep_conv_3x3"]
    assert torch.equal(mixed(x, weights), masked)


def test_parameters_fall_when_deleted():
    mixed = make()
    before = sum(p.numel() for p in mixed.parameters())
    mixed.keep(["skip_connect", "none"])
    assert before > sum(p.numel() for p in mixed.parameters()) == 0


@pytest.mark.parametrize("names", [[], ["none"], ["absent"]])
def test_last_operation_stays(names):
    mixed = make()
    with pytest.raises(ValueError, match="cannot lose its last operation"):
        mixed.keep(names)
    assert tuple(mixed.operations) == NAMES


def test_nothing_comes_back():
    mixed = make()
    mixed.keep(["skip_connect"])
    mixed.keep(["skip_connect", "sep_conv_3x3"])
    assert list(mixed.operations) == ["skip_connect"]


def test_indivisible_channels_and_unknown_operations_raise_at_construction():
    with pytest.raises(ValueError, match="6 channels cannot be divided by K=4"):
        make(4, channels=6)
    with pytest.raises(ValueError, match="'magic' is unknown"):
        MixedOperation(8, spatial_dims=2, operations=("magic",), channel_divisor=1)
