"""Which networks are known, and that a network is recognised wherever it is and whoever made it."""

from __future__ import annotations

import pytest
import torch
from monai.networks.layers.simplelayers import SkipConnection as EnclosingBlock
from monai.networks.nets import BasicUNet, SegResNet, UNet
from monai.networks.nets.attentionunet import AttentionBlock
from torch import nn

from iac_components.networks import (
    SkipFusion,
    find_skip_connections,
    implant,
    register_fusion_block,
    skip_fusions,
)
from iac_components.networks.implanting.topologies import (
    RecursiveFusion,
    Topology,
    catalogue,
    known_networks,
    register_topology,
)


class Shell(nn.Module):
    """A user's module around a network."""

    def __init__(self, network):
        super().__init__()
        self.inner = nn.ModuleDict({"network": network})

    def forward(self, x):
        return self.inner["network"](x).sigmoid()


def derived(network):
    """The network as an instance of a user's subclass that changes nothing."""
    network.__class__ = type("Derived", (type(network),), {})
    return network


def test_networks_are_known_by_name():
    assert known_networks()[:4] == ("AttentionUnet", "UNet", "SegResNet", "SegResNetDS")


@pytest.mark.parametrize("case", ["unet_2d", "attention_2d", "segresnet_2d"], indirect=True)
def test_a_shell_and_a_subclass_change_nothing_but_names(case, zero_skip):
    shell = Shell(derived(case.network()))
    image = case.image()
    before = shell(image)
    found = find_skip_connections(shell)
    assert [c.name for c in found] == [f"inner.network.{name}" for name, _, _ in case.skips]
    assert torch.equal(implant(shell, zero_skip)(image), before)


def test_unknown_network_is_refused_with_the_known_and_the_remedy(zero_skip):
    message = (
        r"^Sequential has no decoder block .*known: UpCat, .*UpTransition.*UNet, SegResNet"
        r".*\(coarse, skip\).*register_fusion_block\.$"
    )
    with pytest.raises(ValueError, match=message) as caught:
        implant(nn.Sequential(nn.Conv2d(1, 1, 1)), zero_skip)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("residual", ["encloses", "attends"])
def test_parts_of_known_networks_elsewhere_are_no_places(residual):
    class Attending(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = AttentionBlock(2, f_int=2, f_g=4, f_l=4)

        def forward(self, x):
            return self.attention(g=x, x=x)

    parts = {
        "encloses": EnclosingBlock(nn.Conv2d(4, 4, 1), mode="add"),
        "attends": Attending(),
    }
    network = BasicUNet(2, 1, 2, (4,) * 6)
    names = [connection.name for connection in find_skip_connections(network)]
    network.final_conv = nn.Sequential(parts[residual], network.final_conv)
    assert [connection.name for connection in find_skip_connections(network)] == names


class Loud(SegResNet):
    def decode(self, x, down_x):
        return 2 * super().decode(x, down_x)


class Scaled(EnclosingBlock):
    def forward(self, x):
        return 2 * super().forward(x)


class ScaledUNet(UNet):
    def _get_connection_block(self, down_path, up_path, subblock):
        return nn.Sequential(down_path, Scaled(subblock), up_path)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Loud(2, 8), r"Loud overrides SegResNet\.decode, .*register_fusion_block"),
        (lambda: ScaledUNet(2, 1, 2, (4, 8), (2,)), r"ScaledUNet holds a Scaled.*register_fusion"),
    ],
)
def test_subclass_that_fuses_in_its_own_way_is_refused(build, message, zero_skip):
    network = build()
    modules = dict(network.named_modules())
    for attempt in (find_skip_connections, lambda network: implant(network, zero_skip)):
        with pytest.raises(ValueError, match=message) as caught:
            attempt(network)
        assert "\n" not in str(caught.value)
    assert dict(network.named_modules()) == modules


@pytest.fixture
def scaled_is_known(monkeypatch):
    class ScaledFusion(RecursiveFusion):
        def forward(self, x, skip=None):
            return 2 * super().forward(x)

    def find(network):
        return [module for module in network.modules() if isinstance(module, Scaled)]

    monkeypatch.setattr(catalogue, "_TOPOLOGIES", list(catalogue._TOPOLOGIES))
    return register_topology(Topology(ScaledUNet, ScaledFusion, find))


def test_registered_topology_goes_before_that_of_its_base(scaled_is_known, zero_skip):
    torch.manual_seed(0)
    network, image = ScaledUNet(2, 1, 2, (4, 6, 8), (2, 2)).eval(), torch.rand(1, 1, 16, 16)
    before = network(image)
    implant(network, zero_skip)
    assert {type(fusion) for fusion in skip_fusions(network)} == {scaled_is_known.fusion}
    assert torch.equal(network(image), before)


def test_block_known_both_ways_is_wrapped_once_as_its_network_says(monkeypatch, zero_skip):
    monkeypatch.setattr("iac_components.networks.implanting.fusion._BLOCK_TYPES", [])
    register_fusion_block(EnclosingBlock)
    network = implant(UNet(2, 1, 2, (4, 6, 8), (2, 2)), zero_skip)
    assert [type(fusion) for fusion in skip_fusions(network)] == [RecursiveFusion] * 2
    assert issubclass(RecursiveFusion, SkipFusion)
