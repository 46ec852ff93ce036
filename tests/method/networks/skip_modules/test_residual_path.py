"""The path's length follows the level, its blocks the formula."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from iac_components.networks import SkipConnection, implant_skip_module, skip_modules
from iac_components.networks.skip_modules import ResidualPath


def make(level=3, dims=2):
    torch.manual_seed(0)
    return ResidualPath(SkipConnection("up", level, 4, gate_channels=5, spatial_dims=dims)).eval()


@pytest.mark.parametrize(("level", "length"), [(0, 4), (1, 3), (2, 2), (3, 1), (4, 1), (7, 1)])
def test_finer_levels_have_longer_paths(level, length):
    assert len(make(level).blocks) == length


def test_lengths_in_a_network(basic):
    network = implant_skip_module(basic.network(), "residual_path")
    assert [len(module.blocks) for module in skip_modules(network)] == [4, 3, 2, 1]


@pytest.mark.parametrize(("dims", "kernels"), [(2, 10), (3, 28)])
def test_parameters_of_a_block(dims, kernels):
    """3x3 and 1x1 of 4 to 4 channels without bias, and scale and shift of three norms."""
    assert sum(p.numel() for p in make(dims=dims).parameters()) == kernels * 16 + 3 * 8


@pytest.mark.parametrize("dims", [2, 3])
@torch.no_grad()
def test_block_is_norm_of_relu_of_the_sum(dims):
    path, x = make(dims=dims), torch.randn(2, 4, *[5] * dims)
    norms = [m for m in path.modules() if isinstance(m, (nn.BatchNorm2d, nn.BatchNorm3d))]
    for norm in norms:
        norm.running_mean.normal_()
        norm.weight.uniform_(0.5, 2)
    block = path.blocks[0]
    convolve = {2: nn.functional.conv2d, 3: nn.functional.conv3d}[dims]
    wide = norms[0](convolve(x, block.wide.conv.weight, padding=1))
    narrow = norms[1](convolve(x, block.narrow.conv.weight))
    torch.testing.assert_close(path(x, x), norms[2](torch.relu(wide + narrow)))


@torch.no_grad()
def test_blocks_follow_one_another_and_the_gate_is_not_looked_at():
    path, x = make(level=1), torch.randn(1, 4, 6, 6)
    expected = path.blocks[2](path.blocks[1](path.blocks[0](x)))
    assert torch.equal(path(x, torch.rand(1, 5, 3, 3)), expected)
