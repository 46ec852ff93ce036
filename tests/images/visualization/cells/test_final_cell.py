from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iac_components.search import SearchTrace
from iac_components.search.results.trace_file import TracedEdge
from iac_components.search_space import Genotype, SearchSpace, discretize, random_genotype
from iac_components.visualization.cells.final_cell import (
    ChosenOperation,
    chosen_operations,
    final_cell,
)

SPACE = SearchSpace(3, ("none", "a", "b"), num_nodes=2, levels=2)


def one_epoch(seed: int = 0) -> SearchTrace:
    generator = np.random.default_rng(seed)
    shape = (2, len(SPACE.edges), 3)
    trace = SearchTrace(SPACE)
    trace.append(
        probabilities=generator.random(shape),
        edge_weights=generator.random(shape[:2]),
        divergence=np.full(shape[:2], np.nan),
        alive=np.ones(shape, dtype=bool),
        seconds=1.0,
    )
    return trace


def test_a_genotype_is_drawn_as_it_is() -> None:
    cell = random_genotype(SPACE, 4)
    assert final_cell(one_epoch(), cell) is cell
    assert chosen_operations(cell) == [
        ChosenOperation(node.level, node.node, edge.input, edge.operation)
        for node in cell.nodes
        for edge in node.edges
    ]


def test_without_one_the_trace_is_discretized_as_the_search_does_it() -> None:
    trace = one_epoch()
    probabilities, weights = trace.last()
    expected = discretize(SPACE, probabilities, edge_weights=weights)
    assert final_cell(trace).nodes == expected.nodes
    assert chosen_operations(trace) == chosen_operations(expected)


@pytest.mark.parametrize(
    "other",
    [
        replace(SPACE, operations=("none", "a", "c")),
        replace(SPACE, num_nodes=3),
        replace(SPACE, levels=1),
    ],
)
def test_genotype_of_another_space_is_refused(other: SearchSpace) -> None:
    cell: Genotype = random_genotype(other, 0)
    with pytest.raises(ValueError, match=r"search_space\.\w+ .*pass files of the same search"):
        final_cell(one_epoch(), cell)


def test_a_dints_search_found_no_cell(make_search: Callable[..., Path]) -> None:
    trace = SearchTrace.read(make_search() / "search_trace.csv")
    with pytest.raises(ValueError, match="'depth_0' at node 0: not the trace of a cell search"):
        final_cell(trace)


def test_a_whole_search_ends_in_two_living_inputs_a_node(trace_csv: Path) -> None:
    trace = SearchTrace.read(trace_csv)
    chosen = chosen_operations(trace)
    assert [c.node for c in chosen] == [0, 0, 1, 1, 2, 2, 3, 3]
    for c in chosen:
        edge = trace.edges.index(TracedEdge(c.level, c.node, c.input))
        assert trace.active[-1, edge].sum() == 1
        assert trace.active[-1, edge, trace.operations.index(c.operation)]
