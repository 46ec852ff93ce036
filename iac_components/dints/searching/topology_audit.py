"""The audit of a topology search: looks between its epochs, and the findings at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import torch

from iac_components.dints.decoding import decode
from iac_components.dints.memory_model import GIGABYTE, MemoryBudget
from iac_components.dints.searching.remaining_topology import RemainingTopology
from iac_components.dints.searching.topology_looks import TopologyLooks
from iac_components.dints.searching.topology_losses import TopologyLosses
from iac_components.dints.topology import DintsArchitecture
from iac_components.dints.topology_supernet import DintsSearchNetwork
from iac_components.search.audits.audit import Effects, FloatArray
from iac_components.search.audits.auditing import Auditing
from iac_components.search.audits.looks.choice import Decided, reason_of_race
from iac_components.search.audits.looks.findings import Findings, judge_findings
from iac_components.search.audits.looks.looking import Ready
from iac_components.search.audits.looks.settings import AuditSettings
from iac_components.search.evidence.parts import Part
from iac_components.search.stability_pruning.stability import BoolArray

__all__ = ["TopologyAudit", "TopologyVerdict", "describe_topology"]

ROUNDS = 12
"""Looks without training at the end of a search, at most."""

STEEPEST = 6.0
"""Logit of the greatest effect: as sure as decoding can tell from certain."""


@dataclass(frozen=True)
class TopologyVerdict:
    """Verdict of an audit on the found architecture.

    Attributes:
        decided: whether all of it was decided.
        findings: plain values for the provenance; None where nothing could be judged.
    """

    decided: bool
    findings: dict[str, object] | None


class TopologyAudit(Auditing[TopologyLosses]):
    """Audit of a supernet's paths and operations, which also reports the effects in the result.

    Args:
        network: the supernet.
        losses: gives the losses by patient; called once, when they are first needed.
        settings: rules of the audit; of costs, memory counts.
        budget: what an architecture may need; one that fits is always left.
        criterion: name of what decides the search, for the findings. ``audit`` and ``both`` race:
            they take looks between epochs; of any other, the end alone is judged.
        trace_file: where to write the looks; None writes nothing.
        batch_size: images of a step of the search.
    """

    def __init__(
        self,
        network: DintsSearchNetwork,
        losses: Callable[[], TopologyLosses],
        settings: AuditSettings,
        *,
        budget: MemoryBudget,
        criterion: str = "audit",
        trace_file: str | Path | None = None,
        batch_size: int = 1,
    ) -> None:
        super().__init__(
            network.space,
            losses,
            settings,
            criterion=criterion,
            trace_file=trace_file,
            batch_size=batch_size,
        )
        self.network = network
        self.budget = budget

    @property
    def remaining(self) -> RemainingTopology:
        """Living part of the supernet."""
        return RemainingTopology(self.network.space, self.network.living().copy(), self.budget)

    @property
    def is_decided(self) -> bool:
        """See :attr:`Auditing.is_decided`."""
        return self._looks.is_settled(self.remaining)

    def living_after(self, epoch: int, *, ready: Ready | None = None) -> BoolArray | None:
        """See :meth:`Auditing.living_after`."""
        number = self.settings.look_after(epoch)
        if number is None:
            return None
        left = self._looks.look(self.remaining, epoch=epoch, number=number, ready=ready)
        self.write()
        return left.alive

    def settle(self, epoch: int) -> None:
        """Take looks without training until nothing is removed, each at an ordinary one's cost.

        What was measured since the last deletion is not measured again: nothing has changed.
        Under ``both`` nothing goes at the end: only training shows what is stable.
        """
        first = self.settings.looks_until(epoch) + 1
        seen: set[Part] = set()
        for number in range(first, first + (ROUNDS if self.criterion == "audit" else 0)):
            before, lines = self.remaining, len(self.log.lines)
            left = self._looks.look(before, epoch=epoch, number=number)
            found = {line.part for line in self.log.lines[lines:]}
            if left is not before:
                self.network.prune(torch.from_numpy(left.alive))
                seen = set()
            elif found <= seen:
                break
            else:
                seen |= found
        self.write()

    @torch.no_grad()
    def decode(self) -> DintsArchitecture:
        """Return the architecture within the budget that gives up the least effect.

        The logit of a path is its newest effect, in proportion to the greatest one, and the
        logarithm of an operation's probability likewise, so that the sum that decoding minimises
        is the effects given up. What was never measured keeps the probability that it was trained
        to.
        """
        operations, paths = (value.cpu().numpy() for value in self.network.distributions())
        remaining, memory = self.remaining, self.budget.memory
        logits, known = self._latest(remaining)
        paths = np.where(known.paths, 1 / (1 + np.exp(-logits.paths)), paths)
        exponentials = np.exp(logits.operations) * remaining.alive
        shares = exponentials / np.maximum(exponentials.sum(-1, keepdims=True), 1e-30)
        all_known = (known.operations | ~remaining.alive).all(axis=-1, keepdims=True)
        return decode(
            self.network.space,
            paths,
            np.where(all_known, shares, operations),
            alive=remaining.alive,
            costs=memory.costs,
            node_costs=memory.node_costs,
            max_cost=self.budget.path_bytes,
        )

    def judge(self, found: DintsArchitecture) -> TopologyVerdict:
        """Judge the paths and operations of the found architecture, in the current supernet."""
        if not self.races and not self.can_judge():
            return TopologyVerdict(False, None)
        self.announce()
        remaining = self.remaining
        paths = [Part("path", block, row) for block, row, _ in np.transpose(found.choices).tolist()]
        operations = [Part("operation", *place) for place in np.transpose(found.choices).tolist()]
        rivals = {part: len(remaining.operations(part)) > 1 for part in operations}
        measured = [path for path in paths if remaining.can_lose(path)]
        measured += [part for part in operations if rivals[part]]
        self._looks.forget()
        rows = dict(zip(measured, self._looks.effects_of(measured, remaining), strict=True))
        findings = judge_findings(
            [*paths, *operations],
            np.array([self._gains(part, rows) for part in [*paths, *operations]]),
            alpha=self.settings.alpha,
            reasons=self._reasons(paths, operations, rows, rivals),
        )
        findings = self._remembering(replace(findings, gain=None), rows)
        decided = not findings.undecided and (
            found.fills(remaining.alive) or (self.races and self._looks.is_settled(remaining))
        )
        report = {**self.describe(), **findings.plain(found.space), "cost": self._costs(found)}
        return TopologyVerdict(decided, report)

    def _gains(self, part: Part, rows: dict[Part, FloatArray]) -> FloatArray:
        """Gains (P,) of a part; of an operation that is alone, its path's; NaN where it must be."""
        path = Part("path", part.level, part.index)
        unknown = np.full(len(self.losses.patients), np.nan)
        return rows.get(part, rows.get(path, unknown))

    def _reasons(
        self,
        paths: list[Part],
        operations: list[Part],
        rows: dict[Part, FloatArray],
        rivals: dict[Part, bool],
    ) -> dict[Part, Decided]:
        """Say what was decided otherwise than by a path's own effect."""
        # No architecture that is left can do without them, for what the looks took away.
        alone = "evidence" if self.races else "undecided"
        reasons = {path: alone for path in paths if path not in rows}
        for part, path in zip(operations, paths, strict=True):
            raced = reason_of_race(part, self.log, operations=len(self.network.space.operations))
            if rivals[part]:
                reasons[part] = "undecided"
            elif raced is not None:
                reasons[part] = raced
            elif path in reasons:
                reasons[part] = reasons[path]
        return reasons

    def _remembering(self, findings: Findings, rows: dict[Part, FloatArray]) -> Findings:
        """Take effects of what can no longer be left out from its newest look."""
        effects = findings.effects
        mean, low, high = (array.copy() for array in (effects.mean, effects.low, effects.high))
        for number, part in enumerate(findings.parts):
            line = self.log.latest(part)
            measured = part in rows or Part("path", part.level, part.index) in rows
            if line is not None and not measured:
                mean[number], low[number], high[number] = line.mean, line.low, line.high
        newest = Effects(mean, effects.standard_error, low, high, effects.patients)
        return replace(findings, effects=newest)

    def _costs(self, found: DintsArchitecture) -> dict[str, object]:
        memory = self.budget.memory
        return {
            "activation_gigabytes": {
                "whole": memory.largest / GIGABYTE,
                "found": memory.of(found) / GIGABYTE,
            }
        }

    def _latest(self, remaining: RemainingTopology) -> tuple[_Places, _Places]:
        """Newest effects as logits, and where there are any."""
        logits = _Places(np.zeros(remaining.alive.shape[:2]), np.zeros(remaining.alive.shape))
        known = _Places(logits.paths.astype(bool), logits.operations.astype(bool))
        for path in remaining.paths:
            for part in (path, *remaining.operations(path)):
                line = self.log.latest(part)
                if line is None or not np.isfinite(line.mean):
                    continue
                place = (part.level, part.index, part.column)
                array, mask = (
                    (logits.paths, known.paths)
                    if part.kind == "path"
                    else (logits.operations, known.operations)
                )
                array[place[: array.ndim]] = line.mean
                mask[place[: array.ndim]] = True
        greatest = max(np.abs(logits.paths).max(), np.abs(logits.operations).max())
        scale = max(float(greatest), self.settings.tolerance, 1e-12) / STEEPEST
        return _Places(logits.paths / scale, logits.operations / scale), known

    @cached_property
    def _looks(self) -> TopologyLooks:
        return TopologyLooks(
            lambda bundles: self.losses.without(bundles),
            self.settings,
            costs=self.budget.memory.costs,
            log=self.log,
        )


def describe_topology(findings: Mapping[str, object], *, searched: bool) -> str:
    """Describe the findings in one sentence.

    Args:
        findings: plain values, as the provenance holds them.
        searched: whether everything was decided.
    """
    parts = cast(Sequence[Mapping[str, object]], findings["parts"])
    paths = sum(part["kind"] == "path" for part in parts)
    found = f"a topology of {paths} path(s), judged on {findings['patients']} patients"
    if searched:
        return f"found {found}; every part is decided."
    open_parts = sum(part["decided"] == "undecided" for part in parts)
    rest = f"{open_parts} of its {len(parts)} parts are" if open_parts else "what it left out is"
    return f"not decided: found {found}, but {rest} not decided."


@dataclass(frozen=True)
class _Places:
    """Values of paths (L, P) and of operations (L, P, O)."""

    paths: np.ndarray
    operations: np.ndarray
