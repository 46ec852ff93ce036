"""TorchScript, as the model zoo makes it: scripted, not traced, and the same to the bit."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from monai.networks.nets import BasicUNet
from monai.networks.nets.resnet import ResNetBlock
from small_networks import backbone, image, opened

from iac_components.networks import implant_genotype, make_exportable
from iac_components.search_space import (
    DiscreteCell,
    Genotype,
    KeptEdge,
    NodeGenotype,
    SearchSpace,
    random_genotype,
)

SKIP_ALONE = (
    NodeGenotype(0, 0, (KeptEdge("skip", "max_pool_3x3"),)),
    NodeGenotype(0, 1, (KeptEdge("node_0", "dil_conv_3x3"), KeptEdge("skip", "avg_pool_3x3"))),
)


def scripted_alike(module, *inputs):
    """Script a module, and compare what both give."""
    module = module.eval()
    scripted = torch.jit.script(module)
    with torch.no_grad():
        assert torch.equal(scripted(*inputs), module(*inputs))


@pytest.mark.parametrize("divisor", [1, 4])
@pytest.mark.parametrize(("dims", "seed"), [(2, 0), (2, 1), (3, 2)])
def test_cells(dims, seed, divisor):
    genotype = random_genotype(SearchSpace(dims), seed)
    cell = DiscreteCell(8, 6, genotype=genotype, channel_divisor=divisor)
    torch.nn.init.normal_(cell.scale)
    size = [6] * dims
    scripted_alike(cell, torch.randn(2, 8, *size), torch.randn(2, 6, *[3] * dims))


def test_a_cell_that_reads_one_input():
    cell = DiscreteCell(8, 6, genotype=Genotype(SearchSpace(2, num_nodes=2), SKIP_ALONE))
    torch.nn.init.normal_(cell.scale)
    scripted_alike(cell, torch.randn(1, 8, 4, 4), torch.randn(1, 6, 2, 2))


@pytest.mark.parametrize("sites", [("skips",), ("skips", "bottleneck", "decoder")])
def test_an_implanted_network(sites):
    network = implant_genotype(backbone(), random_genotype(SearchSpace(2, sites=sites), 3))
    scripted_alike(opened(network), image())


def test_levels_without_a_cell():
    genotype = random_genotype(SearchSpace(2), 0)
    bare = Genotype(genotype.search_space, genotype.nodes, no_cell=(0,), off=(1,))
    network = implant_genotype(BasicUNet(2, 1, 2, [8] * 6), bare)
    scripted_alike(opened_cells(network), image())


@torch.no_grad()
def opened_cells(network):
    for module in network.modules():
        if isinstance(module, DiscreteCell):
            module.scale.normal_()
    return network


@pytest.mark.parametrize("dims", [2, 3])
def test_the_shortcut_of_a_resnet(dims):
    block = ResNetBlock(4, 8, spatial_dims=dims, stride=2)
    block.downsample = partial(print, planes=8, stride=2)
    shortcut = make_exportable(block).downsample
    x = torch.randn(1, 4, *[5] * dims)
    steps = (slice(None), slice(None), *[slice(None, None, 2)] * dims)
    assert torch.equal(shortcut(x)[:, :4], x[steps])
    assert not shortcut(x)[:, 4:].any()
    scripted_alike(shortcut, x)
