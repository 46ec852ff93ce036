"""The audit of a search: looks between its epochs, and the findings at its end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from iac_components.networks.supernet import CellSearchNetwork
from iac_components.search.audit import LEAST_PATIENTS
from iac_components.search.costs import Costs
from iac_components.search.looks.choice import (
    Decided,
    choose_rest,
    from_genotype,
    kept_parts,
    open_choices,
    reasons_of,
    removable_parts,
)
from iac_components.search.looks.findings import Findings, judge_findings, place_of
from iac_components.search.looks.log import WHOLE, AuditLog
from iac_components.search.looks.remaining import NONE, OFF, Remaining
from iac_components.search.looks.settings import STAGES, AuditSettings, Stage
from iac_components.search.looks.staged import Ready, StagedAudit
from iac_components.search.parts import Part
from iac_components.search.patient_losses import PatientLosses
from iac_components.search.trace import SearchTrace
from iac_components.search_space import Genotype
from iac_components.search_space.discretization import discretize

__all__ = ["Outcome", "SearchAudit"]

_LOGGER = logging.getLogger("iac_components.search")

ROUNDS = 12
"""Looks without training at the end of a search, at most."""

TINY = 1e-12


@dataclass(frozen=True)
class Outcome:
    """What a search ends with.

    Attributes:
        genotype: without provenance.
        decided: whether every part was decided.
        findings: plain values for the provenance; None where nothing could be judged.
    """

    genotype: Genotype
    decided: bool
    findings: dict[str, object] | None


class SearchAudit:
    """Measures a supernet's parts, prunes it by what it finds, and reports what is left.

    Its state is its log and the costs of operations: a resumed search decides as an unbroken one.

    Args:
        network: the supernet, not yet pruned.
        losses: gives the losses by patient; called once, when they are first needed.
        settings: rules of the audit.
        costs: of operations and networks.
        criterion: name of what decides the search, for the findings. ``audit`` and ``both`` race:
            they take looks between epochs; of any other, the end alone is judged.
        trace_file: where to write the looks; None writes nothing.

    Attributes:
        log: all that was measured.
    """

    def __init__(
        self,
        network: CellSearchNetwork,
        losses: Callable[[], PatientLosses],
        settings: AuditSettings,
        *,
        costs: Costs,
        criterion: str = "audit",
        trace_file: str | Path | None = None,
    ) -> None:
        self.network = network
        self.settings = settings
        self.costs = costs
        self.criterion = criterion
        self.trace_file = trace_file
        self.log = AuditLog(network.space)
        self._make_losses = losses
        self._operation_costs: torch.Tensor | None = None

    @property
    def races(self) -> bool:
        """Whether it prunes the search."""
        return self.criterion in ("audit", "both")

    @cached_property
    def losses(self) -> PatientLosses:
        """Losses by patient.

        Raises:
            ValueError: if there are too few patients to judge anything by.
        """
        losses = self._make_losses()
        if self.races and len(losses.patients) < LEAST_PATIENTS:
            raise ValueError(
                f"criterion {self.criterion!r} judges by patient, but the architecture half has "
                f"{len(losses.patients)}: {LEAST_PATIENTS} are needed at least. Use more patients, "
                "or the criterion 'stability'."
            )
        return losses

    @property
    def remaining(self) -> Remaining:
        """What is left of the supernet."""
        return Remaining(
            self.network.space,
            self.network.alive.cpu().numpy().copy(),
            self.network.treatments.cpu().numpy().astype(np.int64),
        )

    @property
    def is_decided(self) -> bool:
        """Whether one cell is left, and every part of it is needed; or none is."""
        remaining = self.remaining
        return not remaining.cells or self._staged.is_settled(remaining)

    def look(self, epoch: int, *, ready: Ready | None = None) -> Remaining | None:
        """Take the look that is due after an epoch, and treat the levels that lose their cell.

        Returns:
            What is left, for the caller to prune operations and edges; None without a look.
        """
        number = self.settings.look_after(epoch)
        if number is None or not self.remaining.cells:
            return None
        before = self.remaining
        left = self._staged.look(before, epoch=epoch, number=number, ready=ready)
        self._treat(before, left)
        self._write()
        return left

    def close(self, trace: SearchTrace) -> Outcome:
        """Choose the cell that the search ends with, and judge what it keeps.

        A search by audit goes through its stages once more, without training, until no cell, node
        or input goes; where more than one is left, the best by its effect is chosen, and is not
        decided. Then
        parts go until ``max_cost`` holds, those first that are worth least for what they cost.
        """
        epoch = len(trace)
        if self.races:
            self._settle(epoch)
            chosen, forced = choose_rest(self.remaining, self.log)
            genotype = self._genotype(chosen)
        else:
            probabilities, edge_weights = trace.last()
            genotype = discretize(
                self.network.space,
                probabilities,
                edge_weights=edge_weights,
                treatments=self.network.treatments.tolist(),
            )
            chosen = from_genotype(self.remaining, genotype)
            forced = open_choices(chosen, self.remaining)
        if not self.races and not self._can_judge():
            return Outcome(genotype, False, None)
        reasons = reasons_of(chosen, self.log, forced)
        chosen, removed = self._bounded(chosen, reasons)
        genotype = self._genotype(chosen) if removed else genotype
        findings, _ = self._judged(chosen, reasons)
        decided = not findings.undecided
        report = self._report(findings, genotype, removed)
        self._write()
        return Outcome(genotype, decided, report)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """What it measured, and what operations cost."""
        costs = self._operation_costs
        state = self.log.state_dict()
        return state if costs is None else {**state, "operation_costs": costs}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Replace what it knows by ``state``."""
        self.log.load_state_dict(state)
        self._operation_costs = state.get("operation_costs")
        self.__dict__.pop("_staged", None)

    @cached_property
    def _staged(self) -> StagedAudit:
        if self._operation_costs is None:
            self._operation_costs = torch.from_numpy(self.costs.operations(self.settings.cost))
        return StagedAudit(
            self.losses.without,
            self.settings,
            costs=self._operation_costs.numpy(),
            skips=self.network.skips,
            log=self.log,
        )

    def _treat(self, before: Remaining, after: Remaining) -> None:
        """Let levels lose their cell, or be switched off."""
        changed = before.treatments != after.treatments
        gone = np.flatnonzero(changed & (after.treatments == NONE)).tolist()
        off = np.flatnonzero(changed & (after.treatments == OFF)).tolist()
        if gone:
            self.network.remove_cells(gone)
        if off:
            self.network.switch_off(off)

    def _apply(self, after: Remaining) -> None:
        before = self.remaining
        self._treat(before, after)
        if (before.alive != after.alive).any():
            self.network.prune(torch.from_numpy(after.alive))
        self._staged.forget()

    def _settle(self, epoch: int) -> None:
        """Take looks without training until nothing goes."""
        space, first = self.network.space, self.settings.looks_until(epoch) + 1
        never = Ready(
            np.zeros((space.levels, len(space.edges)), dtype=bool),
            np.zeros((space.levels, space.num_nodes), dtype=bool),
        )
        coarse, fine = STAGES[:-1], STAGES[-1:]
        stages: Sequence[Stage] = coarse
        for number in range(first, first + ROUNDS):
            before = self.remaining
            if not before.cells:
                return
            left = self._staged.look(
                before,
                epoch=epoch,
                number=number,
                ready=None if self.criterion == "audit" else never,
                thorough=True,
                stages=stages,
            )
            if left is not before:
                self._apply(left)
            # Operations once: to race them to the end one by one would cost more than the search.
            if stages is fine:
                return
            stages = coarse if left is not before else fine

    def _genotype(self, chosen: Remaining) -> Genotype:
        edges = np.asarray(chosen.alive.any(axis=-1), dtype=np.float64)
        return discretize(
            self.network.space,
            chosen.alive.astype(np.float64),
            edge_weights=edges,
            treatments=chosen.treatments.tolist(),
        )

    def _can_judge(self) -> bool:
        """Whether there are images by patient; a search that needs none must not fail for it."""
        try:
            patients = len(self.losses.patients)
        except ValueError as error:
            _LOGGER.info(f"No findings: {error}")
            return False
        if patients < LEAST_PATIENTS:
            _LOGGER.info(
                f"No findings: the architecture half has {patients} patient(s), and "
                f"{LEAST_PATIENTS} are needed at least."
            )
            return False
        return True

    def _judged(
        self, chosen: Remaining, reasons: Mapping[Part, Decided]
    ) -> tuple[Findings, Mapping[Part, float]]:
        """Judge what is kept, in the supernet as it is."""
        parts = kept_parts(chosen, skips=self.network.skips)
        if chosen.cells:
            parts = [WHOLE, *parts]
        self._staged.forget()
        gains = self._staged.effects_of(parts, chosen)
        findings = judge_findings(parts, gains, alpha=self.settings.alpha, reasons=reasons)
        return findings, dict(zip(parts, gains.mean(axis=1).tolist(), strict=True))

    def _bounded(
        self, chosen: Remaining, reasons: Mapping[Part, Decided]
    ) -> tuple[Remaining, list[Part]]:
        """Take away what is worth least for its cost, until the bound holds."""
        bound, removed = self.settings.max_cost, []
        while bound is not None and chosen.cells:
            cost = self.costs.network_costs(self._genotype(chosen), self.settings.cost)
            if cost.ratio <= bound:
                break
            _, effects = self._judged(chosen, reasons)
            worth: dict[Part, float] = {}
            for part in removable_parts(chosen):
                without = self._genotype(chosen.without([part]))
                saved = cost.cells - self.costs.network_costs(without, self.settings.cost).cells
                worth[part] = effects[part] / max(saved, TINY * cost.plain)
            least = min(worth, key=lambda part: worth[part])
            removed.append(least)
            chosen = chosen.without([least])
            self._apply(self.remaining.without([least]))
        return chosen, removed

    def _report(
        self, findings: Findings, genotype: Genotype, removed: list[Part]
    ) -> dict[str, object]:
        images = sum(len(batch.images) for batch in self.losses.batches)
        report: dict[str, object] = {
            "criterion": self.criterion,
            "patients": len(self.losses.patients),
            "images": images,
            "looks": self.log.looks,
            "passes": self.log.passes,
            "seconds": round(self.log.seconds, 1),
            "tolerance": self.settings.tolerance,
            "alpha": self.settings.alpha,
            **findings.plain(self.network.space),
            "cost": self.costs.report(genotype),
        }
        if self.settings.max_cost is not None:
            report["max_cost"] = self.settings.max_cost
            report["removed_for_cost"] = [place_of(part, self.network.space) for part in removed]
        return report

    def _write(self) -> None:
        if self.trace_file is not None:
            self.log.write(self.trace_file)
