"""Weights that were put into a network are told from those that it was built with."""

from __future__ import annotations

import copy

import pytest
import torch
from monai.networks.nets import BasicUNet

from iac_components.common.built_weights import note_built, weights_put
from iac_components.dints import DintsSearchNetwork, DintsSpace
from iac_components.networks import CellSearchNetwork, build_network, check_patch


def basic():
    return BasicUNet(2, 1, 3, features=[8] * 6)


def topology():
    space = DintsSpace(num_blocks=2, num_depths=2, channel_mul=0.0625, use_downsample=False)
    return DintsSearchNetwork(space, in_channels=1, out_channels=2)


NETWORKS = {
    "plain": lambda: build_network(basic(), skip_module="plain"),
    "attention": lambda: build_network(basic(), skip_module="attention"),
    "cells": lambda: CellSearchNetwork(basic(), num_nodes=2),
    "topology": topology,
}


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]()


def changed(network, factor=2.0):
    with torch.no_grad():
        next(network.parameters()).mul_(factor)
    return network


def test_as_it_was_built(network):
    assert weights_put(network) is None
    network.to(memory_format=torch.channels_last) if isinstance(network, BasicUNet) else None
    note_built(network).train()
    assert weights_put(network) is None


def test_what_is_put_there_is_told_by_its_values(network):
    before = copy.deepcopy(network.state_dict())
    first = weights_put(changed(network))
    assert first.startswith("sha256:")
    network.load_state_dict(before)
    assert weights_put(network) is None
    assert weights_put(changed(network)) == first
    assert weights_put(changed(network)) != first
    # The first note stays.
    assert weights_put(note_built(network)) is not None


def test_only_what_was_put_there_counts():
    """Weights that were drawn may differ in their last bit between machines."""
    torch.manual_seed(0)
    here = build_network(basic(), skip_module="plain")
    torch.manual_seed(1)
    there = build_network(basic(), skip_module="plain")
    state = {"final_conv.weight": torch.full_like(here.final_conv.weight, 3.0)}
    for network in (here, there):
        network.load_state_dict(state, strict=False)
    assert weights_put(here) == weights_put(there) is not None


def test_a_dry_pass_puts_nothing_there():
    network = build_network(basic(), skip_module="plain").train()
    check_patch(network, num_channels=1, patch_size=[32, 32])
    assert weights_put(network) is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_type_and_no_axes(dtype):
    network = note_built(torch.nn.BatchNorm1d(2).to(dtype))
    assert weights_put(network) is None
    network.num_batches_tracked += 1
    assert weights_put(network) is not None


def test_a_network_of_unknown_origin():
    assert weights_put(torch.nn.Linear(1, 1)) is None
