"""Looks at any supernet: parts that are due are measured, and needless ones removed."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from iac_components.search.audits.audit import FloatArray, gains, measure_effects
from iac_components.search.audits.looks.groups import Bundle, Group, Ruling
from iac_components.search.audits.looks.log import AuditLog
from iac_components.search.audits.looks.settings import AuditSettings
from iac_components.search.audits.looks.standing import Standing
from iac_components.search.evidence.parts import Part
from iac_components.search.stability_pruning.stability import BoolArray

__all__ = ["Looks", "MeasureLosses", "Ready"]

MeasureLosses = Callable[[Sequence[Bundle]], FloatArray]
"""Maps K bundles of parts to the losses (K, P) of P patients without each; of the empty one, with
everything."""

LONGEST_PAUSE = 4
"""Looks that pass at most before an undecided part is measured once more."""


class _Divisible(Protocol):
    """Living part of a supernet."""

    def without(self: Left, parts: Iterable[Part]) -> Left:
        """Return the rest without some parts."""
        ...


Left = TypeVar("Left", bound=_Divisible)


@dataclass(frozen=True)
class Ready:
    """Groups that may lose parts.

    Attributes:
        operations: (L, E) edges, or paths, whose operations may go.
        inputs: (L, N) nodes whose inputs may go, or (L, P) paths that may.
    """

    operations: BoolArray
    inputs: BoolArray


@dataclass(frozen=True)
class _Candidate:
    """A removable part, with its effect, and the gains of the rest of its group for it."""

    effect: float
    part: Part
    group: Group
    rival: FloatArray | None


class Looks(ABC, Generic[Left]):
    """Look that goes from coarse to fine and stops as soon as something is removed.

    A subclass defines the stages, the groups that are judged in each, and the rule. The effect of a
    part changes with the rest of the supernet, so a look that removes something leaves the finer
    stages to the next look, after further training. A needed part is not measured again before the
    end; an undecided one is, at growing intervals. A look stays within its budget of passes; the
    groups that have waited longest come first.

    Removable parts are measured together before they are removed, so that two parts that replace
    each other are not both removed: if dropping all costs more than the tolerance, half of them is
    tried, and so on; the part with the least effect is removed in any case. If one of several is
    kept, the removed ones may together cost as much as that one alone: even as one part they would
    be no better.

    Its whole state is its log, so that a resumed search decides as an uninterrupted one.

    Args:
        measure: losses by patient.
        settings: rules of the audit.
        log: measurements so far; grows.
    """

    stages: Sequence[str]
    """From coarse to fine."""

    def __init__(self, measure: MeasureLosses, settings: AuditSettings, *, log: AuditLog) -> None:
        self.measure = measure
        self.settings = settings
        self.log = log
        self._reference: FloatArray | None = None

    @abstractmethod
    def groups(self, stage: str, remaining: Left) -> Iterator[Group]:
        """Yield the groups that are judged together in a stage."""

    @abstractmethod
    def rule(self, group: Group, differences: FloatArray, remaining: Left, level: float) -> Ruling:
        """Judge a group by each patient's loss increase without each part (K, P)."""

    @abstractmethod
    def error_level(self, stage: str, number: int, remaining: Left) -> float:
        """Return the error that one comparison of a stage may spend at a look."""

    @abstractmethod
    def is_ready(self, group: Group, ready: Ready) -> bool:
        """Return whether a group may lose parts."""

    def left_out(self, part: Part, remaining: Left) -> Bundle:
        """Return the parts that are left out to measure a part: by default itself."""
        return (part,)

    def is_free(self, part: Part, remaining: Left) -> bool:
        """Return whether a part costs nothing to leave out, so that it is not measured."""
        return False

    def is_open(self, part: Part) -> bool:
        """Return True if a search must continue for a part that does not compete."""
        return self.log.standing(part) != Standing.NEEDED

    def allowed(self, parts: list[Part], remaining: Left) -> list[Part]:
        """Return the parts, least missed first, that may go together: by default all."""
        return parts

    def look(
        self,
        remaining: Left,
        *,
        epoch: int,
        number: int,
        ready: Ready | None = None,
        thorough: bool = False,
        stages: Sequence[str] | None = None,
    ) -> Left:
        """Measure the parts that are due, and return the rest after it.

        Args:
            remaining: the living part of the supernet, on which is measured.
            epoch: that has ended.
            number: of the look, counted from 1.
            ready: groups that may lose parts; None for all.
            thorough: measure everything, due or not, whatever it costs.
            stages: of the look; all if None.
        """
        budget, taken = self.settings.passes - 1, 0
        self._reference = None
        left = remaining
        for stage in self.stages if stages is None else stages:
            due = self._due(stage, remaining, number, ready, thorough)
            groups: list[Group] = []
            for group in due:
                price = sum(not self.is_free(part, remaining) for part in group.parts)
                if thorough or not taken or taken + price <= budget:
                    groups.append(group)
                    taken += price
            going = self._judge(stage, groups, remaining, epoch=epoch, number=number)
            if going:
                left = remaining.without(going)
                break
        return left

    def is_settled(self, remaining: Left) -> bool:
        """Return whether everything is needed, and nothing competes."""
        for stage in self.stages:
            for group in self.groups(stage, remaining):
                if group.competing or any(map(self.is_open, group.parts)):
                    return False
        return True

    def effects_of(self, parts: Sequence[Part], remaining: Left) -> FloatArray:
        """Return each patient's loss increase without each part (K, P); ``none`` costs nothing."""
        asked = [number for number, part in enumerate(parts) if not self.is_free(part, remaining)]
        losses = self._losses([self.left_out(parts[number], remaining) for number in asked])
        found = np.zeros((len(parts), losses.shape[1]))
        found[asked] = losses
        return found

    def effects_of_all(self, parts: Sequence[Part]) -> FloatArray:
        """Return each patient's loss increase (P,) without some parts together."""
        increase: FloatArray = self._losses([tuple(parts)])[0]
        return increase

    def _losses(self, bundles: Sequence[Bundle]) -> FloatArray:
        """Measure each patient's loss without each bundle, in the supernet of this look."""
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
        started = time.perf_counter()
        losses = self.measure(bundles)
        self.log.passes += len(bundles)
        self.log.seconds += time.perf_counter() - started
        return losses

    def _due(
        self, stage: str, remaining: Left, number: int, ready: Ready | None, thorough: bool
    ) -> list[Group]:
        """List the groups that are to be measured, the longest waiting first."""
        found = []
        for group in self.groups(stage, remaining):
            if ready is not None and not self.is_ready(group, ready):
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
        stage: str,
        groups: Sequence[Group],
        remaining: Left,
        *,
        epoch: int,
        number: int,
    ) -> list[Part]:
        """Measure some groups of a stage, and return the parts to remove."""
        if not groups:
            return []
        level = self.error_level(stage, number, remaining)
        candidates: list[_Candidate] = []
        measured = self.effects_of([part for group in groups for part in group.parts], remaining)
        for group, differences in zip(groups, _split(measured, groups), strict=True):
            ruling = self.rule(group, differences, remaining, level)
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
        candidates.sort(key=lambda found: found.effect)
        allowed = set(self.allowed([found.part for found in candidates], remaining))
        return self._harmless([found for found in candidates if found.part in allowed], level)

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


def _split(measured: FloatArray, groups: Sequence[Group]) -> Iterator[FloatArray]:
    start = 0
    for group in groups:
        yield measured[start : start + len(group.parts)]
        start += len(group.parts)
