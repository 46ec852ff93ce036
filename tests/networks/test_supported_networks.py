"""What holds for every supported network."""

from __future__ import annotations

import pytest
import torch

from iac_components.networks import find_skip_connections, implant, skip_modules


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


@pytest.mark.filterwarnings("ignore")  # tracing warns of every shape that becomes a constant
def test_traced_and_exported_agree_with_eager(case, active_skip):
    network, image = implant(case.network(), active_skip), case.image()
    other = torch.rand_like(image)
    with torch.no_grad():
        exported = torch.export.export(network, (image,)).module()
        traced = torch.jit.trace(network, image, check_trace=False)
        expected = network(other)
        torch.testing.assert_close(exported(other), expected, atol=1e-4, rtol=0)
        torch.testing.assert_close(traced(other), expected, atol=1e-4, rtol=0)
