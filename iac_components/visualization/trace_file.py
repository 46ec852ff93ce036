"""Reading ``search_trace.csv``: what a search recorded of every epoch, edge and operation."""

from __future__ import annotations

import csv
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from iac_components.trace_format import TRACE_COLUMNS

__all__ = ["Edge", "Trace", "read_trace"]

LARGEST = {"probability": 1.0, "divergence": 1.0, "active": 1.0, "edge_weight": 1.0}
Key = TypeVar("Key", bound=Hashable)
ROUNDING = 1e-6  # a printed mean of softmax values may exceed 1 by rounding


@dataclass(frozen=True)
class Edge:
    """An edge of a search cell: from ``input`` into ``node`` of the cell at ``level``."""

    level: int
    node: int
    input: str


@dataclass(frozen=True, eq=False)
class Trace:
    """A search trace as arrays: T epochs, E edges, O operations.

    Attributes:
        epochs: (T,) 1, 2, ... T.
        edges: the E edges in the order of the file.
        operations: the O names in the order of the file.
        probability: (T, E, O) mean softmax probability over the epoch, 0 once pruned.
        divergence: (T, E) Jensen-Shannon divergence in base 2, NaN while undefined.
        active: (T, E, O) True if the operation is alive after that epoch's pruning.
        edge_weight: (T, E) softmax of the betas over the node's living inputs, 0 once removed.
        seconds: (T,) wall seconds of the epoch.
    """

    epochs: NDArray[np.int64]
    edges: tuple[Edge, ...]
    operations: tuple[str, ...]
    probability: NDArray[np.float64]
    divergence: NDArray[np.float64]
    active: NDArray[np.bool_]
    edge_weight: NDArray[np.float64]
    seconds: NDArray[np.float64]


def read_trace(path: str | Path) -> Trace:
    """Read a search trace and check that it is complete.

    Args:
        path: the CSV file; the order of its rows does not matter.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file and the column, line or epoch at fault: a missing column, a
            field that is not a number in its range, an epoch that lacks rows or has one twice.
    """
    lines, columns = _read_columns(Path(path))
    whole = {n: _whole_numbers(path, n, columns[n], lines) for n in ("epoch", "level", "node")}
    names = ("probability", "divergence", "active", "edge_weight", "seconds")
    real = {n: _real_numbers(path, n, columns[n], lines) for n in names}
    edges, edge = _index(
        list(zip(whole["level"].tolist(), whole["node"].tolist(), columns["input"], strict=True))
    )
    operations, operation = _index(columns["operation"])
    epochs = np.unique(whole["epoch"])
    if not np.array_equal(epochs, np.arange(1, len(epochs) + 1)):
        raise ValueError(
            f"{path}: column 'epoch' holds {epochs[0]} to {epochs[-1]} with gaps or a wrong start; "
            "it must count 1, 2, 3, ..."
        )
    epoch = whole["epoch"] - 1
    _require_complete(path, epoch, edge * len(operations) + operation, len(edges) * len(operations))

    shape = (len(epochs), len(edges), len(operations))
    probability, active = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    divergence, edge_weight = np.zeros(shape[:2]), np.zeros(shape[:2])
    seconds = np.zeros(shape[0])
    probability[epoch, edge, operation] = real["probability"]
    active[epoch, edge, operation] = real["active"] == 1
    divergence[epoch, edge] = real["divergence"]
    edge_weight[epoch, edge] = real["edge_weight"]
    seconds[epoch] = real["seconds"]
    return Trace(
        epochs=epochs,
        edges=tuple(Edge(*key) for key in edges),
        operations=tuple(operations),
        probability=probability,
        divergence=divergence,
        active=active,
        edge_weight=edge_weight,
        seconds=seconds,
    )


