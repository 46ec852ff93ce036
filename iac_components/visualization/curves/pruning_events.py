"""Pruning events, derived from the flips of a trace's ``active`` column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iac_components.search import SearchTrace

__all__ = ["PruningEvent", "pruning_events"]


@dataclass(frozen=True)
class PruningEvent:
    """Operations that one edge lost at the end of one epoch.

    Attributes:
        epoch: the epoch, from 1.
        edge: index into ``trace.edges``.
        operations: names of the operations that went.
        edge_removed: True if no operation is left, so the edge itself is gone.
    """

    epoch: int
    edge: int
    operations: tuple[str, ...]
    edge_removed: bool


def pruning_events(trace: SearchTrace) -> list[PruningEvent]:
    """Return every pruning event in order of epoch and edge; all are alive before epoch 1."""
    active = trace.active
    lost = np.concatenate([np.ones_like(active[:1]), active[:-1]]) & ~active
    return [
        PruningEvent(
            epoch=int(trace.epochs[time]),
            edge=int(edge),
            operations=tuple(trace.operations[index] for index in np.flatnonzero(lost[time, edge])),
            edge_removed=not active[time, edge].any(),
        )
        for time, edge in np.argwhere(lost.any(axis=2))
    ]
