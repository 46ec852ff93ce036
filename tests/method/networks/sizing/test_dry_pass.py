"""The dry pass sees what it should and leaves everything as it was."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets import DynUNet
from torch import nn

from iac_components.networks import find_skip_connections
from iac_components.networks.sizing.dry_pass import undisturbed


class Restless(nn.Module):
    """Draws random numbers and moves its buffer even in eval mode."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        self.calls += 1
        return x + torch.rand_like(x)


def snapshot(network):
    state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    return state, [module.training for module in network.modules()], torch.get_rng_state()


def test_nothing_is_disturbed(resnet):
    network = resnet.network().train()
    network.decoder.eval()
    network.segmentation_head.append(Restless())
    state, training, random_state = snapshot(network)
    find_skip_connections(network)
    after, training_after, random_after = snapshot(network)
    assert all(torch.equal(state[key], after[key]) for key in state)
    assert training_after == training
    assert torch.equal(random_after, random_state)
    assert not any(module._forward_pre_hooks for module in network.modules())
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


def test_state_returns_after_a_failure(basic):
    network = nn.Sequential(basic.network().train(), Restless())
    training = [module.training for module in network.modules()]
    with pytest.raises(RuntimeError, match="channels"):
        find_within(network)
    assert network[1].calls == 0
    assert [module.training for module in network.modules()] == training


def find_within(network):
    with undisturbed(network):
        network[1](torch.zeros(1))
        network(torch.zeros(1, 5, 32, 32))


def test_pass_runs_in_eval_mode_without_gradients(basic):
    network, seen = basic.network().train(), []
    network.final_conv.register_forward_hook(
        lambda module, _, output: seen.append((module.training, output.requires_grad))
    )
    find_skip_connections(network)
    assert seen == [(False, False)]


def test_deep_network_gets_a_larger_input():
    stages = 7
    network = DynUNet(
        2, 1, 2, [3] * stages, [1] + [2] * 6, [2] * 6, filters=[2] * stages, norm_name="instance"
    )
    assert len(find_skip_connections(network)) == 6


@pytest.mark.parametrize("training", [False, True])
def test_given_shape_is_used(basic, training):
    network, seen = basic.network().train(training), []
    network.conv_0.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    find_skip_connections(network, input_shape=[2, 1, 48, 64])
    assert seen == [(2, 1, 48, 64)]


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (1, 1, 32), (1, 1, 2, 2)])
def test_failing_pass_asks_for_a_shape(basic, shape):
    with pytest.raises(ValueError, match=r"BasicUNet failed for input shape .*Pass input_shape"):
        find_skip_connections(basic.network(), input_shape=shape)
