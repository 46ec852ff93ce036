"""The cell that is chosen where more than one is left."""

from __future__ import annotations

import numpy as np
import pytest

from iac_components.search.audits.looks.choice import (
    choose_inputs,
    choose_operations,
    contested_inputs,
    contested_operations,
)
from iac_components.search.audits.looks.remaining import Remaining
from iac_components.search.evidence.parts import Part
from iac_components.search_space import SearchSpace

OPERATIONS = ("none", "skip_connect", "avg_pool_3x3", "sep_conv_3x3")
COSTS = np.array([0.0, 0.0, 1.0, 9.0])


def choose(effects: list[float], *, tolerance: float):
    """Choose among the operations of one edge with these effects."""
    space = SearchSpace(2, operations=OPERATIONS, num_nodes=1)
    alive = np.zeros((1, 2, 4), dtype=bool)
    alive[0, 0] = True
    remaining = Remaining(space, alive, np.zeros(4, dtype=np.int64))
    contested = contested_operations(remaining)
    assert contested == [Part("operation", 0, 0, column) for column in (1, 2, 3)]
    chosen, forced = choose_operations(
        remaining, dict(zip(contested, effects, strict=True)), costs=COSTS, tolerance=tolerance
    )
    (column,) = chosen.operations(0, 0)
    assert forced == {Part("operation", 0, 0, column)}
    return OPERATIONS[column]


@pytest.mark.parametrize(
    ("effects", "tolerance", "chosen"),
    [
        ([0.0, 0.001, 0.002], 0.003, "skip_connect"),
        ([-0.5, 0.001, 0.002], 0.003, "avg_pool_3x3"),
        ([0.0, 0.0, 0.01], 0.003, "sep_conv_3x3"),
        ([0.001, 0.002, 0.0], 0.0, "avg_pool_3x3"),
    ],
)
def test_the_cheapest_stays_of_those_within_the_tolerance_of_the_best(effects, tolerance, chosen):
    assert choose(effects, tolerance=tolerance) == chosen


def test_none_is_never_chosen():
    assert choose([-1.0, -1.0, -1.0], tolerance=10.0) == "skip_connect"


def test_of_more_than_two_inputs_the_best_two_stay():
    space = SearchSpace(2, operations=OPERATIONS, num_nodes=2)
    alive = np.zeros((1, 5, 4), dtype=bool)
    alive[0, :, 1] = True
    remaining = Remaining(space, alive, np.zeros(4, dtype=np.int64))
    contested = contested_inputs(remaining)
    assert contested == [Part("edge", 0, edge) for edge in (2, 3, 4)]
    chosen, forced = choose_inputs(remaining, dict(zip(contested, [0.1, 0.3, 0.2], strict=True)))
    assert chosen.inputs(0, 1) == [3, 4]
    assert chosen.inputs(0, 0) == [0, 1]
    assert forced == {Part("edge", 0, 3), Part("edge", 0, 4)}
