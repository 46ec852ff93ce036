"""Counts by hand, and a measurement that leaves no trace."""

from __future__ import annotations

import json
import logging

import pytest
import torch
from torch import nn

from iac_components.networks import (
    build_network,
    implant_skip_module,
    measure_complexity,
    write_complexity,
)

PARAMETERS = (9 * 1 * 4 + 4) + 2 * 4 + (4 * 4 * 2 + 2)
FLOPS = 2 * (9 * 1 * 4 * 8 * 8 + 4 * 4 * 2 * 4 * 4)


class Noise(nn.Module):
    def forward(self, x):
        return x + torch.rand_like(x)


def small(extra=()):
    """3x3 convolution of 1 to 4 channels, norm, 2x2 convolution of stride 2 to 2 channels."""
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 2, 2))
    return nn.Sequential(*layers, *extra)


def test_counts_by_hand():
    cost = measure_complexity(small(), input_shape=(1, 1, 8, 8))
    assert (cost.parameters, cost.trainable_parameters) == (PARAMETERS, PARAMETERS)
    assert cost.flops == FLOPS
    assert cost.input_shape == (1, 1, 8, 8)


def test_volumes_and_matrix_products_count():
    network = nn.Sequential(nn.Conv3d(2, 3, 1), nn.Flatten(), nn.Linear(3 * 24, 5))
    cost = measure_complexity(network, input_shape=(1, 2, 2, 3, 4))
    assert cost.flops == 2 * (2 * 3 * 24) + 2 * (3 * 24 * 5)


@pytest.mark.parametrize(("shape", "factor"), [((3, 1, 8, 8), 3), ((1, 1, 16, 24), 6)])
def test_operations_grow_with_the_input(shape, factor):
    cost = measure_complexity(small(), input_shape=list(shape))
    assert cost.flops == factor * FLOPS
    assert cost.parameters == PARAMETERS
    assert cost.input_shape == shape


def test_frozen_parameters_are_told_apart(basic):
    network = build_network(basic.network(), skip_module="attention", frozen_backbone=True)
    cost = measure_complexity(network, input_shape=basic.shape)
    plain = measure_complexity(basic.network(), input_shape=basic.shape)
    assert plain.trainable_parameters == plain.parameters
    assert cost.trainable_parameters == cost.parameters - plain.parameters > 0


@pytest.mark.parametrize("name", ["attention", "residual_path", "nested"])
def test_a_skip_module_costs_something(basic, name):
    costs = [
        measure_complexity(network, input_shape=basic.shape)
        for network in (basic.network(), implant_skip_module(basic.network(), name))
    ]
    assert costs[0].flops < costs[1].flops
    assert costs[0].parameters < costs[1].parameters


def test_deep_supervision_counts_as_in_evaluation(deep_dynunet):
    network = deep_dynunet.network()
    shape = deep_dynunet.shape
    costs = [measure_complexity(network.train(mode), input_shape=shape) for mode in (True, False)]
    assert costs[0] == costs[1]
    assert network(deep_dynunet.image()).ndim == len(shape)


@pytest.mark.parametrize("shape", [(2, 1, 8, 8), (2, 3, 8, 8)])
def test_nothing_is_disturbed(shape):
    network = small([Noise()]).train()
    network[2].eval()
    network[0].weight.requires_grad_(False)
    network(torch.rand(2, 1, 8, 8)).sum().backward()
    modes = [module.training for module in network.modules()]
    state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    gradients = [None if p.grad is None else p.grad.clone() for p in network.parameters()]
    random_state = torch.get_rng_state()
    if shape[1] == 1:
        measure_complexity(network, input_shape=shape)
    else:
        with pytest.raises(RuntimeError, match="channels"):
            measure_complexity(network, input_shape=shape)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(state[key], after) for key, after in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.is_grad_enabled()
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        assert (parameter.grad is None) == (gradient is None)
        assert gradient is None or torch.equal(parameter.grad, gradient)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


def test_the_network_s_type_is_used():
    cost = measure_complexity(small().double(), input_shape=(1, 1, 8, 8))
    assert cost.flops == FLOPS


def test_network_without_parameters_is_refused():
    with pytest.raises(ValueError, match="ReLU has no parameter to count"):
        measure_complexity(nn.ReLU(), input_shape=(1, 1, 8, 8))


def test_file_and_log_line(tmp_path, caplog):
    path = tmp_path / "network.json"
    with caplog.at_level(logging.INFO, logger="iac_components.networks"):
        cost = write_complexity(path, small(), input_shape=[1, 1, 8, 8], skip_module="plain")
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "skip_module": "plain",
        "parameters": PARAMETERS,
        "trainable_parameters": PARAMETERS,
        "flops": FLOPS,
        "input_shape": [1, 1, 8, 8],
    }
    assert cost == measure_complexity(small(), input_shape=(1, 1, 8, 8))
    assert caplog.messages == [
        f"skip_module 'plain': {PARAMETERS} parameters ({PARAMETERS} trained), 0.000 GFLOPs for an "
        "input of (1, 1, 8, 8)."
    ]
    assert [file.name for file in tmp_path.iterdir()] == ["network.json"]
