"""End of a search: the choice of its cell, and the effect of each part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iac_components.search.audits.looks.choice import (
    Decided,
    choose_inputs,
    choose_operations,
    contested_inputs,
    contested_operations,
    from_genotype,
    kept_parts,
    open_choices,
    reasons_of,
    removable_parts,
    rivals_of,
)
from iac_components.search.audits.looks.findings import Findings, judge_findings, place_of
from iac_components.search.audits.looks.log import WHOLE
from iac_components.search.audits.looks.remaining import Remaining
from iac_components.search.audits.looks.settings import STAGES, Stage
from iac_components.search.audits.looks.staged import Ready
from iac_components.search.audits.search_audit import SearchAudit
from iac_components.search.evidence.parts import Part
from iac_components.search.results.trace import SearchTrace
from iac_components.search_space import Genotype
from iac_components.search_space.discretization import discretize
from iac_components.search_space.space import SearchSpace

__all__ = ["Outcome", "close_search"]

ROUNDS = 12
"""Looks at cells, nodes and inputs at the end of a search, at most."""

TINY = 1e-12


@dataclass(frozen=True)
class Outcome:
    """Result of a search.

    Attributes:
        genotype: without provenance.
        decided: whether every part was decided.
        findings: plain values for the provenance; None where nothing could be judged.
    """

    genotype: Genotype
    decided: bool
    findings: dict[str, object] | None


def close_search(audit: SearchAudit, trace: SearchTrace) -> Outcome:
    """Choose the cell that a search ends with, and judge what it keeps.

    A search by audit judges cells, nodes and inputs once more, without training, until none is
    removed. Of the rest, undecided parts are then removed as long as their measured effects add up
    to no more than the tolerance, and of more than two inputs of a node the best two are kept. Only
    then, on the few remaining edges, operations are judged: of the undecided ones the cheapest
    within the tolerance of the best is taken. Parts chosen in this way are not decided. Last, parts
    are removed until ``max_cost`` holds, those with the least effect for their cost first.

    Args:
        audit: of the search.
        trace: of the search.
    """
    if audit.races:
        audit.announce()
        looks = _Looks(audit, len(trace))
        looks.settle()
        spared = _spare(audit)
        crowd = looks.effects_of(contested_inputs(audit.remaining), measured=bool(spared))
        left, inputs = choose_inputs(audit.remaining, crowd)
        audit.apply(left)
        looks.race_operations()
        chosen, operations = choose_operations(
            audit.remaining,
            looks.effects_of(contested_operations(audit.remaining)),
            costs=audit.staged.costs,
            tolerance=audit.settings.tolerance,
        )
        forced = inputs | operations
        genotype = _genotype(audit, chosen)
    else:
        spared = []
        probabilities, edge_weights = trace.last()
        genotype = discretize(
            audit.network.space,
            probabilities,
            edge_weights=edge_weights,
            treatments=audit.network.treatments.tolist(),
        )
        if not audit.can_judge():
            return Outcome(genotype, False, None)
        audit.announce()
        chosen = from_genotype(audit.remaining, genotype)
        forced = open_choices(chosen, audit.remaining)
    reasons = reasons_of(chosen, audit.log, forced)
    chosen, removed = _bounded(audit, chosen, reasons)
    genotype = _genotype(audit, chosen) if removed else genotype
    findings, _ = _judged(audit, chosen, reasons, rejected=len(spared) + len(removed))
    audit.write()
    decided = not findings.undecided and not spared
    return Outcome(genotype, decided, _report(audit, findings, genotype, removed, spared))


class _Looks:
    """Looks at the end of a search, without training.

    Under ``both`` they remove no input or operation: only training shows what is stable.
    """

    def __init__(self, audit: SearchAudit, epoch: int) -> None:
        self.audit, self.epoch = audit, epoch
        self.number = audit.settings.looks_until(epoch)

    def settle(self) -> None:
        """Judge all cells, nodes and inputs until none is removed."""
        for _ in range(ROUNDS):
            if not self._look(STAGES[:-1]):
                return

    def race_operations(self) -> None:
        """Judge the operations once: to race them one by one would cost more than the search."""
        self._look(STAGES[-1:])

    def effects_of(self, parts: Sequence[Part], *, measured: bool = False) -> dict[Part, float]:
        """Return the mean effects of parts: of the last look, or measured now.

        Args:
            parts: to judge.
            measured: measure all of them, since the supernet has changed after the last look.
        """
        found: dict[Part, float] = {}
        for part in parts:
            line = self.audit.log.latest(part)
            if line is not None and line.look == self.number and not measured:
                found[part] = line.mean
        rest = [part for part in parts if part not in found]
        if rest:
            means = self.audit.staged.effects_of(rest, self.audit.remaining).mean(axis=1)
            found |= dict(zip(rest, means.tolist(), strict=True))
        return {part: _worth(effect) for part, effect in found.items()}

    def _look(self, stages: Sequence[Stage]) -> bool:
        """Take a look, and return whether it removed something."""
        before = self.audit.remaining
        if not before.cells:
            return False
        self.number += 1
        left = self.audit.staged.look(
            before,
            epoch=self.epoch,
            number=self.number,
            ready=None if self.audit.criterion == "audit" else _nothing_ready(before.space),
            thorough=True,
            stages=stages,
        )
        if left is before:
            return False
        self.audit.apply(left)
        return True


def _worth(effect: float) -> float:
    """Return a part's effect; one without which the loss is not finite is never removed."""
    return effect if math.isfinite(effect) else math.inf


