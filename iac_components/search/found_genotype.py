"""Writes the found genotype, with where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from iac_components.common.ranks import is_first_rank
from iac_components.engine import RunRecord
from iac_components.networks.supernet import CellSearchNetwork
from iac_components.search.provenance import search_provenance
from iac_components.search.pruning import is_decided
from iac_components.search.trace import SearchTrace
from iac_components.search_space.discretization import discretize
from iac_components.search_space.genotype import Genotype
from iac_components.search_space.genotype_file import save_genotype

__all__ = ["save_found_genotype"]


def save_found_genotype(
    path: str | Path,
    network: CellSearchNetwork,
    *,
    trace: SearchTrace,
    settings: Mapping[str, object],
    record: RunRecord | None = None,
) -> Genotype:
    """Discretize a searched supernet and write ``genotype.json``.

    The distributions are those of the last epoch, so the file agrees with ``search_trace.csv``.
    Of several ranks the first writes; all return the same genotype.

    Args:
        path: the file to write.
        network: the supernet.
        trace: of the search.
        settings: plain values that define the search: data set, backbone, seed, fold, rates,
            criterion. They go into the provenance with their digest.
        record: of the run; its digests go into the provenance too.

    Raises:
        ValueError: if the search has no epoch, or made no architecture step.
    """
    probabilities, edge_weights = trace.last()
    genotype = discretize(
        network.space,
        probabilities,
        edge_weights=edge_weights,
        provenance=search_provenance(
            trace,
            settings=settings,
            decided=is_decided(network.space, network.alive.cpu().numpy()),
            device=network.alive.device,
            record=record,
        ),
    )
    if is_first_rank():
        save_genotype(genotype, path)
    return genotype