def _read_columns(path: Path) -> tuple[list[int], dict[str, tuple[str, ...]]]:
    """Return the line number of each row and the fields of each column, as text."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such trace; a search writes it as search_trace.csv")
    lines: list[int] = []
    rows: list[list[str]] = []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream)
            header = next(reader, [])
            for name in TRACE_COLUMNS:
                if name not in header:
                    raise ValueError(f"{path}: line 1 lacks the column '{name}'")
            if tuple(header) != TRACE_COLUMNS:
                raise ValueError(f"{path}: line 1 must be exactly {','.join(TRACE_COLUMNS)}")
            for row in reader:
                if len(row) != len(TRACE_COLUMNS):
                    raise ValueError(
                        f"{path}: line {reader.line_num} has {len(row)} of {len(TRACE_COLUMNS)} "
                        "fields; was the file cut off?"
                    )
                lines.append(reader.line_num)
                rows.append(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a UTF-8 CSV file ({error})") from error
    if not rows:
        raise ValueError(f"{path}: holds no epoch")
    return lines, dict(zip(TRACE_COLUMNS, zip(*rows, strict=True), strict=True))


def _whole_numbers(
    path: str | Path, column: str, fields: Sequence[str], lines: Sequence[int]
) -> NDArray[np.int64]:
    values = np.empty(len(fields), dtype=np.int64)
    for row, field in enumerate(fields):
        try:
            values[row] = int(field)
        except (ValueError, OverflowError) as error:
            raise ValueError(_not_a_number(path, lines[row], column, field, "whole")) from error
        if values[row] < 0:
            raise ValueError(_not_a_number(path, lines[row], column, field, "whole"))
    return values


def _real_numbers(
    path: str | Path, column: str, fields: Sequence[str], lines: Sequence[int]
) -> NDArray[np.float64]:
    """Return the numbers of a column; an empty divergence, and nothing else, becomes NaN."""
    values = np.empty(len(fields))
    for row, field in enumerate(fields):
        try:
            values[row] = np.nan if column == "divergence" and field == "" else float(field)
        except ValueError as error:
            raise ValueError(_not_a_number(path, lines[row], column, field, "real")) from error
    fits = (values >= -ROUNDING) & (values <= LARGEST.get(column, np.finfo(float).max) + ROUNDING)
    if column == "active":
        fits &= (values == 0) | (values == 1)
    if column == "divergence":
        fits |= np.array([field == "" for field in fields])
    for row in np.flatnonzero(~fits)[:1]:
        raise ValueError(_not_a_number(path, lines[row], column, fields[row], "real"))
    return values


def _not_a_number(path: str | Path, line: int, column: str, field: str, kind: str) -> str:
    expected = {
        "active": "0 or 1",
        "seconds": "a finite number from 0 on",
        "divergence": "a number from 0 to 1, or empty while undefined",
    }.get(column, "a number from 0 to 1" if kind == "real" else "a whole number from 0 on")
    return f"{path}: line {line}, column '{column}': {field[:40]!r} is not {expected}"


def _index(values: Sequence[Key]) -> tuple[list[Key], NDArray[np.int64]]:
    """Return the distinct values in order of appearance, and for each value its place there."""
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return list(places), np.array([places[value] for value in values], dtype=np.int64)


def _require_complete(
    path: str | Path, epoch: NDArray[np.int64], slot: NDArray[np.int64], slots: int
) -> None:
    """Raise unless every epoch holds each of the ``slots`` (edge, operation) pairs once."""
    counts = np.bincount(epoch)
    for index in np.flatnonzero(counts != slots)[:1]:
        remedy = "the file was cut off" if index == len(counts) - 1 else "rows lack or repeat"
        raise ValueError(
            f"{path}: epoch {index + 1} is incomplete or doubled: {counts[index]} rows where every "
            f"edge and operation make {slots}; {remedy}"
        )
    seen = np.bincount(epoch * slots + slot, minlength=len(counts) * slots)
    for index in np.flatnonzero(seen == 0)[:1]:
        raise ValueError(
            f"{path}: epoch {index // slots + 1} is incomplete: one edge and operation is missing "
            "and another is there twice"
        )
