"""What holds for every supported network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from iac_components.networks import (
    find_skip_connections,
    implant,
    registered_skip_modules,
    skip_modules,
)
from iac_components.networks.skip_modules import skip_module_factory

# In eval mode a DynUNet is the same with and without deep supervision; an odd size exports as an
# even one; a SwinUNETR in 3-D is the code of the one in 2-D, and takes long.
EXPORTED = (
    "basic_2d",
    "basic_3d",
    "resnet18_2d",
    "resnet10_3d",
    "efficientnet_2d",
    "dynunet_2d_deep",
    "planned_2d",
    "planned_3d",
    "unetr_2d",
    "unetr_3d",
    "swin_2d",
)


def test_connections_are_found_finest_first(case):
    connections = find_skip_connections(case.network())
    assert tuple((c.name, c.skip_channels, c.gate_channels) for c in connections) == case.skips
    assert [c.level for c in connections] == list(range(len(case.skips)))
    assert {c.spatial_dims for c in connections} == {len(case.shape) - 2}


@pytest.mark.parametrize("training", [False, True])
def test_zero_started_implant_changes_nothing(case, zero_skip, training):
    if training and case.random_in_training:
        pytest.skip("drops connections at random in training")
    network, image = case.network().train(training), case.image()
    with torch.no_grad():
        before = network(image)
        after = implant(network, zero_skip)(image)
    assert torch.equal(before, after)


def test_gradients_reach_every_skip_parameter(case, active_skip):
    network = implant(case.network(), active_skip)
    network(case.image()).square().mean().backward()
    for module in skip_modules(network):
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.count_nonzero() > 0, name


def test_trained_weights_load_before_or_after_the_implant(case, zero_skip):
    trained, image = case.network(seed=1), case.image()
    state = {key: tensor.clone() for key, tensor in trained.state_dict().items()}
    fresh = implant(case.network(seed=2), zero_skip)
    result = fresh.load_state_dict(state, strict=False)
    assert not result.unexpected_keys
    assert all(".skip_module." in key for key in result.missing_keys)
    with torch.no_grad():
        assert torch.equal(implant(trained, zero_skip)(image), fresh(image))


class Chain(nn.Module):
    """All registered skip modules one after the other: one export tries them all."""

    def __init__(self, modules):
        super().__init__()
        self.chain = nn.ModuleList(modules)

    def forward(self, skip, gate):
        for module in self.chain:
            skip = module(skip, gate)
        return skip


def every_skip_module(network):
    connections = find_skip_connections(network)
    makers = [skip_module_factory(name)(connections) for name in registered_skip_modules()]
    return lambda connection: Chain([make(connection) for make in makers])


@pytest.mark.parametrize("case", EXPORTED, indirect=True)
@pytest.mark.filterwarnings("ignore")  # tracing warns of every shape that becomes a constant
def test_traced_and_exported_agree_with_eager(case):
    plain = case.network()
    network, image = implant(plain, every_skip_module(plain)), case.image()
    other = torch.rand_like(image)
    with torch.no_grad():
        exported = torch.export.export(network, (image,)).module()
        traced = torch.jit.trace(network, image, check_trace=False)
        expected = network(other)
        torch.testing.assert_close(exported(other), expected, atol=1e-4, rtol=0)
        torch.testing.assert_close(traced(other), expected, atol=1e-4, rtol=0)
