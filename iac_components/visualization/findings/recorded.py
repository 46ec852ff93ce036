"""Findings as the provenance of a found cell or topology records them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iac_components.common.files import Fields
from iac_components.dints import ArchitectureError, DintsArchitecture
from iac_components.search.audits.looks.audit_file import AuditLine
from iac_components.search_space import Genotype, GenotypeError

__all__ = ["DECISIONS", "Interval", "RecordedFindings", "RecordedPart", "recorded_findings"]

DECISIONS = ("evidence", "cost", "undecided")
"""Ways in which a part was decided, the firmest first."""


@dataclass(frozen=True)
class Interval:
    """A mean effect with its bounds, in units of the loss.

    Attributes:
        mean: NaN where it is unknown.
        low: minus infinity where nothing can be said.
        high: infinity where nothing can be said.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class RecordedPart:
    """A part of what was found.

    Attributes:
        kind: cell, skip, node, edge or operation; of a topology, path or operation.
        level: of a cell or skip, the level that has it; of the others, that of the cell they are
            in, 0 where all levels share one. Of a topology the block.
        node: number of the node that it is, or leads to; None of a cell or skip. Of a topology the
            depth that a path leads to.
        input: of an edge, path or operation.
        operation: of an operation.
        effect: what the loss rises by without it.
        decided: one of ``DECISIONS``.
    """

    kind: str
    level: int
    node: int | None
    input: str | None
    operation: str | None
    effect: Interval
    decided: str


@dataclass(frozen=True)
class RecordedFindings:
    """Findings of a search, as its file holds them.

    Attributes:
        gain: loss without any cell minus loss with the found ones; None of a topology.
        parts: in the order of the file.
        decided: whether the search ended with all decided.
        alpha: error of the intervals.
        tolerance: loss that does not matter.
        patients: how many the intervals are over; None if the file does not say.
        costs: of a pass through the plain network and through that with cells, by unit.
    """

    gain: Interval | None
    parts: tuple[RecordedPart, ...]
    decided: bool
    alpha: float
    tolerance: float
    patients: int | None
    costs: Mapping[str, tuple[float, float]]

    def find(
        self, kind: str, level: int, node: int | None = None, source: str | None = None
    ) -> RecordedPart | None:
        """Return the part at a place, None if the file has none there."""
        for part in self.parts:
            if (part.kind, part.level, part.node, part.input) == (kind, level, node, source):
                return part
        return None

    def of_edge(self, level: int, node: int, source: str) -> RecordedPart | None:
        """Return the effect of a kept edge, decided no more firmly than its operation."""
        found = [self.find(kind, level, node, source) for kind in ("edge", "operation")]
        known = [part for part in found if part is not None]
        if not known:
            return None
        weakest = max((part.decided for part in known), key=DECISIONS.index)
        first = known[0]
        return RecordedPart("edge", level, node, source, None, first.effect, weakest)


def recorded_findings(
    found: Genotype | DintsArchitecture, looks: Sequence[AuditLine] = ()
) -> RecordedFindings | None:
    """Return the findings of a search; None if it recorded none.

    Where no cell was found the gain of nothing over nothing is recorded, and what all cells gained
    at the last look that measured them says more.

    Raises:
        ValueError: naming the field of the findings that is missing or wrong; a GenotypeError or
            ArchitectureError, as its reader would raise.
    """
    content = found.provenance.get("findings")
    if content is None:
        return None
    fault = GenotypeError if isinstance(found, Genotype) else ArchitectureError
    top = Fields.of(content, error=fault, where="provenance.findings")
    return RecordedFindings(
        gain=_gain(top, looks),
        parts=tuple(_part(fields) for fields in top.children("parts")),
        decided=found.provenance.get("kind") != "undecided",
        alpha=_number(top, "alpha", 0.05),
        tolerance=_number(top, "tolerance", 0.0),
        patients=top.integer("patients") if "patients" in top.values else None,
        costs=_costs(top),
    )


def _gain(top: Fields, looks: Sequence[AuditLine]) -> Interval | None:
    if "gain" not in top.values:
        return None
    gain = _interval(top.child("gain"))
    last = [line for line in looks if line.part.kind == "cells"][-1:]
    if gain.low == gain.high == 0 and last:
        return Interval(last[0].effect, last[0].low, last[0].high)
    return gain


def _part(fields: Fields) -> RecordedPart:
    decided = fields.string("decided")
    if decided not in DECISIONS:
        raise fields.error(
            f"{fields.name('decided')} must be {', '.join(DECISIONS)}, got {decided!r}."
        )
    return RecordedPart(
        kind=fields.string("kind"),
        level=fields.integer("level"),
        node=fields.integer("node") if "node" in fields.values else None,
        input=fields.string("input") if "input" in fields.values else None,
        operation=fields.string("operation") if "operation" in fields.values else None,
        effect=_interval(fields.child("effect")),
        decided=decided,
    )


def _interval(fields: Fields) -> Interval:
    return Interval(
        mean=_number(fields, "mean", math.nan),
        low=_number(fields, "low", -math.inf),
        high=_number(fields, "high", math.inf),
    )


def _number(fields: Fields, key: str, unknown: float) -> float:
    return unknown if fields.values.get(key) is None else fields.number(key)


def _costs(top: Fields) -> dict[str, tuple[float, float]]:
    if "cost" not in top.values:
        return {}
    costs = top.child("cost")
    units = {unit: costs.child(unit) for unit in costs.values}
    # A topology has no plain network that it could be held against.
    return {
        unit: (cost.number("plain"), cost.number("cells"))
        for unit, cost in units.items()
        if "plain" in cost.values
    }
