"""Keep the architecture of the best validation, marked as such."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from ignite.engine import Engine, Events

from iac_components.common.ranks import is_first_rank
from iac_components.dints.architecture import DintsArchitecture
from iac_components.dints.architecture_file import (
    architecture_content,
    parse_architecture,
    save_architecture,
)
from iac_components.dints.memory import MemoryBudget
from iac_components.dints.supernet import DintsSearchNetwork
from iac_components.engine import metric_value

__all__ = ["BestArchitecture"]


class BestArchitecture:
    """Write ``architecture.json`` whenever a validation past the warm-up beats all before it.

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
        if self.architecture is None or not self._lives(self.architecture):
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
        self.architecture = self.network.decode(
            self.budget,
            provenance={"chosen": "best validation", "epoch": epoch, "validation_score": score},
        )
        if is_first_rank():
            save_architecture(self.architecture, self.path)

    def _lives(self, architecture: DintsArchitecture) -> bool:
        blocks, rows = architecture.path_mask.nonzero()
        operations = architecture.operation_indices[blocks, rows]
        return bool(self.network.alive.cpu().numpy()[blocks, rows, operations].all())

    def state_dict(self) -> dict[str, object]:
        """The best architecture, as the JSON values of its file."""
        best = self.architecture
        return {"architecture": None if best is None else architecture_content(best)}

    def load_state_dict(self, state_dict: Mapping[str, object]) -> None:
        """Take the best architecture over."""
        content = state_dict["architecture"]
        self.architecture = None if content is None else parse_architecture(content)
