"""The end of a search: what is chosen of what is left, and what each part of it is worth."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iac_components.search.audit import LEAST_PATIENTS
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
from iac_components.search.looks.log import WHOLE
from iac_components.search.looks.remaining import Remaining
from iac_components.search.looks.settings import STAGES, Stage
from iac_components.search.looks.staged import Ready
from iac_components.search.parts import Part
from iac_components.search.search_audit import SearchAudit
from iac_components.search.trace import SearchTrace
from iac_components.search_space import Genotype
from iac_components.search_space.discretization import discretize

__all__ = ["Outcome", "close_search"]

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


def close_search(audit: SearchAudit, trace: SearchTrace) -> Outcome:
    """Choose the cell that a search ends with, and judge what it keeps.

    A search by audit goes through its stages once more, without training, until no cell, node or
    input goes; where more than one is left, the best by its effect is chosen, and is not decided.
    Then parts go until ``max_cost`` holds, those first that are worth least for what they cost.

    Args:
        audit: of the search.
        trace: of the search.
    """
    if audit.races:
        _settle(audit, len(trace))
        chosen, forced = choose_rest(audit.remaining, audit.log)
        genotype = _genotype(audit, chosen)
    else:
        probabilities, edge_weights = trace.last()
        genotype = discretize(
            audit.network.space,
            probabilities,
            edge_weights=edge_weights,
            treatments=audit.network.treatments.tolist(),
        )
        if not _can_judge(audit):
            return Outcome(genotype, False, None)
        chosen = from_genotype(audit.remaining, genotype)
        forced = open_choices(chosen, audit.remaining)
    reasons = reasons_of(chosen, audit.log, forced)
    chosen, removed = _bounded(audit, chosen, reasons)
    genotype = _genotype(audit, chosen) if removed else genotype
    findings, _ = _judged(audit, chosen, reasons)
    audit.write()
    return Outcome(genotype, not findings.undecided, _report(audit, findings, genotype, removed))


def _settle(audit: SearchAudit, epoch: int) -> None:
    """Take looks without training until nothing goes."""
    space, first = audit.network.space, audit.settings.looks_until(epoch) + 1
    never = Ready(
        np.zeros((space.levels, len(space.edges)), dtype=bool),
        np.zeros((space.levels, space.num_nodes), dtype=bool),
    )
    coarse, fine = STAGES[:-1], STAGES[-1:]
    stages: Sequence[Stage] = coarse
    for number in range(first, first + ROUNDS):
        before = audit.remaining
        if not before.cells:
            return
        left = audit.staged.look(
            before,
            epoch=epoch,
            number=number,
            ready=None if audit.criterion == "audit" else never,
            thorough=True,
            stages=stages,
        )
        if left is not before:
            audit.apply(left)
        # Operations once: to race them to the end one by one would cost more than the search.
        if stages is fine:
            return
        stages = coarse if left is not before else fine


def _genotype(audit: SearchAudit, chosen: Remaining) -> Genotype:
    edges = np.asarray(chosen.alive.any(axis=-1), dtype=np.float64)
    return discretize(
        audit.network.space,
        chosen.alive.astype(np.float64),
        edge_weights=edges,
        treatments=chosen.treatments.tolist(),
    )


def _can_judge(audit: SearchAudit) -> bool:
    """Whether there are images by patient; a search that needs none must not fail for it."""
    try:
        patients = len(audit.losses.patients)
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
    audit: SearchAudit, chosen: Remaining, reasons: Mapping[Part, Decided]
) -> tuple[Findings, Mapping[Part, float]]:
    """Judge what is kept, in the supernet as it is."""
    parts = kept_parts(chosen, skips=audit.network.skips)
    if chosen.cells:
        parts = [WHOLE, *parts]
    audit.staged.forget()
    gains = audit.staged.effects_of(parts, chosen)
    findings = judge_findings(parts, gains, alpha=audit.settings.alpha, reasons=reasons)
    return findings, dict(zip(parts, gains.mean(axis=1).tolist(), strict=True))


def _bounded(
    audit: SearchAudit, chosen: Remaining, reasons: Mapping[Part, Decided]
) -> tuple[Remaining, list[Part]]:
    """Take away what is worth least for its cost, until the bound holds."""
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
            worth[part] = effects[part] / max(saved, TINY * cost.plain)
        least = min(worth, key=lambda part: worth[part])
        removed.append(least)
        chosen = chosen.without([least])
        audit.apply(audit.remaining.without([least]))
    return chosen, removed


def _report(
    audit: SearchAudit, findings: Findings, genotype: Genotype, removed: list[Part]
) -> dict[str, object]:
    images = sum(len(batch.images) for batch in audit.losses.batches)
    report: dict[str, object] = {
        "criterion": audit.criterion,
        "patients": len(audit.losses.patients),
        "images": images,
        "looks": audit.log.looks,
        "passes": audit.log.passes,
        "seconds": round(audit.log.seconds, 1),
        "tolerance": audit.settings.tolerance,
        "alpha": audit.settings.alpha,
        **findings.plain(audit.network.space),
        "cost": audit.costs.report(genotype),
    }
    if audit.settings.max_cost is not None:
        report["max_cost"] = audit.settings.max_cost
        report["removed_for_cost"] = [place_of(part, audit.network.space) for part in removed]
    return report
