"""The cell that is chosen where a search ends with more than one left."""

from __future__ import annotations

import numpy as np

from iac_components.search.audits.audit import FloatArray
from iac_components.search.audits.looks.log import AuditLog
from iac_components.search.audits.looks.remaining import OFF, Remaining
from iac_components.search.audits.looks.standing import Standing
from iac_components.search.evidence.parts import Part
from iac_components.search_space.discretization import INPUTS_PER_NODE
from iac_components.search_space.genotype import Genotype

__all__ = [
    "Decided",
    "choose_rest",
    "from_genotype",
    "kept_parts",
    "open_choices",
    "reasons_of",
    "removable_parts",
]

Decided = str
"""``evidence``, ``cost`` or ``undecided``."""


def choose_rest(
    remaining: Remaining, log: AuditLog, *, costs: FloatArray, tolerance: float
) -> tuple[Remaining, frozenset[Part]]:
    """Choose by the newest effects where more than one is left.

    Of inputs the best two stay; of operations the cheapest of those that were measured within the
    tolerance of the best: what nothing shows to be worth its cost is not paid for.

    Args:
        remaining: what the search ended with.
        log: what was measured.
        costs: (O,) of the operations.
        tolerance: loss that does not matter.

    Returns:
        What is chosen, and the parts of it that were chosen so, without being decided.
    """
    forced: set[Part] = set()
    going: list[Part] = []
    for row in remaining.rows:
        for node in remaining.nodes(row):
            edges = [Part("edge", row, edge) for edge in remaining.inputs(row, node)]
            kept, lost = _best(edges, log, most=INPUTS_PER_NODE)
            forced |= set(kept) if lost else set()
            going += lost
    left = remaining.without(going)
    going = []
    for row in left.rows:
        for edge in np.flatnonzero(left.alive[row].any(axis=-1)).tolist():
            parts = [Part("operation", row, edge, column) for column in left.operations(row, edge)]
            real = [part for part in parts if part.column != left.space.none_index]
            stays = _cheapest(real, log, costs=costs, tolerance=tolerance)
            forced |= {stays} if len(real) > 1 else set()
            going += [part for part in parts if part != stays]
    return left.without(going), frozenset(forced)


def _best(parts: list[Part], log: AuditLog, *, most: int) -> tuple[list[Part], list[Part]]:
    ranked = sorted(parts, key=lambda part: -_effect(part, log))
    return ranked[:most], ranked[most:]


def _cheapest(parts: list[Part], log: AuditLog, *, costs: FloatArray, tolerance: float) -> Part:
    """The cheapest of those within the tolerance of the best; of equal cost the better."""
    least = max(_effect(part, log) for part in parts) - tolerance
    level = [part for part in parts if _effect(part, log) >= least]
    return min(level, key=lambda part: (costs[part.column], -_effect(part, log)))


def _effect(part: Part, log: AuditLog) -> float:
    line = log.latest(part)
    return -np.inf if line is None or not np.isfinite(line.mean) else line.mean


def from_genotype(remaining: Remaining, genotype: Genotype) -> Remaining:
    """Return what a genotype keeps of a supernet."""
    space = remaining.space
    alive = np.zeros_like(remaining.alive)
    rows = {(edge.node, edge.input): row for row, edge in enumerate(space.edges)}
    for node in genotype.nodes:
        for edge in node.edges:
            row = rows[node.node, edge.input]
            alive[node.level, row, space.operations.index(edge.operation)] = True
    return Remaining(space, alive & remaining.alive, remaining.treatments)


def reasons_of(chosen: Remaining, log: AuditLog, forced: frozenset[Part]) -> dict[Part, Decided]:
    """Say of each chosen operation and edge whether it was raced, and how the race was decided.

    An operation that is the cheapest of equals is decided by cost; one that the others are worse
    than, by evidence. What never had a rival is left out.
    """
    reasons: dict[Part, Decided] = dict.fromkeys(forced, "undecided")
    for row in chosen.rows:
        for edge in np.flatnonzero(chosen.alive[row].any(axis=-1)).tolist():
            (column,) = chosen.operations(row, edge)
            part = Part("operation", row, edge, column)
            reason = reason_of_race(part, log, operations=len(chosen.space.operations))
            if reason is not None:
                reasons.setdefault(part, reason)
    return reasons


def reason_of_race(part: Part, log: AuditLog, *, operations: int) -> Decided | None:
    """Say how the race was decided that an operation won; None if there was none.

    Args:
        part: the operation that is left.
        log: of the search.
        operations: number of operations of the space.
    """
    rivals = [
        Part("operation", part.level, part.index, column)
        for column in range(operations)
        if column != part.column
    ]
    lost = [log.standing(rival) for rival in rivals if log.latest(rival) is not None]
    if not lost:
        return None
    return "cost" if Standing.EQUAL in lost else "evidence"


def kept_parts(chosen: Remaining, *, skips: int) -> list[Part]:
    """List the parts of a chosen cell: cells, skips that are on, nodes, edges, operations."""
    parts = [Part("cell", place) for place in chosen.cells]
    parts += [Part("skip", place) for place in range(skips) if chosen.treatments[place] != OFF]
    for row in chosen.rows:
        nodes = chosen.nodes(row)
        parts += [Part("node", row, node) for node in nodes]
        edges = [edge for node in nodes for edge in chosen.inputs(row, node)]
        parts += [Part("edge", row, edge) for edge in edges]
        parts += [
            Part("operation", row, edge, column)
            for edge in edges
            for column in chosen.operations(row, edge)
        ]
    return parts


def open_choices(chosen: Remaining, remaining: Remaining) -> frozenset[Part]:
    """Return the kept operations and edges that still had rivals when the search ended."""
    found: set[Part] = set()
    for row in chosen.rows:
        for node in chosen.nodes(row):
            edges = chosen.inputs(row, node)
            if len(remaining.inputs(row, node)) > len(edges):
                found |= {Part("edge", row, edge) for edge in edges}
            for edge in edges:
                if len(remaining.operations(row, edge)) > 1:
                    (column,) = chosen.operations(row, edge)
                    found.add(Part("operation", row, edge, column))
    return frozenset(found)


def removable_parts(chosen: Remaining) -> list[Part]:
    """List what could be taken from what is left: cells, nodes, and inputs but the last."""
    parts = [Part("cell", place) for place in chosen.cells]
    for row in chosen.rows:
        nodes = chosen.nodes(row)
        parts += [Part("node", row, node) for node in nodes if len(nodes) > 1]
        for node in nodes:
            edges = chosen.inputs(row, node)
            parts += [Part("edge", row, edge) for edge in edges if len(edges) > 1]
    return parts
