"""Rest of a cell when nodes have lost their inputs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iac_components.search_space import SearchSpace
from iac_components.search_space.space import edges_of_present_nodes, present_nodes


@given(st.integers(1, 5), st.integers(1, 2), st.integers(0, 10**6))
def test_every_edge_comes_from_what_is_there(num_nodes, levels, seed):
    space = SearchSpace(2, num_nodes=num_nodes, levels=levels)
    generator = np.random.default_rng(seed)
    edges = generator.random((levels, len(space.edges))) < generator.random()
    before = edges.copy()
    found = edges_of_present_nodes(space, edges)
    assert np.array_equal(edges, before)
    assert not (found & ~edges).any()
    present = present_nodes(space, found)
    for level, row in np.argwhere(edges):
        source = space.edges[row].input
        there = not source.startswith("node_") or present[level, int(source[5:])]
        assert found[level, row] == there


def test_a_chain_falls_as_a_whole():
    space = SearchSpace(2, num_nodes=3)
    edges = np.array([edge in [(1, "node_0"), (2, "node_1")] for edge in space.edges])
    assert not edges_of_present_nodes(space, edges[None]).any()
    edges[space.edges.index((0, "gate"))] = True
    assert np.array_equal(edges_of_present_nodes(space, edges[None])[0], edges)
