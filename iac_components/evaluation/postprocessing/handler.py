"""Ignite handler that decides by the cases of an evaluation which components are kept."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import ignite.distributed as idist
from ignite.engine import Engine, Events

from iac_components.common.files import require_writable_directory
from iac_components.evaluation.case_items import (
    case_name,
    describe_case,
    evaluated_items,
    gather,
    label_map,
)
from iac_components.evaluation.postprocessing.counts import ComponentCounts
from iac_components.evaluation.postprocessing.decision import decide
from iac_components.evaluation.postprocessing.decision_file import (
    COUNTS_NAME,
    DECISION_NAME,
    write_counts,
    write_decision,
)
from iac_components.evaluation.regions import scored_regions

__all__ = ["LargestComponents"]

_logger = logging.getLogger(__name__)


class LargestComponents:
    """Decide of what only the largest component is kept, by the evaluator's cases.

    Reads an evaluator's items as :class:`~iac_components.evaluation.PatientMetrics` does. At
    ``COMPLETED`` it writes ``postprocessing.json`` and ``component_counts.json``. With several
    processes every process counts its own cases, and the first one decides.

    Args:
        output_dir: folder of both files.
        class_names: names of the foreground classes; label i + 1 is ``class_names[i]``.
        info: plain JSON values to keep in ``postprocessing.json``, such as data set and fold.
        regions: label values of each region whose Dice decides; None: each class by its own.

    Raises:
        ValueError: if classes or regions make no sense.
        OSError: if ``output_dir`` cannot be written.
    """

    def __init__(
        self,
        output_dir: str | Path,
        class_names: Sequence[str],
        *,
        info: Mapping[str, object] | None = None,
        regions: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        scored_regions(class_names, regions)
        self.class_names = tuple(class_names)
        self.regions = regions
        self.output_dir = require_writable_directory(output_dir)
        self.info = dict(info or {})
        self._cases: dict[tuple[str, str], ComponentCounts] = {}

    def attach(self, engine: Engine) -> None:
        """Register this handler with an evaluator."""
        engine.add_event_handler(Events.STARTED, lambda _: self._cases.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._count)
        engine.add_event_handler(Events.COMPLETED, self._decide)

    def _count(self, engine: Engine) -> None:
        for item in evaluated_items(engine):
            patient, case = case_name(item, "patient"), case_name(item, "case")
            try:
                prediction, label = label_map(item, "pred"), label_map(item, "label")
                self._cases[patient, case] = ComponentCounts.of(
                    patient, case, prediction[0], label[0], class_names=self.class_names
                )
            except ValueError as error:
                raise ValueError(f"{describe_case(patient, case)}: {error}") from error

    def _decide(self, engine: Engine) -> None:
        cases = gather(self._cases)
        if idist.get_rank() != 0:
            return
        decision = decide(cases, self.class_names, self.regions)
        write_counts(self.output_dir / COUNTS_NAME, cases)
        write_decision(self.output_dir / DECISION_NAME, decision, info=self.info)
        _logger.info("Largest component kept of %s.", decision.kept.describe() or "nothing")
