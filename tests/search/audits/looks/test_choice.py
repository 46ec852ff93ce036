"""The cell that is chosen where more than one is left."""

from __future__ import annotations

import numpy as np
import pytest

from iac_components.search.audits.audit import Effects
from iac_components.search.audits.looks.choice import choose_rest
from iac_components.search.audits.looks.log import AuditLog
from iac_components.search.audits.looks.remaining import Remaining
from iac_components.search.audits.looks.standing import Standing
from iac_components.search.evidence.parts import Part
from iac_components.search_space import SearchSpace

OPERATIONS = ("none", "skip_connect", "avg_pool_3x3", "sep_conv_3x3")
COSTS = np.array([0.0, 0.0, 1.0, 9.0])


def choose(effects: list[float], *, tolerance: float):
    """Choose among the operations of one edge with these effects."""
    space = SearchSpace(2, operations=OPERATIONS, num_nodes=1)
    alive = np.zeros((1, 2, 4), dtype=bool)
    alive[0, 0] = True
    log = AuditLog(space)
    parts = [Part("operation", 0, 0, column) for column in range(4)]
    values = np.array([0.0, *effects])
    unknown = np.full(4, np.inf)
    log.add(
        parts,
        Effects(values, unknown, -unknown, unknown, 5),
        [Standing.UNDECIDED] * 4,
        epoch=1,
        look=1,
    )
    remaining = Remaining(space, alive, np.zeros(4, dtype=np.int64))
    chosen, forced = choose_rest(remaining, log, costs=COSTS, tolerance=tolerance)
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
