"""Features of the frozen part: kept, and the same training by them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from iac_components.adaptation.adapter.applying import attach_parts
from iac_components.adaptation.adapter.base_network import private_copy
from iac_components.adaptation.candidates import PlanOptions, find_candidate
from iac_components.adaptation.fitting.fit import FitSettings, fit_parts
from iac_components.adaptation.fitting.frozen import FeatureStore, FrozenPart
from iac_components.adaptation.fitting.pool import Batch


def with_part(base, kind):
    network = private_copy(base.network()).eval()
    plan = find_candidate(kind).plan(network, PlanOptions(10**9, input_shape=base.shape))
    attach_parts(network, [plan])
    return network


def batch_of(base, *seeds):
    images = torch.cat([base.image(seed) for seed in seeds])
    labels = torch.zeros(len(seeds), 1, *base.shape[2:], dtype=torch.long)
    return Batch(images, labels, tuple(seeds))


@pytest.mark.parametrize("kind", ["gates", "decoder"])
def test_outputs_and_gradients_are_those_of_the_whole_network(base, kind):
    network = with_part(base, kind)
    batch = batch_of(base, 1, 2)
    part = FrozenPart(network, FeatureStore(), base.image(3))
    assert part.names
    trained = [value for value in network.parameters() if value.requires_grad]

    def gradients(output):
        first = output[0] if isinstance(output, list | tuple) else output
        return first, torch.autograd.grad(first.square().mean(), trained, allow_unused=True)

    expected, slopes = gradients(network(batch.images))
    with part.replaying() as forward:
        for _ in range(2):  # computed, then kept
            found, again = gradients(forward(batch))
            torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
            for slope, other in zip(slopes, again, strict=True):
                if slope is not None:
                    torch.testing.assert_close(other, slope, rtol=1e-2, atol=1e-5)
    assert torch.equal(network(batch.images).detach(), expected.detach())


def test_frozen_modules_run_once_a_window(basic):
    network = with_part(basic, "gates")
    part = FrozenPart(network, FeatureStore(), basic.image())
    runs = 0

    def count(*_):
        nonlocal runs
        runs += 1

    network.down_2.convs.register_forward_hook(count)
    with part.replaying() as forward:
        for seeds in ((1, 2), (2, 3), (1, 3)):
            forward(batch_of(basic, *seeds))
    assert runs == 3
    assert "down_2" in part.names
    assert "forward" not in network.down_2.__dict__


def test_a_store_is_shared_by_networks_with_the_same_frozen_modules(basic):
    store = FeatureStore()
    for _ in range(2):
        network = with_part(basic, "gates")
        with FrozenPart(network, store, basic.image()).replaying() as forward:
            forward(batch_of(basic, 1, 2))
    assert len(store._kept) == 2


def test_a_full_store_changes_nothing(basic):
    network = with_part(basic, "gates")
    store = FeatureStore(most_bytes=0)
    with FrozenPart(network, store, basic.image()).replaying() as forward:
        found = forward(batch_of(basic, 1, 2))
    assert not store._kept
    torch.testing.assert_close(found, network(batch_of(basic, 1, 2).images), rtol=1e-3, atol=1e-4)


class Hidden(nn.Module):
    """Its second module reads what the first leaves behind its back."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 1, 1)
        self.scale = nn.Parameter(torch.ones(()))
        self.first.requires_grad_(False)

    def forward(self, x):
        y = self.first(x)
        self.left = getattr(self, "left", 0) + 1
        return (y + self.left) * self.scale


def test_a_network_that_does_something_else_each_time_is_computed_as_a_whole():
    assert not FrozenPart(Hidden(), FeatureStore(), torch.rand(1, 1, 4, 4)).names


class OnePool:
    """Windows of one batch."""

    def __init__(self, batch):
        self.batch = batch

    def draw(self, generator):
        del generator
        return self.batch


def test_a_training_by_kept_features_ends_where_one_without_does(basic):
    from iac_components.adaptation.fitting.objective import Objective

    batch = batch_of(basic, 1, 2)
    batch.labels[:, :, 8:20, 8:20] = 1
    plan = find_candidate("gates").plan(
        basic.network(), PlanOptions(10**9, input_shape=basic.shape)
    )
    ends = [
        fit_parts(
            basic.network(),
            [plan],
            OnePool(Batch(batch.images, batch.labels, keys)),
            Objective((1, 2), 3),
            FitSettings(steps=5),
            seed=0,
        ).values
        for keys in (batch.keys, None)
    ]
    for name, value in ends[0].items():
        assert value.abs().max() > 0.01
        torch.testing.assert_close(ends[1][name], value, rtol=1e-2, atol=1e-3)
