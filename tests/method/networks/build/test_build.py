"""Cells of a genotype, and the plain checkpoint, in every network that fuses in its own way."""

from __future__ import annotations

import pytest
import torch

from iac_components.networks import (
    build_network,
    load_weights,
    measure_complexity,
    skip_modules,
)
from iac_components.search_space import SearchSpace, random_genotype, save_genotype


@pytest.fixture
def files(other_kind, tmp_path):
    """A genotype for the network, one cell a level, and a trained plain checkpoint."""
    space = SearchSpace(
        spatial_dims=len(other_kind.shape) - 2,
        operations=("none", "skip_connect", "sep_conv_3x3", "avg_pool_3x3"),
        num_nodes=2,
        levels=len(other_kind.skips),
    )
    save_genotype(random_genotype(space, 0), tmp_path / "genotype.json")
    torch.save({"model": other_kind.network(seed=1).state_dict()}, tmp_path / "plain.pt")
    return {"genotype_path": tmp_path / "genotype.json", "backbone_ckpt": tmp_path / "plain.pt"}


@torch.no_grad()
def test_starts_as_the_trained_backbone_and_ends_elsewhere(other_kind, files, tmp_path):
    network = build_network(other_kind.network(), **files, frozen_backbone=True).eval()
    image, trained = other_kind.image(), other_kind.network(seed=1)
    assert torch.equal(network(image), trained(image))
    for cell in skip_modules(network):
        cell.scale.fill_(0.5)
    changed = network(image)
    assert not torch.equal(changed, trained(image))
    torch.save({"model": network.state_dict()}, tmp_path / "cells.pt")
    other = build_network(other_kind.network(seed=2), genotype_path=files["genotype_path"]).eval()
    load_weights(other, tmp_path / "cells.pt")
    assert torch.equal(other(image), changed)


def test_cells_are_all_that_is_added_and_all_that_trains(other_kind, files):
    network = build_network(other_kind.network(), **files, frozen_backbone=True).train()
    plain = measure_complexity(other_kind.network(), input_shape=other_kind.shape)
    cost = measure_complexity(network, input_shape=other_kind.shape)
    added = sum(parameter.numel() for parameter in network.cell_parameters())
    assert cost.parameters == plain.parameters + added
    assert cost.trainable_parameters == added
    assert cost.flops > plain.flops
    inside = {m for cell in skip_modules(network) for m in cell.modules()}
    for name, module in network.named_modules():
        assert module.training == (module in inside or not name), name
