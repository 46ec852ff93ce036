"""The search space lists every edge once, and refuses what is no space."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.search_space import DEFAULT_OPERATIONS, Edge, SearchSpace


def test_default_is_the_pc_darts_space():
    space = SearchSpace(2)
    assert space.operations == DEFAULT_OPERATIONS
    assert len(space.operations) == 8
    assert (space.num_nodes, space.channel_divisor, space.levels) == (4, 4, 1)
    assert len(space.edges) == 14


def test_edges_in_order():
    assert SearchSpace(3, num_nodes=2).edges == (
        Edge(0, "skip"),
        Edge(0, "gate"),
        Edge(1, "skip"),
        Edge(1, "gate"),
        Edge(1, "node_0"),
    )


@given(st.integers(1, 7))
def test_edges_of_cover_every_row_once(num_nodes):
    space = SearchSpace(2, num_nodes=num_nodes)
    for node in range(num_nodes):
        edges = space.edges[space.edges_of(node)]
        assert {edge.node for edge in edges} == {node}
        assert tuple(edge.input for edge in edges) == space.inputs_of(node)
    assert sum(len(space.edges[space.edges_of(n)]) for n in range(num_nodes)) == len(space.edges)


@pytest.mark.parametrize(
    ("operations", "index"), [(("skip_connect", "none"), 1), (("skip_connect",), None)]
)
def test_none_index(operations, index):
    assert SearchSpace(2, operations).none_index == index


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("spatial_dims", {"spatial_dims": 1}),
        ("spatial_dims", {"spatial_dims": 4}),
        ("operations", {"operations": ("skip_connect", "skip_connect")}),
        ("operations", {"operations": ()}),
        ("operations", {"operations": ("none",)}),
        ("num_nodes", {"num_nodes": 0}),
        ("K", {"channel_divisor": 0}),
        ("levels", {"levels": -1}),
    ],
)
def test_bad_field_is_named(field, options):
    with pytest.raises(ValueError, match=rf"search_space\.{field}") as caught:
        SearchSpace(**{"spatial_dims": 2, **options})
    assert "\n" not in str(caught.value)
