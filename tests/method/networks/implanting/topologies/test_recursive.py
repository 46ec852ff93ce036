"""Levels within levels: joins, keys, and a backward pass that computes them twice."""

from __future__ import annotations

import copy

import pytest
import torch
from monai.networks.layers.simplelayers import SkipConnection as EnclosingBlock
from monai.networks.nets import UNet
from monai.networks.nets.unet import CheckpointUNet
from torch import nn

from iac_components.networks import (
    CellSearchNetwork,
    ImplantedNetwork,
    SkipConnection,
    implant,
    implant_skip_module,
    load_weights,
    skip_modules,
)
from iac_components.networks.implanting.topologies import RecursiveFusion

CONNECTION = SkipConnection(name="1", level=0, skip_channels=3, gate_channels=3, spatial_dims=2)


class Halve(nn.Module):
    def forward(self, skip, gate):
        return skip / 2 + gate.mean()


@pytest.mark.parametrize("mode", ["cat", "add", "mul"])
@torch.no_grad()
def test_every_join_of_monai(mode):
    inner, x = nn.Conv2d(3, 3, 3, padding=1), torch.rand(2, 3, 4, 4)
    fusion = RecursiveFusion(EnclosingBlock(inner, mode=mode), Halve(), connection=CONNECTION)
    gate = inner(x)
    # MONAI's block itself, given what the fusion is to put in the place of its input.
    expected = EnclosingBlock(Constant(gate), mode=mode)(x / 2 + gate.mean())
    assert torch.equal(fusion(x), expected)


class Constant(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, x):
        return self.value


def test_keys_of_all_depths_load_in_either_form(active_skip, tmp_path):
    def build(seed):
        torch.manual_seed(seed)
        return UNet(2, 1, 2, (4, 6, 8, 10), (2, 2, 2), num_res_units=1).eval()

    plain = build(1)
    torch.save(plain.state_dict(), tmp_path / "plain.pt")
    one, other = (ImplantedNetwork(implant(build(seed), active_skip)) for seed in (2, 3))
    torch.save({"model": one.state_dict()}, tmp_path / "implanted.pt")
    load_weights(other, tmp_path / "implanted.pt")
    image = torch.rand(1, 1, 16, 16)
    assert torch.equal(one(image), other(image))
    load_weights(other, tmp_path / "plain.pt", allow_missing_cells=True)
    backbone = {
        key.replace(".block.", "."): tensor
        for key, tensor in other.backbone.state_dict().items()
        if ".skip_module." not in key
    }
    assert backbone.keys() == plain.state_dict().keys()
    assert all(torch.equal(backbone[key], v) for key, v in plain.state_dict().items())


@pytest.mark.parametrize("name", ["attention", "nested", "residual_path"])
def test_recomputed_levels_give_the_same_gradients(name):
    """CheckpointUNet runs its skip modules again in the backward pass."""
    gradients = []
    for kind in (UNet, CheckpointUNet):
        torch.manual_seed(0)
        network = kind(2, 1, 2, (4, 6, 8, 10), (2, 2, 2), norm="batch").train()
        torch.manual_seed(1)
        implant_skip_module(network, name)
        image = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(2))
        for _ in range(2):  # a pass that the one before could disturb
            network.zero_grad()
            network(image).square().mean().backward()
        modules = nn.ModuleList(skip_modules(network))
        gradients.append([parameter.grad for parameter in modules.parameters()])
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))


def test_search_refuses_levels_that_are_recomputed():
    network = CheckpointUNet(2, 1, 2, (4, 8, 8), (2, 2))
    keys = list(network.state_dict())
    with pytest.raises(ValueError, match=r"CheckpointUNet computes 'model.*UNet instead.*") as e:
        CellSearchNetwork(network)
    assert "\n" not in str(e.value)
    assert list(network.state_dict()) == keys
    # With one skip no cell is within: only the encoder and the decoder are recomputed.
    CellSearchNetwork(CheckpointUNet(2, 1, 2, (4, 8), (2,)), num_nodes=2)


def test_a_copy_is_apart(active_skip):
    network = implant(UNet(2, 1, 2, (4, 6, 8), (2, 2)).eval(), active_skip)
    twin, image = copy.deepcopy(network), torch.rand(1, 1, 16, 16)
    expected = network(image)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert torch.equal(network(image), expected)
    assert not twin(image).any()
