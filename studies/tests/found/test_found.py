"""Found cells against the table."""

from __future__ import annotations

import numpy as np
import pytest

from studies.cell_table.rows.patients import split_cases
from studies.cell_table.rows.table import CellTable
from studies.cell_table.training.backbone import train_backbone
from studies.found.comparison import compare, equal_cost, overlap
from studies.found.fill import SHARED, Task, fill_found
from studies.found.records import mean_dice, read_found
from studies.found.report import report
from studies.measuring.rules import RULES

COSTS = {"parameters": 50, "multiply_adds": 110, "milliseconds": 1.5, "plain_milliseconds": 1.0}


def table() -> CellTable:
    count = 31
    dice = np.linspace(0.6, 0.7, count)
    return CellTable(
        names=tuple(f"c{row}" for row in range(count)),
        kinds=("none", *["random"] * (count - 1)),
        cells=({},) * count,
        patients=("p", "q"),
        dice=np.broadcast_to(dice[:, None, None], (count, 2, 2)).copy(),
        parameters=np.full(count, 100),
        multiply_adds=np.array([0, *range(100, 100 + 10 * (count - 1), 10)]),
        milliseconds=np.full(count, 2.0),
        slowdown=np.full(count, 2.0),
    )


def record(dice: float, *, operation: str = "skip_connect", seed: int = 0) -> dict[str, object]:
    node = {"level": 0, "node": 0, "edges": [{"input": "skip", "operation": operation}]}
    runs = [{"seed": run, "dice": {"p": dice, "q": dice}, "costs": COSTS} for run in (0, 1)]
    return {
        **{"rule": "audit", "seed": seed, "kind": "searched", "epochs": 9, "search_seconds": 5.0},
        "genotype": {"nodes": [node]},
        "trained": runs,
    }


def test_rivals_are_the_twenty_random_cells_nearest_in_cost():
    rows = equal_cost(table(), 110)
    assert len(rows) == 20
    assert 0 not in rows
    assert rows.max() == 20


def test_regret_cost_and_agreement():
    found = compare([record(0.66), record(0.68, operation="avg_pool_3x3")], table())
    best = np.linspace(0.6, 0.7, 31)[20]
    np.testing.assert_allclose(found.regret, best - np.array([0.66, 0.68]))
    assert found.within == 1
    assert found.parameters == 0.5
    assert found.extra_milliseconds == 0.5
    assert found.slowdown == 1.5
    assert found.agreement == 0
    assert found.decided == 2
    assert found.p_value < 0.1


def test_overlap_is_of_edges_with_their_operations():
    one = frozenset({(0, 0, "skip", "a"), (0, 0, "gate", "b")})
    other = frozenset({(0, 0, "skip", "a"), (0, 0, "gate", "c")})
    assert overlap([one, one]) == 1
    assert overlap([one, other]) == pytest.approx(1 / 3)
    assert overlap([frozenset(), frozenset()]) == 1
    assert np.isnan(overlap([one]))


def test_searches_are_made_once_trained_and_reported(tiny, phantom, tmp_path):
    backbone = train_backbone(tiny, phantom, tmp_path / "backbone.pt")
    task = Task(tiny, backbone, split_cases(tiny, phantom), phantom, "inverted", 1)
    shared = {**SHARED, "epochs": 2, "steps_per_epoch": 1, "warmup_epochs": 1, "batch_size": 2}
    options = {"raw": tmp_path / "raw", "rules": [RULES["alphas"]], "shared": shared}
    assert fill_found(task, limit=1, **options) == 1
    (found,) = read_found(tmp_path / "raw", dataset=tiny.name, shift="inverted")
    assert 0 <= mean_dice(found) <= 1
    assert len(found["trained"]) == 2
    assert fill_found(task, limit=0, **options) == 0
    with pytest.raises(ValueError, match="other shared"):
        fill_found(task, limit=0, **{**options, "shared": SHARED})
    text = report(tmp_path / "raw", table(), dataset=tiny.name, shift="inverted")
    assert "| alphas | 1 |" in text
