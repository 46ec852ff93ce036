from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
from found_cells import CELLS, with_findings

from iac_components.search.audits.looks.audit_file import AuditedPart, AuditLine
from iac_components.search_space import Genotype, GenotypeError
from iac_components.visualization.findings.recorded import Interval, recorded_findings

ONE = with_findings(CELLS["one_node"])


def changed(genotype: Genotype, **fields: object) -> Genotype:
    findings = copy.deepcopy(genotype.provenance["findings"])
    assert isinstance(findings, dict)
    return replace(genotype, provenance={**genotype.provenance, "findings": {**findings, **fields}})


def test_what_the_provenance_says_is_read() -> None:
    found = recorded_findings(ONE)
    assert found is not None
    assert found.gain == Interval(0.031, 0.012, 0.050)
    assert (found.decided, found.alpha, found.tolerance, found.patients) == (True, 0.05, 0.003, 12)
    assert found.costs["milliseconds"] == (5.0, 5.5)
    assert [part.kind for part in found.parts] == [
        *["cell"] * 2,
        *["skip"] * 3,
        "node",
        *["edge"] * 2,
        *["operation"] * 2,
    ]
    cell = found.find("cell", 1)
    assert cell is not None
    assert cell.effect == Interval(0.002, 0.001, 0.003)
    assert found.find("cell", 2) is None


def test_a_search_without_findings_has_none() -> None:
    assert recorded_findings(CELLS["whole"]) is None


def test_what_is_unknown_is_null() -> None:
    found = recorded_findings(changed(ONE, gain={"mean": None, "low": None, "high": None}))
    assert found is not None
    assert found.gain is not None
    assert math.isnan(found.gain.mean)
    assert (found.gain.low, found.gain.high) == (-math.inf, math.inf)


@pytest.mark.parametrize(("gain", "seen"), [(0.0, 0.002), (0.031, 0.031)])
def test_where_no_cell_was_found_the_last_look_says_what_cells_gain(
    gain: float, seen: float
) -> None:
    cells = AuditedPart("cells", None, None, "", "")
    looks = [
        AuditLine(epoch, part, effect, -0.001, 0.005, "needless")
        for epoch, part, effect in (
            (3, cells, 0.1),
            (4, cells, 0.002),
            (5, cells._replace(kind="skip", level=0), 0.3),
        )
    ]
    recorded = dict.fromkeys(("mean", "low", "high"), gain)
    found = recorded_findings(with_findings(CELLS["no_cell"], gain=recorded), looks)
    assert found is not None
    assert found.gain is not None
    assert found.gain.mean == seen


@pytest.mark.parametrize(
    ("edge", "operation", "expected"),
    [
        ("evidence", "evidence", "evidence"),
        ("evidence", "cost", "cost"),
        ("undecided", "cost", "undecided"),
        ("evidence", "undecided", "undecided"),
    ],
)
def test_edge_is_decided_no_more_firmly_than_its_operation(
    edge: str, operation: str, expected: str
) -> None:
    place = {"level": 0, "node": 0, "input": "skip"}
    effects = [{"mean": m, "low": m, "high": m} for m in (0.5, 0.1)]
    parts = [
        {
            "kind": "operation",
            **place,
            "operation": "a",
            "effect": effects[1],
            "decided": operation,
        },
        {"kind": "edge", **place, "effect": effects[0], "decided": edge},
    ]
    found = recorded_findings(changed(ONE, parts=parts))
    assert found is not None
    part = found.of_edge(0, 0, "skip")
    assert part is not None
    assert (part.decided, part.effect.mean) == (expected, 0.5)
    assert found.of_edge(0, 0, "gate") is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"parts": {}}, r"provenance\.findings\.parts must be a list"),
        ({"parts": [{"kind": "cell"}]}, r"parts\[0\]\.decided' is missing"),
        ({"parts": [{"kind": "cell", "decided": "luck"}]}, r"parts\[0\]\.decided must be evidence"),
        ({"gain": 3}, r"findings\.gain must be a JSON object"),
        ({"gain": {"mean": "much"}}, r"gain\.mean must be a number"),
        ({"patients": "all"}, r"findings\.patients must be an integer"),
        ({"alpha": True}, r"findings\.alpha must be a number"),
        ({"cost": {"milliseconds": {"plain": 1}}}, r"cost\.milliseconds\.cells' is missing"),
    ],
)
def test_faulty_field_is_named(fields: dict[str, object], message: str) -> None:
    with pytest.raises(GenotypeError, match=message):
        recorded_findings(changed(ONE, **fields))
