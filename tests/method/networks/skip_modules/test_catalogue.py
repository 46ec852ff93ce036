"""A user's own skip module is one decorator away."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from iac_components.networks import (
    build_network,
    implant_skip_module,
    register_skip_module,
    registered_skip_modules,
    skip_modules,
)
from iac_components.networks.skip_modules import catalogue, skip_module_factory


class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(float(factor)))

    def forward(self, skip, gate):
        return self.factor * skip


@pytest.fixture
def registry(monkeypatch):
    """Whatever a test registers is gone afterwards."""
    before = dict(catalogue._REGISTRY)
    yield catalogue._REGISTRY
    catalogue._REGISTRY.clear()
    catalogue._REGISTRY.update(before)


def test_registered_module_is_built_by_name(registry, basic):
    told = []

    @register_skip_module("scale")
    def _scale(connections):
        told.extend(connections)
        return lambda connection: Scale(connection.level)

    assert registered_skip_modules()[-1] == "scale"
    assert skip_module_factory("scale") is _scale
    network = build_network(basic.network(), skip_module="scale")
    assert [module.factor.item() for module in skip_modules(network)] == [0, 1, 2, 3]
    assert [c.name for c in told] == [name for name, _, _ in basic.skips]


@pytest.mark.parametrize("name", ["nested", "attention"])
def test_name_is_given_once(registry, name):
    with pytest.raises(ValueError, match=f"skip module '{name}' is registered already"):
        register_skip_module(name)(lambda connections: lambda connection: Scale(1))


def test_unknown_name_lists_the_known_and_changes_nothing(basic):
    network = basic.network()
    keys = list(network.state_dict())
    with pytest.raises(ValueError, match=r"'gated' is unknown.*attention, nested, residual_path"):
        implant_skip_module(network, "gated")
    assert list(network.state_dict()) == keys


def test_second_implant_is_refused(basic):
    network = implant_skip_module(basic.network(), "attention")
    with pytest.raises(ValueError, match="BasicUNet is implanted already"):
        implant_skip_module(network, "nested")
