"""The replaced ResNet shortcut does what MONAI's does."""

from __future__ import annotations

import copy

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.networks.nets.resnet import ResNet

from iac_components.networks import make_exportable
from iac_components.networks.monai_repairs import ZeroPadShortcut


@settings(max_examples=30)
@given(
    size=st.lists(st.integers(1, 7), min_size=2, max_size=3),
    stride=st.integers(1, 3),
    more=st.integers(0, 3),
)
def test_shortcut_equals_the_original(size, stride, more):
    x = torch.rand(2, 3, *size)
    expected = ResNet._downsample_basic_block(None, x, 3 + more, stride, len(size))
    assert torch.equal(ZeroPadShortcut(channels=3 + more, stride=stride)(x), expected)


def test_output_gradients_and_keys_stay(resnet):
    plain = resnet.network()
    changed = make_exportable(copy.deepcopy(plain))
    assert any(isinstance(module, ZeroPadShortcut) for module in changed.modules())
    assert list(changed.state_dict()) == list(plain.state_dict())
    outputs = [network(resnet.image()) for network in (plain, changed)]
    assert torch.equal(*outputs)
    for output in outputs:
        output.sum().backward()
    for one, other in zip(plain.parameters(), changed.parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None)
        assert one.grad is None or torch.equal(one.grad, other.grad)


def test_other_networks_are_left_alone(basic):
    network = basic.network()
    modules = list(network.modules())
    assert make_exportable(network) is network
    assert list(network.modules()) == modules
