from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iac_components.visualization.topology.path_trace import possible_paths, trace_paths
from iac_components.visualization.trace_file import Edge, Trace, read_trace


@pytest.fixture
def trace(make_search: Callable[..., Path]) -> Trace:
    return read_trace(make_search(4, 3) / "search_trace.csv")


def test_paths_are_in_the_order_of_monai() -> None:
    assert possible_paths(2) == ((0, 0), (1, 0), (0, 1), (1, 1))
    assert len(possible_paths(4)) == 10


def test_every_path_has_its_own_row(trace: Trace) -> None:
    paths = trace_paths(trace)
    assert (paths.num_blocks, paths.num_depths) == (4, 3)
    assert paths.probability.shape == paths.alive.shape == (6, 4, 7)
    for block in range(4):
        for place, (source, target) in enumerate(paths.paths):
            row = trace.edges.index(Edge(block, target, f"depth_{source}"))
            assert paths.rows[block, place] == row
            assert np.array_equal(paths.probability[:, block, place], trace.edge_weight[:, row])
            assert np.array_equal(paths.alive[:, block, place], trace.active[:, row].any(axis=1))
    assert not paths.alive.all()


def test_a_cell_search_is_no_dints_search(trace_csv: Path) -> None:
    with pytest.raises(ValueError, match=r"column 'input' holds 'skip', not depth_<n>"):
        trace_paths(read_trace(trace_csv))


@pytest.mark.parametrize(
    ("place", "edge", "message"),
    [
        (0, Edge(0, 0, "depth_2"), "column 'input' lacks depth_0 at level 0, node 0"),
        (0, Edge(0, 0, "depth_"), "holds 'depth_', not depth_<n>"),
        (0, Edge(0, 0, "depth_²"), "holds 'depth_²', not depth_<n>"),
        (6, Edge(0, 10**15, "depth_2"), "column 'node' holds up to 1000000000000000 with gaps"),
        (6, Edge(10**15, 2, "depth_2"), "column 'level' holds up to 1000000000000000 with gaps"),
        (6, Edge(0, 2, "depth_0"), "column 'input' holds depth_0 at level 0, node 2"),
    ],
)
def test_impossible_path_is_named(trace: Trace, place: int, edge: Edge, message: str) -> None:
    edges = (*trace.edges[:place], edge, *trace.edges[place + 1 :])
    with pytest.raises(ValueError, match=message):
        trace_paths(replace(trace, edges=edges))
