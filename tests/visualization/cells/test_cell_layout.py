from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.visualization.cells.cell_layout import (
    CHARACTER,
    LANE,
    NODE_HEIGHT,
    NODE_WIDTH,
    lay_out_cell,
)
from iac_components.visualization.cells.final_cell import ChosenOperation

LONGEST = len("skip_connect")


@st.composite
def cells(draw: st.DrawFn) -> list[ChosenOperation]:
    """Any cell of 1 to 6 nodes with one or two inputs each."""
    edges = []
    for node in range(draw(st.integers(1, 6))):
        names = ["skip", "gate", *(f"node_{i}" for i in range(node))]
        for name in sorted(draw(st.sets(st.sampled_from(names), min_size=1, max_size=2))):
            edges.append(ChosenOperation(0, node, name, "skip_connect"))
    return edges


@given(edges=cells())
def test_labels_overlap_neither_each_other_nor_a_node(edges: list[ChosenOperation]) -> None:
    layout = lay_out_cell(edges, longest_label=LONGEST)
    size = (CHARACTER * LONGEST, 0.26)
    boxes = [(route.label, size) for route in layout.routes]
    boxes += [(node, (NODE_WIDTH, NODE_HEIGHT)) for node in layout.nodes]
    for (a, size_a), (b, size_b) in combinations(boxes, 2):
        apart = [abs(a[i] - b[i]) >= (size_a[i] + size_b[i]) / 2 - 1e-9 for i in (0, 1)]
        assert any(apart), (a, b)


@given(edges=cells())
def test_edges_start_and_end_where_they_should(edges: list[ChosenOperation]) -> None:
    layout = lay_out_cell(edges, longest_label=LONGEST)
    assert sorted(map(str, edges)) == sorted(str(route.edge) for route in layout.routes)
    for route in layout.routes:
        x, y = route.points[-1]
        assert abs(x - layout.nodes[route.edge.node][0]) <= NODE_WIDTH / 2 + 1e-9
        assert abs(y) <= NODE_HEIGHT / 2
        x, y = route.points[0]
        if route.edge.input in layout.inputs:
            _, low, high = layout.inputs[route.edge.input]
            assert low < y < high
        else:
            source = int(route.edge.input.removeprefix("node_"))
            assert abs(x - layout.nodes[source][0]) <= NODE_WIDTH / 2 + 1e-9


@given(edges=cells())
def test_no_two_edges_run_along_each_other(edges: list[ChosenOperation]) -> None:
    layout = lay_out_cell(edges, longest_label=LONGEST)
    segments = [
        (*sorted((a, b)), a[0] == b[0])
        for route in layout.routes
        for a, b in zip(route.points, route.points[1:], strict=False)
    ]
    for (a, b, upright), (c, d, other) in combinations(segments, 2):
        along, across = (1, 0) if upright else (0, 1)
        if upright == other and abs(a[across] - c[across]) < min(LANE, 0.05):
            assert b[along] <= c[along] + 1e-9 or d[along] <= a[along] + 1e-9


@pytest.mark.parametrize("name", ["node_1", "node_2", "node_x", "other", "node_"])
def test_input_that_cannot_be_is_named(name: str) -> None:
    edges = [ChosenOperation(2, 1, name, "skip_connect")]
    with pytest.raises(ValueError, match=f"level 2, node 1 has the input '{name}'"):
        lay_out_cell(edges, longest_label=LONGEST)
