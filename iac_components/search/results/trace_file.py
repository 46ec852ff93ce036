"""Reading of ``search_trace.csv``: the records of every epoch, and their space."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from iac_components.common.files.csv_table import CsvTable, Numbers, read_csv_table
from iac_components.common.trace_format import TRACE_COLUMNS
from iac_components.search_space.space import NONE_OPERATION, Edge

__all__ = ["TraceContent", "TracedEdge", "TracedSpace", "read_trace_content"]

SHARE = "a number from 0 to 1"
KINDS = {
    "probability": Numbers(SHARE, 0, 1),
    "divergence": Numbers(f"{SHARE}, or empty while undefined", 0, 1, may_be_empty=True),
    "active": Numbers("0 or 1", 0, 1, integral=True),
    "edge_weight": Numbers(SHARE, 0, 1),
    "seconds": Numbers("a finite number from 0 on", 0),
}
AXES = {"probability": 3, "divergence": 2, "active": 3, "edge_weight": 2, "seconds": 0}
"""Axes of a quantity within an epoch: levels, edges, operations."""

Key = TypeVar("Key", bound=Hashable)
Indices = npt.NDArray[np.int64]


class TracedEdge(NamedTuple):
    """An edge of a level: from ``input`` into ``node`` of the cell at ``level``.

    In a DiNTS search a path: from the resolution ``input`` (``depth_<n>``) into the resolution
    ``node`` of the block ``level``.
    """

    level: int
    node: int
    input: str


@dataclass(frozen=True)
class TracedSpace:
    """Part of a search space that its trace contains; an ``EdgeSpace``.

    Attributes:
        operations: names of the O candidate operations of every edge.
        levels: copies of the graph that are chosen separately.
        num_nodes: nodes that edges end in.
        edges: all edges of a level, grouped by node.
    """

    operations: tuple[str, ...]
    levels: int
    num_nodes: int
    edges: tuple[Edge, ...]

    @property
    def none_index(self) -> int | None:
        """Position of the operation ``none``, if there is one."""
        return self.operations.index(NONE_OPERATION) if NONE_OPERATION in self.operations else None

    def inputs_of(self, node: int) -> tuple[str, ...]:
        """Names of the possible inputs of ``node``, in the order of its edges."""
        return tuple(edge.input for edge in self.edges if edge.node == node)

    def edges_of(self, node: int) -> slice:
        """Return the rows of ``edges`` that end in ``node``."""
        rows = [row for row, edge in enumerate(self.edges) if edge.node == node]
        return slice(rows[0], rows[-1] + 1)


@dataclass(frozen=True, eq=False)
class TraceContent:
    """The T epochs of a trace of L levels, E edges and O operations.

    Attributes:
        space: as far as the rows determine it.
        arrays: by column: probability and active (T, L, E, O), divergence and edge_weight
            (T, L, E), seconds (T,).
    """

    space: TracedSpace
    arrays: dict[str, npt.NDArray[np.float64]]


def read_trace_content(path: str | Path) -> TraceContent:
    """Read a search trace and check that it is complete.

    Args:
        path: the CSV file; the order of its rows does not matter.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file and the column, line or epoch at fault: a missing column, a
            field that is not a number in its range, an epoch that lacks rows or has one twice, a
            level with other edges than the first.
    """
    what = "trace; a search writes it as search_trace.csv"
    table = read_csv_table(path, TRACE_COLUMNS, what=what)
    epoch, level, node = (table.counts(name) for name in ("epoch", "level", "node"))
    values = {name: table.numbers(name, kind) for name, kind in KINDS.items()}
    keys = zip(level.tolist(), node.tolist(), table.columns["input"], strict=True)
    edges, edge = _index([TracedEdge(*key) for key in keys])
    operations, operation = _index(table.columns["operation"])
    epochs = np.unique(epoch)
    if not np.array_equal(epochs, np.arange(1, len(epochs) + 1)):
        raise table.error(
            f"column 'epoch' holds {epochs[0]} to {epochs[-1]} with gaps or a wrong start; "
            "it must count 1, 2, 3, ..."
        )
    slots = len(edges) * len(operations)
    _require_complete(table, epoch - 1, edge * len(operations) + operation, slots)
    space = _space(table, edges, tuple(operations))
    rows = {e: row for row, e in enumerate(space.edges)}
    row = np.array([rows[Edge(e.node, e.input)] for e in edges])[edge]
    shape = (len(epochs), space.levels, len(space.edges), len(operations))
    places = (epoch - 1, level, row, operation)
    arrays = {}
    for name, axes in AXES.items():
        arrays[name] = np.zeros(shape[: axes + 1])
        arrays[name][places[: axes + 1]] = values[name]
    return TraceContent(space, arrays)


def _index(values: Sequence[Key]) -> tuple[list[Key], Indices]:
    """Return the distinct values in order of appearance, and for each value its place there."""
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return list(places), np.array([places[value] for value in values], dtype=np.int64)


def _require_complete(table: CsvTable, epoch: Indices, slot: Indices, slots: int) -> None:
    """Raise unless every epoch holds each of the ``slots`` (edge, operation) pairs once."""
    counts = np.bincount(epoch)
    for index in np.flatnonzero(counts != slots)[:1]:
        remedy = "the file was cut off" if index == len(counts) - 1 else "rows lack or repeat"
        raise table.error(
            f"epoch {index + 1} is incomplete or doubled: {counts[index]} rows where every "
            f"edge and operation make {slots}; {remedy}"
        )
    seen = np.bincount(epoch * slots + slot, minlength=len(counts) * slots)
    for index in np.flatnonzero(seen == 0)[:1]:
        raise table.error(
            f"epoch {index // slots + 1} is incomplete: one edge and operation is missing "
            "and another is there twice"
        )


def _space(
    table: CsvTable, edges: Sequence[TracedEdge], operations: tuple[str, ...]
) -> TracedSpace:
    """Return the space of which every level has the same edges."""
    levels = _count(table, "level", {edge.level for edge in edges})
    nodes = _count(table, "node", {edge.node for edge in edges})
    first = sorted((edge for edge in edges if edge.level == 0), key=lambda edge: edge.node)
    expected = {edge._replace(level=level) for edge in first for level in range(levels)}
    for edge in sorted(expected ^ set(edges))[:1]:
        holds = "lacks" if edge in expected else "holds"
        raise table.error(
            f"column 'input' {holds} {edge.input} at level {edge.level}, node {edge.node}: every "
            "level has the same edges"
        )
    return TracedSpace(operations, levels, nodes, tuple(Edge(e.node, e.input) for e in first))


def _count(table: CsvTable, column: str, values: set[int]) -> int:
    """Return how many values there are; they count from 0."""
    if values != set(range(len(values))):
        raise table.error(
            f"column '{column}' holds up to {max(values)} with gaps; they must be 0, 1, 2, ..."
        )
    return len(values)
