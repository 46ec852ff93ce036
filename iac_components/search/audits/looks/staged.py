"""The looks of a cell search: cells, nodes, inputs and operations, from coarse to fine."""

from __future__ import annotations

from collections.abc import Iterator

from iac_components.search.audits.audit import FloatArray
from iac_components.search.audits.looks.groups import Bundle, Group, Rules, Ruling
from iac_components.search.audits.looks.log import AuditLog
from iac_components.search.audits.looks.looking import Looks, MeasureLosses, Ready
from iac_components.search.audits.looks.remaining import Remaining
from iac_components.search.audits.looks.settings import STAGES, AuditSettings, error_level
from iac_components.search.audits.looks.stages import JUDGES, groups_of, left_out
from iac_components.search.evidence.parts import Part

__all__ = ["MeasureLosses", "Ready", "StagedAudit"]


class StagedAudit(Looks[Remaining]):
    """Looks whose stages are: cells (and skips), nodes, inputs of nodes, operations of edges.

    Args:
        measure: losses by patient.
        settings: rules of the audit.
        costs: (O,) of the operations, for the choice among equals.
        skips: number of places that are skips; the first ones.
        log: measurements so far; grows.
    """

    stages = STAGES

    def __init__(
        self,
        measure: MeasureLosses,
        settings: AuditSettings,
        *,
        costs: FloatArray,
        skips: int,
        log: AuditLog,
    ) -> None:
        super().__init__(measure, settings, log=log)
        self.costs = costs
        self.skips = skips

    def groups(self, stage: str, remaining: Remaining) -> Iterator[Group]:
        """See :meth:`Looks.groups`."""
        return groups_of(stage, remaining, skips=self.skips)

    def rule(
        self, group: Group, differences: FloatArray, remaining: Remaining, level: float
    ) -> Ruling:
        """See :meth:`Looks.rule`."""
        rules = Rules(self.settings.tolerance, level, self.costs)
        return JUDGES[group.stage](group, differences, remaining, rules)

    def error_level(self, stage: str, number: int, remaining: Remaining) -> float:
        """See :meth:`Looks.error_level`."""
        places = len(remaining.treatments)
        return error_level(self.settings, stage, number, space=remaining.space, places=places)

    def is_ready(self, group: Group, ready: Ready) -> bool:
        """See :meth:`Looks.is_ready`."""
        if group.stage == "operations":
            return bool(ready.operations[group.row, group.index])
        return group.stage != "inputs" or bool(ready.inputs[group.row, group.index])

    def left_out(self, part: Part, remaining: Remaining) -> Bundle:
        """See :meth:`Looks.left_out`."""
        return left_out(part, remaining)

    def is_free(self, part: Part, remaining: Remaining) -> bool:
        """See :meth:`Looks.is_free`: ``none`` gives nothing to lose."""
        return part.kind == "operation" and part.column == remaining.space.none_index

    def is_open(self, part: Part) -> bool:
        """See :meth:`Looks.is_open`: a skip is on unless something speaks against it."""
        return part.kind != "skip" and super().is_open(part)
