from __future__ import annotations

from collections import Counter

import pytest
import torch
from monai.networks.nets import BasicUNet

from iac_components.networks import skip_modules
from iac_components.search_space import DiscreteCell
from studies.cell_table.rows.configurations import configurations
from studies.cell_table.training.networks import Unchanged, cell_network

BY_NAME = {configuration.name: configuration for configuration in configurations()}


def test_there_are_enough_and_no_two_are_alike():
    found = configurations()
    assert len(found) >= 100
    assert len(BY_NAME) == len(found)
    digests = {(c.genotype and c.genotype.digest, c.levels) for c in found}
    assert len(digests) == len(found)


def test_every_kind_is_there_and_twenty_random_cells_of_the_default_size():
    assert Counter(c.kind for c in configurations())["none"] == 1
    nodes = Counter(len(c.genotype.nodes) for c in configurations() if c.kind == "random")
    assert set(nodes) == {1, 2, 3, 4}
    assert nodes[4] >= 20


def test_the_list_is_the_same_each_time_and_its_beginning_holds_some_of_each_kind():
    assert configurations() == configurations()
    assert {c.kind for c in configurations()[:8]} == {"none", "uniform", "random", "levels"}


def test_what_is_written_down_says_what_the_cell_is():
    assert BY_NAME["uniform-sep_conv_5x5-1"].describe() == {
        "kind": "uniform",
        "nodes": [[["skip", "sep_conv_5x5"], ["gate", "skip_connect"]]],
        "levels": [True, True, True, True],
    }


@pytest.mark.parametrize("name", ["none", "levels-sep_conv_5x5-xoxo", "random-4-00"])
def test_cells_stand_where_the_configuration_says_and_change_nothing_at_first(name):
    torch.manual_seed(0)
    backbone = BasicUNet(2, 1, 2, (4,) * 6).eval()
    configuration = BY_NAME[name]
    network = cell_network(backbone, configuration)
    kinds = [type(module) for module in skip_modules(network)]
    assert kinds == [DiscreteCell if on else Unchanged for on in configuration.levels]
    image = torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(network(image), backbone(image))
    assert all(p.requires_grad for p in backbone.parameters())  # a copy was frozen
