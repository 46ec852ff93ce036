"""Reading ``search_trace.csv``: what a search recorded of every epoch, edge and operation."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from iac_components.trace_format import TRACE_COLUMNS
from iac_components.visualization.csv_table import Numbers, read_csv_table

__all__ = ["Edge", "Trace", "read_trace"]

SHARE = "a number from 0 to 1"
KINDS = {
    "probability": Numbers(SHARE, 0, 1),
    "divergence": Numbers(f"{SHARE}, or empty while undefined", 0, 1, may_be_empty=True),
    "active": Numbers("0 or 1", 0, 1, integral=True),
    "edge_weight": Numbers(SHARE, 0, 1),
    "seconds": Numbers("a finite number from 0 on", 0),
}
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Edge:
    """What carries a mixed operation: from ``input`` into ``node`` of the cell at ``level``.

    In a DiNTS search a path: from the resolution ``input`` (``depth_<n>``) into the resolution
    ``node`` of the block ``level``.
    """

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
        edge_weight: (T, E) softmax of the betas over the node's living inputs, 0 once removed;
            in a DiNTS search the probability of the path, each on its own.
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
    what = "trace; a search writes it as search_trace.csv"
    table = read_csv_table(path, TRACE_COLUMNS, what=what)
    whole = {name: table.counts(name) for name in ("epoch", "level", "node")}
    real = {name: table.numbers(name, kind) for name, kind in KINDS.items()}
    inputs = table.columns["input"]
    edges, edge = _index(
        list(zip(whole["level"].tolist(), whole["node"].tolist(), inputs, strict=True))
    )
    operations, operation = _index(table.columns["operation"])
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
