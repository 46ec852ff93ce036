"""A staged audit: what a look measures, and what goes after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from iac_components.search.audit import FloatArray, gains, measure_effects
from iac_components.search.looks.log import AuditLog
from iac_components.search.looks.remaining import Remaining
from iac_components.search.looks.settings import STAGES, AuditSettings, Stage, error_level
from iac_components.search.looks.stages import (
    JUDGES,
    Bundle,
    Group,
    Rules,
    Ruling,
    groups_of,
    left_out,
)
from iac_components.search.looks.standing import Standing
from iac_components.search.parts import Part
from iac_components.search.stability import BoolArray

__all__ = ["MeasureLosses", "Ready", "StagedAudit"]

MeasureLosses = Callable[[Sequence[Bundle]], FloatArray]
"""Maps K bundles of parts to the losses (K, P) of P patients without each; of the empty one, with
everything."""

LONGEST_PAUSE = 4
"""Looks that pass at most before what stays undecided is measured once more."""


@dataclass(frozen=True)
class Ready:
    """Groups that may lose parts.

    Attributes:
        operations: (L, E) edges whose operations may go.
        inputs: (L, N) nodes whose inputs may go.
    """

    operations: BoolArray
    inputs: BoolArray


@dataclass(frozen=True)
class _Candidate:
    """A part that may go, with its effect, and the gains of what stays of its group for it."""

    effect: float
    part: Part
    group: Group
    rival: FloatArray | None


class StagedAudit:
    """Goes from coarse to fine within a look, and stops as soon as something goes.

    The stages are: cells (and skips), nodes, inputs of nodes, operations of edges. What a part is
    worth changes with what is left, so that a look in which something went leaves the finer stages
    to the next one, after the others have been trained on. A part that is needed is not measured
    again before the end; one that stays undecided is, after pauses that grow. A look costs no more
    decoder passes than it may; the groups that have waited longest come first.

    What may go is measured as one before it does, so that two parts that stand in for each other
    do not both go: if dropping all costs more than the tolerance, half of them is tried, and so
    on; what is missed least goes in any case. Where one of several stays, those that go may cost
    together what that one is worth alone: even as one part they would be no better.

    All that it knows is in its log, so that a resumed search decides as an unbroken one.

    Args:
        measure: losses by patient.
        settings: rules of the audit.
        costs: (O,) of the operations, for the choice among equals.
        skips: number of places that are skips; the first ones.
        log: what was measured so far; grows.
    """

    def __init__(
        self,
        measure: MeasureLosses,
        settings: AuditSettings,
        *,
        costs: FloatArray,
        skips: int,
        log: AuditLog,
    ) -> None:
        self.measure = measure
        self.settings = settings
        self.costs = costs
        self.skips = skips
        self.log = log
        self._reference: FloatArray | None = None

    def look(
        self,
        remaining: Remaining,
        *,
        epoch: int,
        number: int,
        ready: Ready | None = None,
        thorough: bool = False,
        stages: Sequence[Stage] = STAGES,
    ) -> Remaining:
        """Measure what is due, and return what is left after it.

        Args:
            remaining: what is left of the supernet, which must be what is measured.
            epoch: that has ended.
            number: of the look, counted from 1.
            ready: groups that may lose parts; None for all.
            thorough: measure everything, due or not, whatever it costs.
            stages: of the look.
        """
        started, budget, taken = time.perf_counter(), self.settings.passes - 1, 0
        self._reference = None
        left = remaining
        for stage in stages:
            due = self._due(stage, remaining, number, ready, thorough)
            groups: list[Group] = []
            for group in due:
                price = sum(not _is_none(part, remaining) for part in group.parts)
                if thorough or not taken or taken + price <= budget:
                    groups.append(group)
                    taken += price
            going = self._judge(stage, groups, remaining, epoch=epoch, number=number)
            if going:
                left = remaining.without(going)
                break
        self.log.seconds += time.perf_counter() - started
        return left

    def is_settled(self, remaining: Remaining) -> bool:
        """Tell whether every group of cells, nodes and inputs is needed, and nothing competes."""
        for stage in STAGES:
            for group in groups_of(stage, remaining, skips=self.skips):
                parts = [part for part in group.parts if part.kind != "skip"]
                open_parts = [p for p in parts if self.log.standing(p) != Standing.NEEDED]
                if group.competing or open_parts:
                    return False
        return True

    def effects_of(self, parts: Sequence[Part], remaining: Remaining) -> FloatArray:
        """Return what dropping each part costs each patient (K, P); ``none`` costs nothing."""
        asked = [number for number, part in enumerate(parts) if not _is_none(part, remaining)]
        losses = self._losses([left_out(parts[number], remaining) for number in asked])
        found = np.zeros((len(parts), losses.shape[1]))
        found[asked] = losses
        return found

    def _losses(self, bundles: Sequence[Bundle]) -> FloatArray:
        """What dropping each bundle costs each patient, in the supernet of this look."""
        if self._reference is None:
            losses = self._measured([(), *bundles])
            self._reference, losses = losses[0], losses[1:]
        else:
            losses = self._measured(bundles)
        return gains(self._reference, losses)

    def forget(self) -> None:
        """Measure the losses with everything once more, since the supernet has changed."""
        self._reference = None

    def _measured(self, bundles: Sequence[Bundle]) -> FloatArray:
        self.log.passes += len(bundles)
        return self.measure(bundles)

    def _due(
        self, stage: Stage, remaining: Remaining, number: int, ready: Ready | None, thorough: bool
    ) -> list[Group]:
        """Groups that are to be measured, those first that have waited longest."""
        found = []
        for group in groups_of(stage, remaining, skips=self.skips):
            if ready is not None and not _is_ready(group, ready):
                continue
            parts = group.parts if thorough else self._due_parts(group, number)
            if parts:
                found.append(Group(stage, group.row, group.index, parts, group.competing))
        return sorted(found, key=lambda group: min(self._last(part) for part in group.parts))

    def _due_parts(self, group: Group, number: int) -> tuple[Part, ...]:
        due = tuple(part for part in group.parts if self._is_due(part, group, number))
        # Parts that compete are compared with each other, at one look.
        return group.parts if due and group.competing else due

    def _is_due(self, part: Part, group: Group, number: int) -> bool:
        if self.log.standing(part) == Standing.NEEDED and not group.competing:
            return False
        return number - self._last(part) >= min(self.log.streak(part), LONGEST_PAUSE)

    def _last(self, part: Part) -> int:
        line = self.log.latest(part)
        return 0 if line is None else line.look

    def _judge(
        self,
        stage: Stage,
        groups: Sequence[Group],
        remaining: Remaining,
        *,
        epoch: int,
        number: int,
    ) -> list[Part]:
        """Measure some groups of a stage, and return what goes."""
        if not groups:
            return []
        space, places = remaining.space, len(remaining.treatments)
        level = error_level(self.settings, stage, number, space=space, places=places)
        rules = Rules(self.settings.tolerance, level, self.costs)
        candidates: list[_Candidate] = []
        measured = self.effects_of([part for group in groups for part in group.parts], remaining)
        for group, differences in zip(groups, _split(measured, groups), strict=True):
            ruling: Ruling = JUDGES[stage](group, differences, remaining, rules)
            self.log.add(
                group.parts, ruling.effects, ruling.standings.tolist(), epoch=epoch, look=number
            )
            if ruling.together:
                return list(ruling.together)
            means = ruling.effects.mean
            candidates += [
                _Candidate(float(means[index]), group.parts[index], group, ruling.rival)
                for index in ruling.going
            ]
        return self._harmless(sorted(candidates, key=lambda found: found.effect), level)

    def _harmless(self, candidates: list[_Candidate], level: float) -> list[Part]:
        """Return as many parts, least missed first, as may go together; one at least."""
        count = len(candidates)
        while count > 1:
            tried = candidates[:count]
            cost = self._losses([tuple(found.part for found in tried)])
            rivals = {(found.group.row, found.group.index): found.rival for found in tried}
            allowed = sum(rival for rival in rivals.values() if rival is not None)
            effects = measure_effects(cost - allowed, level=level)
            if effects.high[0] <= self.settings.tolerance:
                break
            count //= 2
        return [found.part for found in candidates[:count]]


def _is_none(part: Part, remaining: Remaining) -> bool:
    return part.kind == "operation" and part.column == remaining.space.none_index


def _is_ready(group: Group, ready: Ready) -> bool:
    if group.stage == "operations":
        return bool(ready.operations[group.row, group.index])
    return group.stage != "inputs" or bool(ready.inputs[group.row, group.index])


def _split(measured: FloatArray, groups: Sequence[Group]) -> Iterator[FloatArray]:
    start = 0
    for group in groups:
        yield measured[start : start + len(group.parts)]
        start += len(group.parts)
