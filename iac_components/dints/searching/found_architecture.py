"""The architecture that a search chooses, from its best validation to the file that is written."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path

from ignite.engine import Engine, Events

from iac_components.common.ranks import is_first_rank
from iac_components.dints.memory_model import GIGABYTE, MemoryBudget
from iac_components.dints.searching.topology_audit import (
    TopologyAudit,
    TopologyVerdict,
    describe_topology,
)
from iac_components.dints.topology import DintsArchitecture, parse_architecture, save_architecture
from iac_components.dints.topology_supernet import DintsSearchNetwork
from iac_components.engine import RunRecord, metric_value
from iac_components.search.results.provenance import search_provenance
from iac_components.search.results.trace import SearchTrace

__all__ = ["LAST_NAME", "BestArchitecture", "save_found_architecture"]

_LOGGER = logging.getLogger("iac_components.search")

LAST_NAME = "architecture_last.json"
"""Beside the found architecture: what the last epoch would decode to."""


class BestArchitecture:
    """Write ``architecture.json`` whenever a validation after the warm-up beats all before it.

    NaN and infinity are never best. A best architecture that pruning has since ruled out counts no
    more. Saved with the run, so that resuming does not forget it; of several ranks the first
    writes.

    Args:
        network: the supernet.
        path: the file to write.
        budget: what the architecture may need.
        warmup_epochs: epochs whose validations do not count: architecture parameters stand still.
        metric_name: key of the evaluator's metrics; larger is better.
    """

    def __init__(
        self,
        network: DintsSearchNetwork,
        path: str | Path,
        *,
        budget: MemoryBudget,
        warmup_epochs: int = 0,
        metric_name: str = "val_mean_dice",
    ) -> None:
        self.network = network
        self.path = Path(path)
        self.budget = budget
        self.warmup_epochs = warmup_epochs
        self.metric_name = metric_name
        self.architecture: DintsArchitecture | None = None

    @property
    def score(self) -> float:
        """Of the best architecture; minus infinity if there is none that still lives."""
        if self.architecture is None or not self.architecture.lives_in(self.network.living()):
            return -math.inf
        return float(str(self.architecture.provenance["validation_score"]))

    def attach(self, engine: Engine) -> None:
        """Listen to the end of an evaluator's runs, whose epoch is the trainer's."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Compare the newest value, decode and write if it is best.

        Raises:
            KeyError: if the evaluator has no such metric; the message lists those it has.
        """
        epoch, score = engine.state.epoch, metric_value(engine, self.metric_name)
        if epoch <= self.warmup_epochs or not math.isfinite(score) or score <= self.score:
            return
        self.architecture = self.network.decode(self.budget).noting(
            chosen="best validation", epoch=epoch, validation_score=score
        )
        _write(self.architecture, self.path)

    def state_dict(self) -> dict[str, object]:
        """Return the best architecture as the JSON values of its file."""
        best = self.architecture
        return {"architecture": None if best is None else best.content()}

    def load_state_dict(self, state_dict: Mapping[str, object]) -> None:
        """Load the best architecture."""
        content = state_dict["architecture"]
        self.architecture = None if content is None else parse_architecture(content)


def save_found_architecture(
    path: str | Path,
    network: DintsSearchNetwork,
    *,
    trace: SearchTrace,
    settings: Mapping[str, object],
    budget: MemoryBudget,
    best: BestArchitecture,
    record: RunRecord | None = None,
    audit: TopologyAudit | None = None,
) -> DintsArchitecture:
    """Write ``architecture.json``, and ``architecture_last.json`` beside it.

    Chosen is the only architecture left, if pruning decided; else, of an audit that races, the one
    within the budget that gives up the least effect; else that of the best validation; else that
    of the last epoch. The file says which, and what each part of it is worth. Logs one sentence
    about what was found. Of several ranks the first writes.

    Args:
        path: the file to write.
        network: the supernet.
        trace: of the search.
        settings: plain values that define the search; they go into the provenance.
        budget: what the architecture may need.
        best: the best validation so far.
        record: of the run; its digests go into the provenance too.
        audit: of the search; None judges nothing, and the search counts as undecided.

    Raises:
        BudgetError: if nothing that lives fits the budget.
        ValueError: if the search has no epoch, or made no architecture step.
    """
    trace.last()
    if audit is not None and audit.races:
        # Asked first: settling may leave one architecture, whatever the epochs had decided.
        ended = audit.is_decided
        audit.settle(len(trace))
        last = audit.decode().noting(chosen="least effect given up", epoch=len(trace))
    else:
        last = network.decode(budget).noting(chosen="last epoch", epoch=len(trace))
        ended = last.fills(network.living())
    decided = last.fills(network.living())
    if decided:
        last = last.noting(chosen="decided by pruning")
    found = last
    if best.architecture is not None and math.isfinite(best.score):
        found = last if decided or (audit is not None and audit.races) else best.architecture
    verdict = TopologyVerdict(False, None) if audit is None else audit.judge(found)
    common = search_provenance(
        trace,
        settings=settings,
        decided=ended,
        searched=verdict.decided,
        device=network.alive.device,
        record=record,
    )
    found, last = (each.noting(**common, memory=_memory(each, budget)) for each in (found, last))
    if verdict.findings is not None:
        found = found.noting(findings=verdict.findings)
        sentence = describe_topology(verdict.findings, searched=verdict.decided)
        _LOGGER.info(f"The search has {sentence}")
    _write(found, Path(path))
    _write(last, Path(path).with_name(LAST_NAME))
    return found


def _memory(architecture: DintsArchitecture, budget: MemoryBudget) -> dict[str, object]:
    """Return the memory of an architecture and its budget."""
    needed = budget.memory.of(architecture)
    return {
        "activation_gigabytes": needed / GIGABYTE,
        "activation_fraction": needed / budget.memory.largest,
        "budget_gigabytes": budget.bytes / GIGABYTE,
        "input_shape": list(budget.memory.input_shape),
    }


def _write(architecture: DintsArchitecture, path: Path) -> None:
    """Write the file, on the first of several ranks."""
    if is_first_rank():
        save_architecture(architecture, path)
