"""Fusions in, and out again whatever happens."""

from __future__ import annotations

import pytest
import torch

from iac_components.networks import SkipFusion, find_skip_connections
from iac_components.networks.implanting.topologies import fusible_blocks
from iac_components.networks.implanting.wiring import wired


def fusions(network, make_skip_module):
    """A fusion for every skip connection, without a dry pass of its own."""
    names = {connection.name: connection for connection in find_skip_connections(network)}
    paths = {module: name for name, module in network.named_modules()}
    return {
        block: fusion(block, make_skip_module(names[paths[block]]), connection=names[paths[block]])
        for block, fusion in fusible_blocks(network).items()
        if paths[block] in names
    }


@torch.no_grad()
def test_network_is_plain_after_the_block(family, active_skip):
    network, image = family.network(), family.image()
    before, paths = network(image), list(network.named_modules(remove_duplicate=False))
    with wired(network, fusions(network, active_skip)):
        assert sum(isinstance(m, SkipFusion) for m in network.modules()) == len(family.skips)
        assert not torch.equal(network(image), before)
    assert list(network.named_modules(remove_duplicate=False)) == paths
    assert torch.equal(network(image), before)


def test_network_is_plain_after_a_failure(family, active_skip):
    network = family.network()
    paths = list(network.named_modules(remove_duplicate=False))
    attributes = [set(vars(module)) for module in network.modules()]
    with (
        pytest.raises(KeyboardInterrupt),
        wired(network, fusions(network, active_skip)),
    ):
        raise KeyboardInterrupt
    assert list(network.named_modules(remove_duplicate=False)) == paths
    assert [set(vars(module)) for module in network.modules()] == attributes
