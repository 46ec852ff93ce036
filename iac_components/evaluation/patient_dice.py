"""Patient-level Dice as an evaluator's key metric, so that a checkpoint is chosen by the report."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence

from ignite.engine import Engine
from ignite.metrics import Metric

from iac_components.evaluation.patients import mean_dice
from iac_components.evaluation.scoring import CaseScores

__all__ = ["PatientDice"]

_logger = logging.getLogger(__name__)


class PatientDice(Metric):
    """Mean Dice over patients, the same number as ``summary.dice.mean`` in ``metrics.json``.

    The same function scores a case and the same one averages, classes that a case does not show
    (``EMPTY_CLASS_POLICY``), regions and patients with several cases included. HD95 is left out,
    being slow and not needed. NaN if no patient shows any class.

    Reads an evaluator's items as :class:`~iac_components.evaluation.scoring.CaseScores` does; where
    a datalist names no patients, as MONAI Label's, each image is one of its own. Several processes
    all get the mean over all of their cases.

    Args:
        class_names: names of the foreground classes; label i + 1 is ``class_names[i]``.
        regions: label values of each region to score; None: each class by its own.

    Raises:
        ValueError: if classes or regions make no sense (see :func:`scored_regions`).
    """

    def __init__(
        self, class_names: Sequence[str], *, regions: Mapping[str, Sequence[int]] | None = None
    ) -> None:
        # Before the base class, which resets.
        self._scores = CaseScores(class_names, regions=regions, distances=False, need_names=False)
        super().__init__()

    def reset(self) -> None:
        """Forget all cases."""
        self._scores.clear()

    def iteration_completed(self, engine: Engine) -> None:
        """Score the newest batch; names are in the batch and not in the output."""
        self.update(engine)

    def update(self, output: Engine) -> None:
        """Score the newest batch of an engine."""
        self._scores.add(output)

    def compute(self) -> float:
        """Return the mean over patients of all processes.

        Raises:
            ValueError: if no case was evaluated.
        """
        mean = mean_dice(self._scores.gather())
        if math.isnan(mean):
            _logger.warning(
                "No class is in any label or prediction, so no Dice can choose the weights."
            )
        return mean
