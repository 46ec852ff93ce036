"""Writes the found architecture, with where it came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from iac_components.common.ranks import is_first_rank
from iac_components.dints.architecture import DintsArchitecture
from iac_components.dints.architecture_file import save_architecture
from iac_components.dints.best_architecture import BestArchitecture
from iac_components.dints.memory import GIGABYTE, MemoryBudget
from iac_components.dints.pruning import is_decided
from iac_components.dints.supernet import DintsSearchNetwork
from iac_components.engine import RunRecord
from iac_components.search.provenance import search_provenance
from iac_components.search.trace import SearchTrace

__all__ = ["LAST_NAME", "save_found_architecture"]

LAST_NAME = "architecture_last.json"
"""Beside the found architecture: what the last epoch would decode to."""


def save_found_architecture(
    path: str | Path,
    network: DintsSearchNetwork,
    *,
    trace: SearchTrace,
    settings: Mapping[str, object],
    budget: MemoryBudget,
    best: BestArchitecture,
    record: RunRecord | None = None,
) -> DintsArchitecture:
    """Write ``architecture.json``, and ``architecture_last.json`` beside it.

    Chosen is the only architecture left, if pruning decided; else that of the best validation; else
    that of the last epoch. The file says which. Of several ranks the first writes.

    Args:
        path: the file to write.
        network: the supernet.
        trace: of the search.
        settings: plain values that define the search; they go into the provenance.
        budget: what the architecture may need.
        best: the best validation so far.
        record: of the run; its digests go into the provenance too.

    Raises:
        BudgetError: if nothing that lives fits the budget.
        ValueError: if the search has no epoch, or made no architecture step.
    """
    trace.last()
    last = network.decode(budget, provenance={"chosen": "last epoch", "epoch": len(trace)})
    decided = is_decided(last, network.alive.cpu().numpy())
    found = last
    if decided:
        last = _with(last, {"chosen": "decided by pruning"})
        found = last
    elif best.architecture is not None and best.score > float("-inf"):
        found = best.architecture
    common = search_provenance(
        trace, settings=settings, decided=decided, device=network.alive.device, record=record
    )
    written = []
    for architecture in (found, last):
        needed = budget.memory.of(architecture)
        memory = {
            "activation_gigabytes": needed / GIGABYTE,
            "activation_fraction": needed / budget.memory.largest,
            "budget_gigabytes": budget.bytes / GIGABYTE,
            "input_shape": list(budget.memory.input_shape),
        }
        written.append(_with(architecture, {**common, "memory": memory}))
    if is_first_rank():
        for architecture, file in zip(
            written, (Path(path), Path(path).with_name(LAST_NAME)), strict=True
        ):
            save_architecture(architecture, file)
    return written[0]


def _with(architecture: DintsArchitecture, more: Mapping[str, object]) -> DintsArchitecture:
    """The architecture with further entries in its provenance."""
    return dataclasses.replace(architecture, provenance={**architecture.provenance, **more})
