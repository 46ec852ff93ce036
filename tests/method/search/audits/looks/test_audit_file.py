from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from iac_components.common.trace_format import AUDIT_COLUMNS
from iac_components.search.audits.audit import Effects
from iac_components.search.audits.looks.audit_file import AuditedPart, AuditLine, read_audit_trace
from iac_components.search.audits.looks.log import WHOLE, AuditLog
from iac_components.search.audits.looks.standing import Standing
from iac_components.search.evidence.parts import Part
from iac_components.search_space import SearchSpace

HEADER = ",".join(AUDIT_COLUMNS)


def write(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "audit_trace.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def test_every_value_arrives_at_its_place(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "4,1,cells,,,,,0.03,-inf,inf,undecided",
        "4,1,node,0,2,,,0.01,0.001,0.02,needed",
        "5,2,operation,1,2,node_0,sep_conv_3x3,nan,-inf,inf,worse",
    )
    first, second, third = read_audit_trace(path)
    assert first == AuditLine(
        4, AuditedPart("cells", None, None, "", ""), 0.03, -math.inf, math.inf, "undecided"
    )
    assert second == AuditLine(4, AuditedPart("node", 0, 2, "", ""), 0.01, 0.001, 0.02, "needed")
    assert third.part == AuditedPart("operation", 1, 2, "node_0", "sep_conv_3x3")
    assert math.isnan(third.effect)


def test_a_search_that_ended_before_its_first_look_has_no_line(tmp_path: Path) -> None:
    assert read_audit_trace(write(tmp_path)) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",1,cell,0,,,,0,0,0,needed", "line 2, column 'epoch': '' is not a whole number"),
        ("1,1,cell,-1,,,,0,0,0,needed", "column 'level': '-1' is not a whole number"),
        ("1,1,node,0,²,,,0,0,0,needed", "column 'node': '²' is not a whole number"),
        ("1,1,node,0,99999999999,,,0,0,0,needed", "column 'node': '99999999999' is not"),
        ("1,1,cell,0,,,,much,0,0,needed", "column 'effect': 'much' is not a number"),
        ("1,1,cell,0,,,,0,nan,0,needed", "column 'low': 'nan' is not a bound"),
        ("1,1,cell,0,,,,0,0,nan,needed", "column 'high': 'nan' is not a bound"),
        ("1,1,cell", "line 2 has 3 of 11 fields"),
    ],
)
def test_fault_names_line_and_column(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"audit_trace\.csv: .*{message}"):
        read_audit_trace(write(tmp_path, row))


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit_trace.csv"
    path.write_text("epoch,part\n")
    with pytest.raises(ValueError, match=r"line 1 lacks the column 'look'"):
        read_audit_trace(path)


def test_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.csv: no such audit trace"):
        read_audit_trace(tmp_path / "absent.csv")


def test_what_an_audit_writes_is_read(tmp_path: Path) -> None:
    space = SearchSpace(2, num_nodes=1)
    log = AuditLog(space)
    parts = [WHOLE, Part("skip", 2), Part("node", 0, 0), Part("operation", 0, 1, 4)]
    means, bounds = np.array([0.1, 0.2, np.nan, 0.4]), np.array([0.0, 0.1, -np.inf, 0.3])
    effects = Effects(means, bounds, bounds, np.array([0.2, 0.3, np.inf, 0.5]), 5)
    log.add(parts, effects, list(Standing)[:4], epoch=3, look=1)
    log.write(tmp_path / "audit_trace.csv")
    lines = read_audit_trace(tmp_path / "audit_trace.csv")
    assert [line.part for line in lines] == [
        AuditedPart("cells", None, None, "", ""),
        AuditedPart("skip", 2, None, "", ""),
        AuditedPart("node", 0, 0, "", ""),
        AuditedPart("operation", 0, 0, "gate", space.operations[4]),
    ]
    assert [line.verdict for line in lines] == [s.name.lower() for s in list(Standing)[:4]]
    assert [line.epoch for line in lines] == [3] * 4
    np.testing.assert_allclose([line.effect for line in lines], means)
    np.testing.assert_allclose([line.low for line in lines], bounds)
