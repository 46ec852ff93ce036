"""Names of a search's numbers, and the looks of an audit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from iac_components.configs.tracking.search_numbers import (
    name_effects,
    name_probabilities,
    read_looks,
)
from iac_components.search import SearchTrace
from iac_components.search.audits.looks.audit_file import AuditedPart, AuditLine
from iac_components.search_space import SearchSpace


@pytest.fixture
def trace():
    """Two epochs; the first operation of the first edge goes after the first."""
    space = SearchSpace(2, num_nodes=1)
    found = SearchTrace(space)
    shape = (1, len(space.edges), len(space.operations))
    alive = np.ones(shape, dtype=bool)
    alive[0, 0, 0] = False
    for probability in (0.25, 0.5):
        found.append(
            probabilities=np.full(shape, probability),
            edge_weights=np.full(shape[:2], 0.5),
            divergence=np.zeros(shape[:2]),
            alive=alive,
            seconds=1.0,
        )
    return found


def test_probabilities_of_living_operations(trace):
    names = name_probabilities(trace)
    gone = f"probability/level_0/node_0/{trace.edges[0].input}/{trace.operations[0]}"
    assert gone not in names
    assert len(names) == trace.probability[0].size - 1
    assert set(names.values()) == {0.5}


def test_effects_by_epoch():
    looks = [
        AuditLine(3, AuditedPart("operation", 0, 1, "skip", "none"), 0.5, 0.1, 0.9, "needed"),
        AuditLine(3, AuditedPart("cells", None, None, "", ""), 0.25, 0.1, 0.9, "needed"),
        AuditLine(5, AuditedPart("cell", 2, None, "", ""), math.nan, -math.inf, math.inf, "open"),
    ]
    assert name_effects(looks) == {
        3: {"effect/operation/level_0/node_1/skip/none": 0.5, "effect/cells": 0.25}
    }


def test_without_an_audit_there_are_no_looks(tmp_path):
    assert read_looks(None) == read_looks(tmp_path / "audit_trace.csv") == []
