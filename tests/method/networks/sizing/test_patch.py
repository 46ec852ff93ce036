"""A patch that a network cannot halve is told by its sizes, with sizes that would do."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets import BasicUNet, DynUNet, FlexibleUNet

from iac_components.networks import check_patch
from iac_components.networks.sizing.layer_memory import device_memory, largest_layer


def basic():
    return BasicUNet(2, 1, 3, features=[8] * 6)


def dynamic():
    return DynUNet(2, 1, 3, kernel_size=[3] * 3, strides=[1, 2, 2], upsample_kernel_size=[2, 2])


def flexible():
    return FlexibleUNet(1, 3, "resnet18", decoder_channels=[16] * 5, spatial_dims=2)


@pytest.mark.parametrize(
    ("make", "size", "fitting"),
    [
        (basic, [8, 8], "[32, 32]"),
        (dynamic, [30, 32], "[32, 32]"),
        (flexible, [16, 16], "[32, 32]"),
    ],
)
def test_a_patch_that_does_not_fit(make, size, fitting):
    with pytest.raises(ValueError, match="the network cannot take it") as caught:
        check_patch(make(), num_channels=1, patch_size=size)
    message = str(caught.value)
    assert message.startswith(f"--patch_size is {size}: ")
    assert message.endswith(f"Pass --patch_size {fitting}, for instance.")
    assert "\n" not in message


@pytest.mark.parametrize("make", [basic, dynamic, flexible])
@pytest.mark.parametrize("size", [[65536, 65536], [16384, 16384], [1, 10**9]])
def test_a_patch_that_no_memory_holds_is_told_without_a_try(make, size, monkeypatch):
    monkeypatch.setattr("iac_components.networks.sizing.patch.device_memory", lambda _: 10**10)
    network = make()
    network.register_forward_pre_hook(lambda *_: pytest.fail("it was tried"), prepend=True)
    network.__deepcopy__ = lambda _: make()
    with pytest.raises(ValueError, match="GB of memory") as caught:
        check_patch(network, num_channels=1, patch_size=size)
    message = str(caught.value)
    assert message.startswith(f"--patch_size is {size}: one patch alone needs more than ")
    assert message.endswith("this machine has 10.0 GB. Pass a smaller one.")


def test_a_patch_that_memory_holds_is_tried(monkeypatch):
    network = basic()
    needed = 3 * largest_layer(network, (1, 1, 64, 64))
    monkeypatch.setattr("iac_components.networks.sizing.patch.device_memory", lambda _: needed)
    check_patch(network, num_channels=1, patch_size=[64, 64])
    monkeypatch.setattr("iac_components.networks.sizing.patch.device_memory", lambda _: needed - 1)
    with pytest.raises(ValueError, match="Pass a smaller one"):
        check_patch(network, num_channels=1, patch_size=[64, 64])


def test_the_largest_layer_of_two():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 1), torch.nn.Conv2d(8, 2, 1))
    assert largest_layer(network, (1, 1, 10, 10)) == 4 * (8 + 2) * 100
    assert all(parameter.device.type == "cpu" for parameter in network.parameters())


def test_a_machine_has_memory():
    assert device_memory(torch.device("cpu")) > 10**8
    assert device_memory(torch.device("meta")) is None


def test_a_network_that_takes_nothing():
    network = torch.nn.Conv2d(4, 1, 3)
    with pytest.raises(ValueError, match="cannot take it") as caught:
        check_patch(network, num_channels=1, patch_size=[32, 32])
    assert "for instance" not in str(caught.value)


def test_the_network_stays_as_it_was():
    network = flexible().train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    drawn = torch.get_rng_state()
    check_patch(network, num_channels=1, patch_size=[64, 96])
    assert network.training
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
