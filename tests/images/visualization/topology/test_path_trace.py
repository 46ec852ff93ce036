from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from iac_components.search import SearchTrace
from iac_components.search.results.trace_file import TracedEdge
from iac_components.search_space import SearchSpace
from iac_components.visualization.topology.path_trace import trace_paths


@pytest.fixture
def trace(make_search: Callable[..., Path]) -> SearchTrace:
    return SearchTrace.read(make_search(4, 3) / "search_trace.csv")


def test_every_path_has_its_own_row(trace: SearchTrace) -> None:
    paths = trace_paths(trace)
    assert (paths.num_blocks, paths.num_depths) == (4, 3)
    assert paths.probability.shape == paths.alive.shape == (6, 4, 7)
    for block in range(4):
        for place, (source, target) in enumerate(paths.paths):
            row = trace.edges.index(TracedEdge(block, target, f"depth_{source}"))
            assert paths.rows[block, place] == row
            assert np.array_equal(paths.probability[:, block, place], trace.edge_weight[:, row])
            assert np.array_equal(paths.alive[:, block, place], trace.active[:, row].any(axis=1))
    assert not paths.alive.all()


def test_a_cell_search_is_no_dints_search() -> None:
    with pytest.raises(ValueError, match=r"column 'input' holds 'skip', not depth_<n>"):
        trace_paths(SearchTrace(SearchSpace(2)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0,depth_0", "0,depth_2", "column 'input' lacks depth_0 at node 0"),
        ("0,depth_0", "0,depth_", "column 'input' holds depth_ at node 0|lacks depth_0 at node 0"),
        ("0,depth_0", "0,depth_²", "lacks depth_0 at node 0"),
        ("2,depth_1", "2,depth_0", "column 'input' holds depth_0 at node 2"),
    ],
)
def test_impossible_path_is_named(
    make_search: Callable[..., Path], old: str, new: str, message: str
) -> None:
    file = make_search(4, 3) / "search_trace.csv"
    file.write_text(file.read_text().replace(f",{old},", f",{new},"))
    with pytest.raises(ValueError, match=message):
        trace_paths(SearchTrace.read(file))


@pytest.mark.parametrize(("depths", "blocks"), [(1, 4), (6, 4)])
def test_a_space_that_cannot_be_is_refused(depths: int, blocks: int, tmp_path: Path) -> None:
    header = "epoch,level,node,input,operation,probability,divergence,active,edge_weight,seconds\n"
    rows = [
        f"1,{block},{target},depth_{source},conv_3x3x3,1,,1,0.5,1\n"
        for block in range(blocks)
        for target in range(depths)
        for source in range(depths)
        if abs(source - target) <= 1
    ]
    file = tmp_path / "search_trace.csv"
    file.write_text(header + "".join(rows))
    with pytest.raises(ValueError, match=rf"num_depths must be 2 to 5, got {depths}"):
        trace_paths(SearchTrace.read(file))
