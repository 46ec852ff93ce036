"""The gate is MONAI's, on the coarser feature brought to the skip's size."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets.attentionunet import AttentionBlock
from torch.nn.functional import interpolate

from iac_components.networks import SkipConnection
from iac_components.networks.skip_modules import AttentionGate

SIZES = {2: ((9, 12), (5, 6)), 3: ((6, 8, 5), (6, 4, 3))}


def make(dims=2, channels=6):
    torch.manual_seed(0)
    connection = SkipConnection("up", 0, channels, gate_channels=5, spatial_dims=dims)
    return AttentionGate(connection).eval()


@pytest.mark.parametrize("dims", [2, 3])
@torch.no_grad()
def test_it_equals_monai_s_block_on_an_upsampled_gate(dims):
    gate_module, (fine, coarse) = make(dims), SIZES[dims]
    block = AttentionBlock(dims, f_int=3, f_g=5, f_l=6).eval()
    block.load_state_dict(gate_module.attention.state_dict())
    skip, gate = torch.rand(2, 6, *fine), torch.rand(2, 5, *coarse)
    mode = {2: "bilinear", 3: "trilinear"}[dims]
    expected = block(g=interpolate(gate, size=fine, mode=mode, align_corners=False), x=skip)
    assert torch.equal(gate_module(skip, gate), expected)


@torch.no_grad()
def test_each_position_gets_one_weight_between_0_and_1():
    skip, gate = torch.rand(1, 6, 8, 8) + 1, torch.rand(1, 5, 4, 4)
    weight = make()(skip, gate) / skip
    torch.testing.assert_close(weight, weight[:, :1].expand_as(weight))
    assert 0 < weight.min() < weight.max() < 1


@torch.no_grad()
def test_the_gate_matters():
    module, skip = make(), torch.rand(1, 6, 8, 8)
    one, other = (module(skip, torch.rand(1, 5, 4, 4)) for _ in range(2))
    assert not torch.equal(one, other)


@torch.no_grad()
def test_one_channel_is_enough():
    assert make(channels=1)(torch.rand(1, 1, 8, 8), torch.rand(1, 5, 4, 4)).shape == (1, 1, 8, 8)


@torch.no_grad()
def test_inputs_stay_as_they_are():
    skip, gate = torch.rand(1, 6, 8, 8), torch.rand(1, 5, 4, 4)
    copies = skip.clone(), gate.clone()
    make()(skip, gate)
    assert torch.equal(skip, copies[0])
    assert torch.equal(gate, copies[1])
