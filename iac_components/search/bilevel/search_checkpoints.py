"""The checkpoints of a search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from torch import nn
from torch.optim import Optimizer

from iac_components.common.trace_format import AUDIT_TRACE, SEARCH_TRACE
from iac_components.engine import RunCheckpoints, RunRecord
from iac_components.engine.checkpoints.checkpoint import Stateful
from iac_components.search.bilevel.bilevel_trainer import SearchNetwork
from iac_components.search.bilevel.pruned_optimizer import PrunedOptimizerState
from iac_components.search.results.trace import SearchTrace

__all__ = ["SearchCheckpoints"]


class SearchCheckpoints(RunCheckpoints):
    """Checkpoints that a search resumes from, into the supernet as pruned as it was.

    Put it last in the trainer's list.

    Args:
        output_dir: the run's folder.
        network: the supernet.
        optimizer: of the weights.
        architecture_optimizer: of the architecture.
        trace: of the search.
        audit: of the search.
        results: names of the files that an older search may have left there, beside its traces.
        record: all that defines the run.
        resume: start from the newest good checkpoint, if there is any.
        every: epochs between checkpoints; the last epoch is always saved.
        keep: how many to keep.
        **others: what else has a state, by the name that the checkpoint gives it.
    """

    def __init__(
        self,
        output_dir: str | Path,
        network: SearchNetwork,
        *,
        optimizer: Optimizer,
        architecture_optimizer: Optimizer,
        trace: SearchTrace,
        audit: Stateful,
        results: Sequence[str],
        record: RunRecord | None = None,
        resume: bool = False,
        every: int = 1,
        keep: int = 2,
        **others: Stateful,
    ) -> None:
        super().__init__(
            output_dir,
            {
                "network": cast(nn.Module, network),
                "optimizer": PrunedOptimizerState(optimizer, network),
                "architecture_optimizer": architecture_optimizer,
                "trace": cast(Stateful, trace),
                "audit": audit,
                **others,
            },
            results=[*results, SEARCH_TRACE, AUDIT_TRACE],
            record=record,
            resume=resume,
            every=every,
            keep=keep,
        )