def _nothing_ready(space: SearchSpace) -> Ready:
    return Ready(
        np.zeros((space.levels, len(space.edges)), dtype=bool),
        np.zeros((space.levels, space.num_nodes), dtype=bool),
    )


def _spare(audit: SearchAudit) -> list[Part]:
    """Remove parts with a measured effect of at most the tolerance, all of them together.

    The bounds that a decision needs are often wider than the tolerance with few patients. Keeping
    a part has a certain cost; so the measured mean settles it, and the search does not count as
    decided.
    """
    budget, spared = audit.settings.tolerance, list[Part]()
    for kind in ("cell", "node", "edge"):
        going, worth = _spare_kind(audit, kind, budget)
        budget -= max(worth, 0.0)
        spared += going
    return spared


def _spare_kind(audit: SearchAudit, kind: str, budget: float) -> tuple[list[Part], float]:
    """Remove the parts of a kind with the least effect, as many as the budget allows together."""
    remaining = audit.remaining
    parts = [part for part in removable_parts(remaining) if part.kind == kind]
    if not parts:
        return [], 0.0
    means = audit.staged.effects_of(parts, remaining).mean(axis=1)
    going = [parts[index] for index in np.argsort(means, kind="stable") if means[index] <= budget]
    worth = float(audit.staged.effects_of_all(going).mean()) if going else 0.0
    while going and not worth <= budget:  # nor if the loss without all of them is not finite
        going = going[: len(going) // 2]
        worth = float(audit.staged.effects_of_all(going).mean()) if going else 0.0
    if going:
        audit.apply(remaining.without(going))
    return going, worth


def _genotype(audit: SearchAudit, chosen: Remaining) -> Genotype:
    edges = np.asarray(chosen.alive.any(axis=-1), dtype=np.float64)
    return discretize(
        audit.network.space,
        chosen.alive.astype(np.float64),
        edge_weights=edges,
        treatments=chosen.treatments.tolist(),
    )


def _judged(
    audit: SearchAudit, chosen: Remaining, reasons: Mapping[Part, Decided], *, rejected: int = 0
) -> tuple[Findings, Mapping[Part, float]]:
    """Judge the kept parts in the current supernet, and all of them together without their rivals.

    Args:
        audit: of the search.
        chosen: what is kept.
        reasons: how races were decided.
        rejected: parts that were judged on the same patients, and removed for what was measured.
    """
    parts = kept_parts(chosen, skips=audit.network.skips)
    if chosen.cells:
        parts = [WHOLE, *parts]
    audit.staged.forget()
    gains = audit.staged.effects_of(parts, chosen)
    rivals = rivals_of(chosen, audit.remaining)
    if chosen.cells and rivals:
        gains[0] -= audit.staged.effects_of_all(rivals)
    findings = judge_findings(
        parts, gains, alpha=audit.settings.alpha, reasons=reasons, rejected=rejected
    )
    return findings, dict(zip(parts, gains.mean(axis=1).tolist(), strict=True))


def _bounded(
    audit: SearchAudit, chosen: Remaining, reasons: Mapping[Part, Decided]
) -> tuple[Remaining, list[Part]]:
    """Remove the parts with the least effect for their cost, until the bound holds."""
    bound, removed = audit.settings.max_cost, []
    while bound is not None and chosen.cells:
        cost = audit.costs.network_costs(_genotype(audit, chosen), audit.settings.cost)
        if cost.ratio <= bound:
            break
        _, effects = _judged(audit, chosen, reasons)
        worth: dict[Part, float] = {}
        for part in removable_parts(chosen):
            without = _genotype(audit, chosen.without([part]))
            saved = cost.cells - audit.costs.network_costs(without, audit.settings.cost).cells
            worth[part] = _worth(effects[part]) / max(saved, TINY * cost.plain)
        least = min(worth, key=lambda part: worth[part])
        removed.append(least)
        chosen = chosen.without([least])
        audit.apply(audit.remaining.without([least]))
    return chosen, removed


def _report(
    audit: SearchAudit,
    findings: Findings,
    genotype: Genotype,
    removed: list[Part],
    spared: list[Part],
) -> dict[str, object]:
    report: dict[str, object] = {
        **audit.describe(),
        **findings.plain(audit.network.space),
        "cost": audit.costs.report(genotype),
    }
    if spared:
        report["spared"] = [place_of(part, audit.network.space) for part in spared]
    if audit.settings.max_cost is not None:
        report["max_cost"] = audit.settings.max_cost
        report["removed_for_cost"] = [place_of(part, audit.network.space) for part in removed]
    return report
