"""Writing of the found genotype, with its provenance."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from iac_components.common.ranks import is_first_rank
from iac_components.engine import RunRecord
from iac_components.networks.supernet import CellSearchNetwork
from iac_components.search.audits.looks.findings import describe_findings
from iac_components.search.audits.search_audit import SearchAudit
from iac_components.search.results.closing import Outcome, close_search
from iac_components.search.results.provenance import search_provenance
from iac_components.search.results.trace import SearchTrace
from iac_components.search.stability_pruning.pruning import is_decided
from iac_components.search_space.discretization import discretize
from iac_components.search_space.genotype import Genotype
from iac_components.search_space.genotype_file import save_genotype

__all__ = ["save_found_genotype"]

_LOGGER = logging.getLogger("iac_components.search")


def save_found_genotype(
    path: str | Path,
    network: CellSearchNetwork,
    *,
    trace: SearchTrace,
    settings: Mapping[str, object],
    record: RunRecord | None = None,
    audit: SearchAudit | None = None,
) -> Genotype:
    """Choose the cell that a search has found, judge it, and write ``genotype.json``.

    Without an audit that races, the distributions are those of the last epoch, so the file agrees
    with ``search_trace.csv``. Logs one sentence about what was found. Of several ranks the first
    writes; all return the same genotype.

    Args:
        path: the file to write.
        network: the supernet.
        trace: of the search.
        settings: plain values that define the search: data set, backbone, seed, fold, rates,
            criterion. They go into the provenance with their digest.
        record: of the run; its digests go into the provenance too.
        audit: of the search; None judges nothing, and the search counts as undecided.

    Raises:
        ValueError: if the search has no epoch, or made no architecture step.
    """
    # Asked first: the judgement of the end leaves one cell, whatever the epochs had decided.
    if audit is not None and audit.races:
        decided = audit.is_decided
    else:
        decided = is_decided(network.space, network.alive.cpu().numpy())
    outcome = _unjudged(network, trace) if audit is None else close_search(audit, trace)
    provenance = search_provenance(
        trace,
        settings=settings,
        decided=decided,
        searched=outcome.decided,
        device=network.alive.device,
        record=record,
    )
    if outcome.findings is not None:
        provenance["findings"] = outcome.findings
        sentence = describe_findings(outcome.findings, searched=outcome.decided)
        _LOGGER.info(f"The search ended: {sentence}")
    genotype = replace(outcome.genotype, provenance=provenance)
    if is_first_rank():
        save_genotype(genotype, path)
    return genotype


def _unjudged(network: CellSearchNetwork, trace: SearchTrace) -> Outcome:
    probabilities, edge_weights = trace.last()
    genotype = discretize(
        network.space,
        probabilities,
        edge_weights=edge_weights,
        treatments=network.treatments.tolist(),
    )
    return Outcome(genotype, False, None)
