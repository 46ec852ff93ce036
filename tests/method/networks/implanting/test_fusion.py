"""The wrapper of one decoder block, its keys and the registry."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from iac_components.networks import SkipConnection, SkipFusion, fusion_block_types
from iac_components.networks.implanting.fusion import implanted_key, register_fusion_block

CONNECTION = SkipConnection(name="up", level=0, skip_channels=2, gate_channels=3, spatial_dims=2)
words = st.from_regex(r"[a-z_0-9]{1,8}", fullmatch=True)
paths = st.lists(words, min_size=1, max_size=4).map(".".join)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1)

    def forward(self, coarse, skip):
        out = self.conv(coarse)
        return out if skip is None else out + skip


class Double(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.gates = []

    def forward(self, skip, gate):
        self.gates.append(gate)
        return self.weight * skip


def make_fusion():
    return SkipFusion(Block(), Double(), connection=CONNECTION)


def test_block_sees_the_skip_through_the_module():
    fusion, coarse, skip = make_fusion(), torch.rand(1, 3, 4, 4), torch.rand(1, 2, 4, 4)
    assert torch.equal(fusion(coarse, skip), fusion.block(coarse, 2 * skip))
    assert fusion.skip_module.gates[0] is coarse


@pytest.mark.parametrize("arguments", [(), (None,)])
def test_no_skip_passes_through(arguments):
    fusion, coarse = make_fusion(), torch.rand(1, 3, 4, 4)
    assert torch.equal(fusion(coarse, *arguments), fusion.block(coarse, None))
    assert not fusion.skip_module.gates


@pytest.mark.parametrize("copied", [False, True])
def test_plain_state_misses_only_the_skip_module(copied):
    plain, network = nn.Sequential(Block()), nn.Sequential(make_fusion())
    network = copy.deepcopy(network) if copied else network
    result = network.load_state_dict(plain.state_dict(), strict=False)
    assert result.missing_keys == ["0.skip_module.weight"]
    assert not result.unexpected_keys
    assert torch.equal(network[0].block.conv.weight, plain[0].conv.weight)
    network.load_state_dict(network.state_dict())


def test_loading_leaves_the_given_state_as_it_was():
    state = nn.Sequential(Block()).state_dict()
    nn.Sequential(make_fusion()).load_state_dict(state, strict=False)
    assert list(state) == ["0.conv.weight", "0.conv.bias"]


@given(prefix=paths.map(lambda path: f"{path}."), rest=paths)
def test_renaming_twice_is_renaming_once(prefix, rest):
    once = implanted_key(prefix + rest, prefix)
    assert implanted_key(once, prefix) == once
    if not rest.startswith(("block.", "skip_module.")):
        assert once == f"{prefix}block.{rest}"


def test_keys_elsewhere_are_left_alone():
    assert implanted_key("upcat_10.w", "upcat_1.") == "upcat_10.w"
    assert implanted_key("other.upcat_1.w", "upcat_1.") == "other.upcat_1.w"


def test_block_may_use_the_name_of_a_place_that_holds_no_module():
    block = Block()
    block.add_module("output_module", nn.Linear(1, 1))
    fusion = SkipFusion(block, Double(), connection=CONNECTION)
    assert not fusion.load_state_dict(block.state_dict(), strict=False).unexpected_keys
    with pytest.raises(ValueError, match="Block at 'up' holds a 'output_module'"):
        fusion.put(Double(), replace(CONNECTION, site="decoder"))


@pytest.mark.parametrize("name", ["block", "skip_module"])
def test_block_with_a_reserved_name_is_refused(name):
    block = Block()
    block.add_module(name, nn.Linear(1, 1))
    with pytest.raises(ValueError, match=f"Block at 'up' holds a '{name}'"):
        SkipFusion(block, Double(), connection=CONNECTION)


def test_monai_blocks_are_known():
    names = [block_type.__name__ for block_type in fusion_block_types()]
    assert names[:3] == ["UpCat", "UnetUpBlock", "UnetrUpBlock"]


@pytest.mark.parametrize("wrong", [int, nn.Linear(1, 1), "UpCat"])
def test_only_module_types_are_registered(wrong):
    with pytest.raises(TypeError, match=r"subclass of nn\.Module"):
        register_fusion_block(wrong)
