from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.visualization.cells.cell_layout import (
    CHARACTER,
    DETAILED,
    PLAIN,
    Sizes,
    lay_out_cell,
)
from iac_components.visualization.cells.final_cell import ChosenOperation

LONGEST = len("skip_connect")


@st.composite
def cells(draw: st.DrawFn) -> list[ChosenOperation]:
    """Any cell of 1 to 6 nodes, some of which went, with one or two inputs each."""
    edges = []
    there = draw(st.sets(st.integers(0, 5), min_size=1))
    for node in sorted(there):
        names = ["skip", "gate", *(f"node_{i}" for i in range(node) if i in there)]
        for name in sorted(draw(st.sets(st.sampled_from(names), min_size=1, max_size=2))):
            edges.append(ChosenOperation(0, node, name, "skip_connect"))
    return edges


@pytest.mark.parametrize(("sizes", "label"), [(PLAIN, 0.26), (DETAILED, 0.42)])
@given(edges=cells(), num_nodes=st.integers(0, 8))
def test_labels_overlap_neither_each_other_nor_a_node(
    edges: list[ChosenOperation], num_nodes: int, sizes: Sizes, label: float
) -> None:
    layout = lay_out_cell(edges, longest_label=LONGEST, num_nodes=num_nodes, sizes=sizes)
    size = (CHARACTER * LONGEST, label)
    boxes = [(route.label, size) for route in layout.routes]
    boxes += [(node, (sizes.node_width, sizes.node_height)) for node in layout.nodes]
    for (a, size_a), (b, size_b) in combinations(boxes, 2):
        apart = [abs(a[i] - b[i]) >= (size_a[i] + size_b[i]) / 2 - 1e-9 for i in (0, 1)]
        assert any(apart), (a, b)


@given(edges=cells())
def test_edges_start_and_end_where_they_should(edges: list[ChosenOperation]) -> None:
    layout = lay_out_cell(edges, longest_label=LONGEST)
    assert sorted(map(str, edges)) == sorted(str(route.edge) for route in layout.routes)
    for route in layout.routes:
        x, y = route.points[-1]
        assert abs(x - layout.nodes[route.edge.node][0]) <= PLAIN.node_width / 2 + 1e-9
        assert abs(y) <= PLAIN.node_height / 2
        x, y = route.points[0]
        if route.edge.input in layout.inputs:
            _, low, high = layout.inputs[route.edge.input]
            assert low < y < high
        else:
            source = int(route.edge.input.removeprefix("node_"))
            assert abs(x - layout.nodes[source][0]) <= PLAIN.node_width / 2 + 1e-9


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
        if upright == other and abs(a[across] - c[across]) < min(PLAIN.lane, 0.05):
            assert b[along] <= c[along] + 1e-9 or d[along] <= a[along] + 1e-9


@pytest.mark.parametrize("name", ["node_1", "node_2", "node_x", "other", "node_"])
def test_input_that_cannot_be_is_named(name: str) -> None:
    edges = [ChosenOperation(2, 1, name, "skip_connect")]
    with pytest.raises(ValueError, match=f"level 2, node 1 has the input '{name}'"):
        lay_out_cell(edges, longest_label=LONGEST)


def test_nodes_that_went_have_a_place_and_nothing_else() -> None:
    edges = [ChosenOperation(0, 1, "skip", "a"), ChosenOperation(0, 3, "node_1", "a")]
    layout = lay_out_cell(edges, longest_label=LONGEST, num_nodes=5)
    assert layout.gone == {0, 2, 4}
    assert len(layout.nodes) == 5
    assert len(layout.drops) == 2
    middles = [x for x, _ in layout.nodes]
    # No label needs room before a node that went.
    assert middles[4] - middles[3] < middles[3] - middles[2]
