"""The looks of a topology search: paths, then the operations of each path."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from iac_components.dints.searching.remaining_topology import RemainingTopology
from iac_components.search.audits.audit import FloatArray, comparisons_among, measure_effects
from iac_components.search.audits.audit_racing import race
from iac_components.search.audits.looks.groups import Group, Ruling, best_of
from iac_components.search.audits.looks.log import AuditLog
from iac_components.search.audits.looks.looking import Looks, MeasureLosses, Ready
from iac_components.search.audits.looks.settings import AuditSettings, error_share
from iac_components.search.audits.looks.standing import (
    Standing,
    against_each_other,
    against_nothing,
)
from iac_components.search.evidence.parts import Part

__all__ = ["TopologyLooks"]


class TopologyLooks(Looks[RemainingTopology]):
    """Looks whose stages are paths and operations of paths.

    A path that no architecture within the budget can do without is not judged; whatever else goes,
    one such architecture stays.

    Args:
        measure: losses by patient.
        settings: rules of the audit.
        costs: (L, P, O) of the operations, for the choice among equals.
        log: what was measured so far; grows.
    """

    stages = ("paths", "operations")

    def __init__(
        self, measure: MeasureLosses, settings: AuditSettings, *, costs: FloatArray, log: AuditLog
    ) -> None:
        super().__init__(measure, settings, log=log)
        self.costs = costs

    def groups(self, stage: str, remaining: RemainingTopology) -> Iterator[Group]:
        """See :meth:`Looks.groups`."""
        for path in remaining.paths:
            if stage == "paths":
                if remaining.can_lose(path):
                    yield Group(stage, path.level, path.index, (path,))
                continue
            operations = remaining.operations(path)
            if len(operations) > 1:
                yield Group(stage, path.level, path.index, tuple(operations), competing=True)

    def rule(
        self, group: Group, differences: FloatArray, remaining: RemainingTopology, level: float
    ) -> Ruling:
        """See :meth:`Looks.rule`: needless paths go, and operations race for their path."""
        effects, tolerance = measure_effects(differences, level=level), self.settings.tolerance
        rival: FloatArray | None = None
        if group.stage == "paths":
            standings = against_nothing(effects, tolerance=tolerance)
            going = standings == Standing.NEEDLESS
        else:
            columns = [part.column for part in group.parts]
            keep, judgement = race(
                differences,
                np.ones(len(columns), dtype=bool),
                costs=self.costs[group.row, group.index, columns],
                tolerance=tolerance,
                level=level,
            )
            standings, going = against_each_other(judgement), ~keep
            rival = best_of(differences, keep, 1)
        return Ruling(effects, standings, tuple(np.flatnonzero(going).tolist()), rival)

    def error_level(self, stage: str, number: int, remaining: RemainingTopology) -> float:
        """See :meth:`Looks.error_level`: each stage has half of alpha."""
        space = remaining.space
        each = 2 if stage == "paths" else comparisons_among(len(space.operations))
        count = space.num_blocks * len(space.paths) * each
        return error_share(self.settings, count, number, stages=len(self.stages))

    def is_ready(self, group: Group, ready: Ready) -> bool:
        """See :meth:`Looks.is_ready`."""
        mask = ready.inputs if group.stage == "paths" else ready.operations
        return bool(mask[group.row, group.index])

    def allowed(self, parts: list[Part], remaining: RemainingTopology) -> list[Part]:
        """See :meth:`Looks.allowed`: an architecture within the budget stays."""
        found: list[Part] = []
        for part in parts:
            if remaining.can_lose(*found, part):
                found.append(part)
        return found
