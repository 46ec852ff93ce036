"""One line an epoch about a topology search: losses, entropies, memory, validation."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from ignite.engine import Engine, Events

from iac_components.common.files import write_text
from iac_components.common.ranks import is_first_rank
from iac_components.common.trace_format import SUMMARY_COLUMNS
from iac_components.dints.memory_model import GIGABYTE
from iac_components.dints.searching.topology_trainer import DintsSearchTrainer
from iac_components.engine import metric_value

__all__ = ["SearchSummary"]


class SearchSummary:
    """Write ``search_summary.csv`` after every epoch, whole and atomically.

    Attach it after ``EpochMetrics``, whose mean losses it takes, and after the validation. It is
    saved with the run. Of several ranks the first writes.

    Args:
        path: the file to write.
        validator: the evaluator whose score belongs to the epoch it ran in.
        metric_name: key of its metrics.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        validator: Engine | None = None,
        metric_name: str = "val_mean_dice",
    ) -> None:
        self.path = Path(path)
        self.validator = validator
        self.metric_name = metric_name
        self.rows: list[list[str]] = []
        self._score: float | None = None
        self._started = 0.0

    def attach(self, engine: DintsSearchTrainer) -> None:
        """Listen to a search trainer, and to its validator."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)
        if self.validator is not None:
            self.validator.add_event_handler(Events.COMPLETED, self._note)

    def _start(self, engine: Engine) -> None:
        self._started = time.perf_counter()
        self._score = None

    def _note(self, engine: Engine) -> None:
        self._score = metric_value(engine, self.metric_name)

    @torch.no_grad()
    def __call__(self, engine: DintsSearchTrainer) -> None:
        """Add the epoch's row and write the file."""
        regularizer = engine.regularizer
        terms = {name: float(value) for name, value in regularizer.terms().items()}
        fraction = terms["expected_memory_fraction"]
        searching = engine.state.epoch > engine.warmup_epochs
        values: dict[str, float | int | None] = {
            "epoch": engine.state.epoch,
            "seconds": time.perf_counter() - self._started,
            "loss": engine.state.metrics["loss"],
            "architecture_loss": engine.state.metrics.get("architecture_loss")
            if searching
            else None,
            "regularizer_weight": engine.regularizer_weight,
            **terms,
            "expected_memory_gigabytes": fraction * regularizer.budget.memory.largest / GIGABYTE,
            "budget_fraction": regularizer.budget_fraction,
            "living_operations": int(regularizer.network.alive.sum()),
            "validation_dice": self._score,
        }
        self.rows.append([_text(values[name]) for name in SUMMARY_COLUMNS])
        if is_first_rank():
            table = io.StringIO()
            csv.writer(table, lineterminator="\n").writerows([SUMMARY_COLUMNS, *self.rows])
            write_text(self.path, table.getvalue())

    def state_dict(self) -> dict[str, object]:
        """Return the rows so far."""
        return {"rows": [list(row) for row in self.rows]}

    def load_state_dict(self, state_dict: Mapping[str, list[list[str]]]) -> None:
        """Load the rows."""
        self.rows = [list(row) for row in state_dict["rows"]]


def _text(value: float | None) -> str:
    """Format a number; empty if there is none, as NaN is no score."""
    return "" if value is None or not math.isfinite(value) else f"{value:.8g}"
