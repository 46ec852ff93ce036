"""The mixed operation holds the living candidates, and edges that share an input share work."""

from __future__ import annotations

import pytest
import torch

from iac_components.search_space import DEFAULT_OPERATIONS, MixedOperation, build_operation
from iac_components.search_space.cells.mixed_operation import apply_weighted

NAMES = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")


def make(divisor=1, channels=8):
    torch.manual_seed(0)
    return MixedOperation(channels, spatial_dims=2, operations=NAMES, channel_divisor=divisor)


class Doubling(torch.nn.Module):
    """A user's operation, with a parameter and of no kind known here."""

    def __init__(self, channels):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.randn(channels, 1, 1))

    def forward(self, x):
        return 2 * self.scale * x


def operations(name, count=3):
    if name == "doubling":
        return [Doubling(8) for _ in range(count)]
    return [build_operation(name, 8, spatial_dims=2) for _ in range(count)]


@pytest.mark.parametrize("name", [*DEFAULT_OPERATIONS[1:], "doubling"])
def test_shared_input_gives_each_its_own_weighted_output(name):
    torch.manual_seed(0)
    modules, x, weights = operations(name), torch.randn(2, 8, 5, 5), torch.tensor([0.4, 0.1, 0.5])
    outputs = apply_weighted(modules, x, weights.unbind())
    for output, module, weight in zip(outputs, modules, weights, strict=True):
        assert torch.allclose(output, weight * module(x), atol=1e-5)


def test_operations_without_parameters_run_once():
    calls = []
    modules = operations("max_pool_3x3")
    for module in modules:
        module.register_forward_hook(lambda *_: calls.append(1))
    apply_weighted(modules, torch.randn(1, 8, 5, 5), torch.ones(3).unbind())
    assert len(calls) == 1


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
