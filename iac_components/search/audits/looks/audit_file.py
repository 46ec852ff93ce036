"""Reading of ``audit_trace.csv``, the measurements of every look of a search."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from iac_components.common.files.csv_table import CsvTable, read_csv_table
from iac_components.common.trace_format import AUDIT_COLUMNS

__all__ = ["AuditLine", "AuditedPart", "read_audit_trace"]


class AuditedPart(NamedTuple):
    """A part of a supernet; fields that do not apply to its kind are None or empty.

    Attributes:
        kind: cells (all together), cell, skip, node, edge, path or operation.
        level: of the cell, or the block of a path; None of all together.
        node: number of the node that it is, or leads to.
        input: of an edge, path or operation.
        operation: of an operation.
    """

    kind: str
    level: int | None
    node: int | None
    input: str
    operation: str


@dataclass(frozen=True)
class AuditLine:
    """A part at a look.

    Attributes:
        epoch: after which it was measured.
        part: that was left out.
        effect: by how much the loss rises without it; NaN where it is unknown.
        low: lower bound; may be infinite.
        high: upper bound; may be infinite.
        verdict: the conclusion, in the search's word.
    """

    epoch: int
    part: AuditedPart
    effect: float
    low: float
    high: float
    verdict: str


def read_audit_trace(path: str | Path) -> list[AuditLine]:
    """Read the looks of a search in the order of the file; none if it ended before the first.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file and the line and column at fault.
    """
    what = "audit trace; a search with an audit writes it as audit_trace.csv"
    table = read_csv_table(path, AUDIT_COLUMNS, what=what, may_be_empty=True)
    return list(_lines(table))


def _lines(table: CsvTable) -> Iterator[AuditLine]:
    for row in range(len(table.lines)):
        text = {name: table.columns[name][row] for name in AUDIT_COLUMNS}
        epoch = _whole(table, row, "epoch")
        if epoch is None:
            raise table.fault(row, "epoch", "a whole number from 0 on")
        level, node = (_whole(table, row, name) for name in ("level", "node"))
        part = AuditedPart(text["kind"], level, node, text["input"], text["operation"])
        effect, low, high = (_real(table, row, name) for name in ("effect", "low", "high"))
        if math.isnan(low) or math.isnan(high):
            raise table.fault(row, "low" if math.isnan(low) else "high", "a bound")
        yield AuditLine(epoch, part, effect, low, high, text["verdict"])


def _whole(table: CsvTable, row: int, column: str) -> int | None:
    """Return a whole number from 0 on, None where the field is empty."""
    field = table.columns[column][row]
    if field and not (field.isascii() and field.isdecimal() and len(field) < 10):
        raise table.fault(row, column, "a whole number from 0 on")
    return int(field) if field else None


def _real(table: CsvTable, row: int, column: str) -> float:
    try:
        return float(table.columns[column][row])
    except ValueError as error:
        raise table.fault(row, column, "a number") from error
