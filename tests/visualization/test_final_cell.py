from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iac_components.visualization.final_cell import ChosenOperation, chosen_operations
from iac_components.visualization.trace_file import Edge, Trace, read_trace


def small_trace(probability: np.ndarray, edge_weight: np.ndarray) -> Trace:
    """One epoch, one node with the inputs skip, gate, node_0 and the operations none, a, b."""
    return Trace(
        epochs=np.array([1]),
        edges=tuple(Edge(0, 1, name) for name in ("skip", "gate", "node_0")),
        operations=("none", "a", "b"),
        probability=probability[None],
        divergence=np.full((1, 3), np.nan),
        active=probability[None] > 0,
        edge_weight=edge_weight[None],
        seconds=np.ones(1),
    )


PROBABILITY = np.array([[0.8, 0.15, 0.05], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3]])


def test_product_with_the_edge_weight_decides_and_none_does_not_count() -> None:
    # skip: 0.15 * 0.6 = 0.09; gate: 0.6 * 0.1 = 0.06; node_0: 0.5 * 0.3 = 0.15.
    chosen = chosen_operations(small_trace(PROBABILITY, np.array([0.6, 0.1, 0.3])))
    assert chosen == [ChosenOperation(0, 1, "skip", "a"), ChosenOperation(0, 1, "node_0", "a")]


def test_ties_go_to_the_earlier_edge_and_operation() -> None:
    chosen = chosen_operations(small_trace(np.full((3, 3), 1 / 3), np.full(3, 1 / 3)))
    assert chosen == [ChosenOperation(0, 1, "skip", "a"), ChosenOperation(0, 1, "gate", "a")]


def test_dead_operation_is_not_chosen_however_probable() -> None:
    trace = small_trace(PROBABILITY, np.array([0.2, 0.4, 0.4]))
    active = trace.active.copy()
    active[0, 1, 2] = False
    chosen = chosen_operations(replace(trace, active=active))
    assert ChosenOperation(0, 1, "gate", "a") in chosen


def test_node_with_one_usable_input_is_an_error() -> None:
    trace = small_trace(PROBABILITY, np.array([0.2, 0.4, 0.4]))
    active = trace.active.copy()
    active[0, 0] = False
    active[0, 1, 1:] = False
    with pytest.raises(ValueError, match=r"level 0, node 1 has 1 input.*epoch 1"):
        chosen_operations(replace(trace, active=active))


def test_a_whole_search_ends_in_two_living_inputs_a_node(trace_csv: Path) -> None:
    trace = read_trace(trace_csv)
    chosen = chosen_operations(trace)
    assert [c.node for c in chosen] == [0, 0, 1, 1, 2, 2, 3, 3]
    for c in chosen:
        edge = trace.edges.index(Edge(c.level, c.node, c.input))
        assert trace.active[-1, edge].sum() == 1
        assert trace.active[-1, edge, trace.operations.index(c.operation)]
