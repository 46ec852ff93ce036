"""Numbers of a search by name: what its operations have come to."""

from __future__ import annotations

import math
from pathlib import Path

from iac_components.search import SearchTrace
from iac_components.search.audits.looks.audit_file import AuditLine, read_audit_trace

__all__ = ["name_effects", "name_probabilities", "read_looks"]


def name_probabilities(trace: SearchTrace) -> dict[str, float]:
    """Name the probabilities of the newest epoch, of the operations that were alive before it.

    Args:
        trace: of at least one epoch.
    """
    before = trace.active[-2] if len(trace) > 1 else None
    return {
        f"probability/level_{edge.level}/node_{edge.node}/{edge.input}/{operation}": float(
            trace.probability[-1, row, column]
        )
        for row, edge in enumerate(trace.edges)
        for column, operation in enumerate(trace.operations)
        if before is None or before[row, column]
    }


def read_looks(audit_trace: str | Path | None) -> list[AuditLine]:
    """Read all looks of an audit so far; none if it has not looked yet."""
    if audit_trace is None or not Path(audit_trace).is_file():
        return []
    return read_audit_trace(audit_trace)


def name_effects(looks: list[AuditLine]) -> dict[int, dict[str, float]]:
    """Name the effects of operations, and of all other parts, by the epoch of their look."""
    found: dict[int, dict[str, float]] = {}
    for line in looks:
        kind, level, node, entry, operation = line.part
        places = {"level": level, "node": node}
        words = [f"{name}_{place}" for name, place in places.items() if place is not None]
        name = "/".join(filter(None, ["effect", kind, *words, entry, operation]))
        if math.isfinite(line.effect):
            found.setdefault(line.epoch, {})[name] = line.effect
    return found
