"""Keep the weights of the best validation."""

from __future__ import annotations

import logging
import math
from pathlib import Path

from ignite.engine import Engine, Events
from torch import nn

from iac_components.common.files.tensor_files import write_tensors
from iac_components.common.ranks import is_first_rank
from iac_components.engine.records.run_record import RunRecord

__all__ = ["BestModel", "BestScore", "FinalModel", "metric_value"]

_LOGGER = logging.getLogger("iac_components.weights")


def metric_value(engine: Engine, name: str) -> float:
    """Return a metric of an evaluator.

    Raises:
        KeyError: if it has no such metric; the message lists those it has.
    """
    if name not in engine.state.metrics:
        raise KeyError(
            f"the evaluator has no metric '{name}', only {sorted(engine.state.metrics)}."
        )
    return float(engine.state.metrics[name])


class BestScore:
    """The best validation score so far; saved with the run, so that resuming does not forget it."""

    def __init__(self) -> None:
        self.value = -math.inf

    def beaten_by(self, value: float) -> bool:
        """Keep ``value`` if it is better; NaN and infinity never are."""
        better = math.isfinite(value) and value > self.value
        if better:
            self.value = value
        return better

    def state_dict(self) -> dict[str, object]:
        """Return the score."""
        return {"value": self.value}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Load the score."""
        self.value = state_dict["value"]


class BestModel:
    """Write ``{"model": weights, "run": record}`` whenever a validation beats all before it.

    NaN and infinity are never best, also not as the first value; MONAI's ``CheckpointSaver`` would
    keep a NaN that came first for ever, and does not write atomically. Of several ranks the first
    writes; all keep the score.

    Args:
        path: the file, ``model.pt`` by the bundle specification.
        network: whose weights to keep.
        metric_name: key of the evaluator's metrics; larger is better.
        best: the score to beat.
        record: of the run, written beside the weights as ``run``.
    """

    def __init__(
        self,
        path: str | Path,
        network: nn.Module,
        *,
        metric_name: str,
        best: BestScore,
        record: RunRecord | None = None,
    ) -> None:
        self.path = Path(path)
        self.network = network
        self.metric_name = metric_name
        self.best = best
        self.record = record

    def attach(self, engine: Engine) -> None:
        """Listen to the end of an evaluator's runs."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Compare the newest value, and write if it is best.

        Raises:
            KeyError: if the evaluator has no such metric; the message lists those it has.
        """
        value = metric_value(engine, self.metric_name)
        if self.best.beaten_by(value) and is_first_rank():
            facts = {"epoch": engine.state.epoch, self.metric_name: value}
            _write(self.path, self.network, self.record, facts)
        elif self.best.value == -math.inf and is_first_rank():
            _LOGGER.warning(
                f"{self.metric_name} of epoch {engine.state.epoch} is {value}: '{self.path}' is "
                "written by the first validation whose score is a number. If none has one, use the "
                "last epoch's weights (model_final.pt)."
            )


class FinalModel:
    """Write ``{"model": weights, "run": record}`` at the end of a run, on the first rank.

    Args:
        path: the file to write.
        network: whose weights to write.
        record: of the run, written beside the weights as ``run``.
    """

    def __init__(
        self, path: str | Path, network: nn.Module, *, record: RunRecord | None = None
    ) -> None:
        self.path = Path(path)
        self.network = network
        self.record = record

    def attach(self, engine: Engine) -> None:
        """Listen to the end of a trainer's run."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the weights."""
        if is_first_rank():
            _write(self.path, self.network, self.record, {"epoch": engine.state.epoch})


def _write(
    path: Path, network: nn.Module, record: RunRecord | None, facts: dict[str, object]
) -> None:
    run = {} if record is None else {"run": {**record.provenance(), **facts}}
    write_tensors(path, {"model": network.state_dict(), **run})
