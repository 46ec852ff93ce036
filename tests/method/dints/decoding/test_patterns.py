"""The patterns are MONAI's, in its order, and their masks say which depths they join."""

from __future__ import annotations

import numpy as np
import pytest
from monai.networks.nets.dints import TopologySearch

from iac_components.dints.decoding.patterns import activation_patterns
from iac_components.dints.topology_grid import DintsSpace


@pytest.mark.parametrize("num_depths", [2, 3, 4])
def test_patterns_are_monai_s_child_list(num_depths, capsys):
    theirs = TopologySearch(channel_mul=0.0625, num_blocks=1, num_depths=num_depths, spatial_dims=2)
    assert np.array_equal(activation_patterns(num_depths).patterns, theirs.child_list)
    capsys.readouterr()


@pytest.mark.parametrize("num_depths", [2, 3, 4, 5])
def test_masks(num_depths):
    table = activation_patterns(num_depths)
    paths = DintsSpace(num_depths=num_depths).paths
    assert table.patterns.shape == (2 ** len(paths) - 1, len(paths))
    for row in range(0, len(table.patterns), 97):
        active = [ends for ends, on in zip(paths, table.patterns[row], strict=True) if on]
        assert table.sources[row] == sum(1 << depth for depth in {start for start, _ in active})
        assert table.targets[row] == sum(1 << depth for depth in {end for _, end in active})
    every_set = set(range(1, 2**num_depths))
    assert set(table.sources.tolist()) == set(table.targets.tolist()) == every_set


def test_table_is_made_once_and_cannot_be_changed():
    table = activation_patterns(3)
    assert activation_patterns(3) is table
    for array in (table.patterns, table.sources, table.targets):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
