"""Choice of the cell if a search ends with more than one left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

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
    "choose_inputs",
    "choose_operations",
    "contested_inputs",
    "contested_operations",
    "from_genotype",
    "kept_parts",
    "open_choices",
    "reasons_of",
    "removable_parts",
    "rivals_of",
]

Decided = str
"""``evidence``, ``cost`` or ``undecided``."""


def contested_inputs(remaining: Remaining) -> list[Part]:
    """List the inputs of nodes that have more than a cell may keep."""
    return [part for group in _crowded(remaining) for part in group]


def choose_inputs(
    remaining: Remaining, effects: Mapping[Part, float]
) -> tuple[Remaining, frozenset[Part]]:
    """Choose the best two inputs of nodes that have more.

    Args:
        remaining: living part of the supernet.
        effects: of the contested inputs.

    Returns:
        The rest, and the inputs that were chosen in this way, without being decided.
    """
    forced: set[Part] = set()
    going: list[Part] = []
    for group in _crowded(remaining):
        ranked = sorted(group, key=lambda part: -effects[part])
        forced |= set(ranked[:INPUTS_PER_NODE])
        going += ranked[INPUTS_PER_NODE:]
    return remaining.without(going), frozenset(forced)


def contested_operations(remaining: Remaining) -> list[Part]:
    """List the operations, without ``none``, of edges that have more than one."""
    return [part for group in _races(remaining) if len(group) > 1 for part in group]


def choose_operations(
    remaining: Remaining,
    effects: Mapping[Part, float],
    *,
    costs: FloatArray,
    tolerance: float,
) -> tuple[Remaining, frozenset[Part]]:
    """Choose one operation of each edge: the cheapest of those within the tolerance of the best.

    An operation is not paid for unless evidence shows that it is worth its cost.

    Args:
        remaining: living part of the supernet, with its final inputs.
        effects: of the contested operations.
        costs: (O,) of the operations.
        tolerance: loss that does not matter.

    Returns:
        The chosen cell, and the operations that were chosen in this way, without being decided.
    """
    forced: set[Part] = set()
    going: list[Part] = []
    for group in _races(remaining):
        stays = group[0]
        if len(group) > 1:
            least = max(effects[part] for part in group) - tolerance
            level = [part for part in group if effects[part] >= least]
            stays = min(level, key=lambda part: (costs[part.column], -effects[part]))
            forced.add(stays)
        columns = remaining.operations(stays.level, stays.index)
        parts = (replace(stays, column=column) for column in columns)
        going += [part for part in parts if part != stays]
    return remaining.without(going), frozenset(forced)


def _crowded(remaining: Remaining) -> Iterator[list[Part]]:
    for row in remaining.rows:
        for node in remaining.nodes(row):
            edges = [Part("edge", row, edge) for edge in remaining.inputs(row, node)]
            if len(edges) > INPUTS_PER_NODE:
                yield edges


def _races(remaining: Remaining) -> Iterator[list[Part]]:
    """Yield the operations of each edge, without ``none``."""
    for row in remaining.rows:
        for edge in np.flatnonzero(remaining.alive[row].any(axis=-1)).tolist():
            columns = remaining.operations(row, edge)
            yield [
                Part("operation", row, edge, column)
                for column in columns
                if column != remaining.space.none_index
            ]


def from_genotype(remaining: Remaining, genotype: Genotype) -> Remaining:
    """Return the parts of a supernet that a genotype keeps."""
    space = remaining.space
    alive = np.zeros_like(remaining.alive)
    rows = {(edge.node, edge.input): row for row, edge in enumerate(space.edges)}
    for node in genotype.nodes:
        for edge in node.edges:
            row = rows[node.node, edge.input]
            alive[node.level, row, space.operations.index(edge.operation)] = True
    return Remaining(space, alive & remaining.alive, remaining.treatments)


def reasons_of(chosen: Remaining, log: AuditLog, forced: frozenset[Part]) -> dict[Part, Decided]:
    """State for each chosen operation and edge whether it was raced, and how the race ended.

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
    """State how the race that an operation won was decided; None if there was none.

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


def rivals_of(chosen: Remaining, remaining: Remaining) -> tuple[Part, ...]:
    """Return the inputs and operations of a supernet that a chosen cell does without."""
    rivals = [
        Part("edge", row, edge)
        for row, edge in np.argwhere(
            remaining.alive.any(axis=-1) & ~chosen.alive.any(axis=-1)
        ).tolist()
    ]
    shared = remaining.alive & chosen.alive.any(axis=-1, keepdims=True)
    rivals += [
        Part("operation", row, edge, column)
        for row, edge, column in np.argwhere(shared & ~chosen.alive).tolist()
    ]
    return tuple(rivals)


def removable_parts(chosen: Remaining) -> list[Part]:
    """List the removable parts: cells, nodes, and inputs but the last."""
    parts = [Part("cell", place) for place in chosen.cells]
    for row in chosen.rows:
        nodes = chosen.nodes(row)
        parts += [Part("node", row, node) for node in nodes if len(nodes) > 1]
        for node in nodes:
            edges = chosen.inputs(row, node)
            parts += [Part("edge", row, edge) for edge in edges if len(edges) > 1]
    return parts
