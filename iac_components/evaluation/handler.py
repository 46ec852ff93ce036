"""Ignite handler that scores every case of an evaluation and writes the patients' metrics."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import ignite.distributed as idist
from ignite.engine import Engine, Events

from iac_components.common.files import require_writable_directory
from iac_components.evaluation.metrics_files import write_metrics
from iac_components.evaluation.patients import mean_dice
from iac_components.evaluation.scoring import CaseScores

__all__ = ["PatientMetrics"]

_logger = logging.getLogger(__name__)


class PatientMetrics:
    """Collect Dice, HD95 and false positives of each case, write them when the run ends.

    Reads an evaluator's items as :class:`~iac_components.evaluation.scoring.CaseScores` does. At
    ``COMPLETED`` it writes ``metrics.csv`` and ``metrics.json`` and sets
    ``engine.state.metrics["patient_dice"]``, the mean over patients, unless no patient shows any
    class.

    With several processes every process collects its own cases, all get the metric and the first
    one writes.

    Args:
        output_dir: folder of both files.
        class_names: names of the foreground classes; label i + 1 is ``class_names[i]``.
        info: plain JSON values to keep in ``metrics.json``, such as dataset, fold and seed.
        regions: label values of each region to score, which may overlap, for instance
            ``{"whole_tumour": [1, 2, 3], "tumour_core": [1, 3]}``. Their names then stand for the
            classes' in all files, and their order for the label. None: each class by its own.

    Raises:
        ValueError: if ``class_names`` is empty, one string, or holds an empty or repeated name, or
            a region is empty or holds a value that is no class (see :func:`scored_regions`).
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
        self._scores = CaseScores(class_names, regions=regions, distances=True, need_names=True)
        self.output_dir = require_writable_directory(output_dir)
        self.info = dict(info or {})
        pairs = zip(self._scores.names, self._scores.values, strict=True)
        self.regions = None if regions is None else dict(pairs)

    def attach(self, engine: Engine) -> None:
        """Register this handler with an evaluator."""
        # An evaluator that validates during training runs many times, each time from nothing.
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._scores.add)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def _start(self, engine: Engine) -> None:
        self._scores.clear()
        engine.state.metrics.pop("patient_dice", None)

    def _finish(self, engine: Engine) -> None:
        records = self._scores.gather()
        if not records:
            raise ValueError("no case was evaluated: check the evaluator's datalist.")
        if idist.get_rank() == 0:
            write_metrics(
                self.output_dir,
                records,
                class_names=self._scores.names,
                info=self.info,
                regions=self.regions,
            )
        mean = mean_dice(records)
        if math.isnan(mean):
            # A NaN among an engine's metrics could be taken for the best score there will ever be.
            _logger.warning("No patient has any class, so there is no patient_dice.")
        else:
            engine.state.metrics["patient_dice"] = mean
