"""Stages of a look, from coarse to fine: the parts that compete, and those that may go."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from iac_components.common.registry import Registry
from iac_components.search.audits.audit import Effects, FloatArray, measure_effects
from iac_components.search.audits.audit_racing import race
from iac_components.search.audits.looks.groups import Bundle, Group, Rules, Ruling, best_of
from iac_components.search.audits.looks.log import WHOLE
from iac_components.search.audits.looks.remaining import CELL, NONE, OFF, Remaining
from iac_components.search.audits.looks.standing import (
    IntArray,
    Standing,
    against_each_other,
    against_nothing,
    surplus,
)
from iac_components.search.evidence.parts import Part
from iac_components.search_space.discretization import INPUTS_PER_NODE

__all__ = ["JUDGES", "groups_of", "left_out"]

Judge = Callable[[Group, FloatArray, Remaining, Rules], Ruling]
JUDGES: Registry[Judge] = Registry("stage")


def left_out(part: Part, remaining: Remaining) -> Bundle:
    """Return the parts that are left out to measure ``part``: itself, or every cell."""
    if part == WHOLE:
        return tuple(Part("cell", place) for place in remaining.cells)
    return (part,)


def groups_of(stage: str, remaining: Remaining, *, skips: int) -> Iterator[Group]:
    """Yield the groups of a stage.

    What is the only one of its group is judged as a part of the next coarser stage alone.

    Args:
        stage: of the look.
        remaining: living part of the supernet.
        skips: number of places that are skips, and may be switched off; the first ones.
    """
    if stage == "cells":
        yield from _cells(remaining, skips)
        return
    for row in remaining.rows:
        nodes = remaining.nodes(row)
        if stage == "nodes":
            if len(nodes) > 1:
                yield Group(stage, row, 0, tuple(Part("node", row, node) for node in nodes))
            continue
        for node in nodes:
            edges = remaining.inputs(row, node)
            if stage == "inputs":
                if len(edges) > 1:
                    parts = tuple(Part("edge", row, edge) for edge in edges)
                    yield Group(stage, row, node, parts, len(edges) > INPUTS_PER_NODE)
                continue
            for edge in edges:
                columns = remaining.operations(row, edge)
                if len(columns) > 1:
                    parts = tuple(Part("operation", row, edge, column) for column in columns)
                    yield Group(stage, row, edge, parts, True)


def _cells(remaining: Remaining, skips: int) -> Iterator[Group]:
    places = remaining.cells
    if not places:
        return
    cells = [Part("cell", place) for place in places] if len(places) > 1 else []
    on = np.flatnonzero(remaining.treatments[:skips] != OFF).tolist()
    yield Group("cells", 0, 0, (WHOLE, *cells, *(Part("skip", place) for place in on)))


@JUDGES.register("cells")
def _judge_cells(group: Group, gains: FloatArray, remaining: Remaining, rules: Rules) -> Ruling:
    """Remove needless cells; switch off skips without which the network does better.

    Where a cell is needed, but the network does as well without it and its skip, the skip is
    switched off: that costs nothing.
    """
    effects = measure_effects(gains, level=rules.level)
    standings = against_nothing(effects, tolerance=rules.tolerance)
    needless = {
        part: effects.mean[number]
        for number, part in enumerate(group.parts)
        if standings[number] == Standing.NEEDLESS
    }
    if WHOLE in needless:
        place = (group.parts.index(WHOLE),)
        return Ruling(effects, standings, place, together=left_out(WHOLE, remaining))
    cells = sorted((p for p in needless if p.kind == "cell"), key=lambda part: needless[part])
    going = cells[: len(remaining.cells) - 1]
    for number, part in enumerate(group.parts):
        if part.kind != "skip" or Part("cell", part.level) in going:
            continue
        treatment = remaining.treatments[part.level]
        better = treatment == NONE and effects.high[number] < 0
        spared = treatment == CELL and part in needless
        if better or spared:
            going.append(part)
    return Ruling(effects, standings, tuple(group.parts.index(part) for part in going))


@JUDGES.register("nodes")
def _judge_nodes(group: Group, gains: FloatArray, remaining: Remaining, rules: Rules) -> Ruling:
    """Remove needless nodes, but not the last."""
    effects = measure_effects(gains, level=rules.level)
    standings = against_nothing(effects, tolerance=rules.tolerance)
    most = len(remaining.nodes(group.row)) - 1
    return Ruling(effects, standings, _needless(effects, standings, most=most))


@JUDGES.register("inputs")
def _judge_inputs(group: Group, gains: FloatArray, remaining: Remaining, rules: Rules) -> Ruling:
    """Remove needless inputs, but not the last; then those beyond two."""
    effects = measure_effects(gains, level=rules.level)
    standings = against_nothing(effects, tolerance=rules.tolerance)
    most = len(remaining.inputs(group.row, group.index)) - 1
    going = _needless(effects, standings, most=most)
    if group.competing and not going:
        beyond, surplus_parts = surplus(
            gains, most=INPUTS_PER_NODE, tolerance=rules.tolerance, level=rules.level
        )
        standings = np.where(surplus_parts, beyond, standings)
        going = tuple(np.flatnonzero(surplus_parts).tolist())
        rival = best_of(gains, ~surplus_parts, INPUTS_PER_NODE)
        return Ruling(effects, standings, going, rival)
    return Ruling(effects, standings, going)


@JUDGES.register("operations")
def _judge_operations(
    group: Group, gains: FloatArray, remaining: Remaining, rules: Rules
) -> Ruling:
    """Race the operations of an edge, of which one is kept; ``none`` gains nothing."""
    none = remaining.space.none_index
    columns = [part.column for part in group.parts]
    gains = np.where((np.array(columns) == none)[:, None], 0.0, gains)
    keep, judgement = race(
        gains,
        np.ones(len(columns), dtype=bool),
        costs=rules.costs[columns],
        tolerance=rules.tolerance,
        level=rules.level,
        forbidden=columns.index(none) if none in columns else -1,
    )
    effects = measure_effects(gains, level=rules.level)
    going = tuple(np.flatnonzero(~keep).tolist())
    return Ruling(effects, against_each_other(judgement), going, best_of(gains, keep, 1))


def _needless(effects: Effects, standings: IntArray, *, most: int) -> tuple[int, ...]:
    found = np.flatnonzero(standings == Standing.NEEDLESS)
    ranked = found[np.argsort(effects.mean[found], kind="stable")]
    return tuple(ranked[:most].tolist())
