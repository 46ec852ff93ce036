"""The cell that is chosen where a search ends with more than one left."""

from __future__ import annotations

import numpy as np

from iac_components.search.looks.log import AuditLog
from iac_components.search.looks.remaining import OFF, Remaining
from iac_components.search.looks.standing import Standing
from iac_components.search.parts import Part
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


def choose_rest(remaining: Remaining, log: AuditLog) -> tuple[Remaining, frozenset[Part]]:
    """Choose the best by their newest effect where more than one is left.

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
            kept, lost = _best(real, log, most=1)
            forced |= set(kept) if lost else set()
            going += [part for part in parts if part not in kept]
    return left.without(going), frozenset(forced)


def _best(parts: list[Part], log: AuditLog, *, most: int) -> tuple[list[Part], list[Part]]:
    ranked = sorted(parts, key=lambda part: -_effect(part, log))
    return ranked[:most], ranked[most:]


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
            if part in reasons:
                continue
            lost = [
                log.standing(Part("operation", row, edge, other))
                for other in range(len(chosen.space.operations))
                if other != column and log.latest(Part("operation", row, edge, other)) is not None
            ]
            if lost:
                equal = any(standing == Standing.EQUAL for standing in lost)
                reasons[part] = "cost" if equal else "evidence"
    return reasons


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
    """List what could be taken from a chosen cell: cells, nodes, and inputs but the last."""
    parts = [Part("cell", place) for place in chosen.cells]
    for row in chosen.rows:
        nodes = chosen.nodes(row)
        parts += [Part("node", row, node) for node in nodes if len(nodes) > 1]
        for node in nodes:
            edges = chosen.inputs(row, node)
            parts += [Part("edge", row, edge) for edge in edges if len(edges) > 1]
    return parts
