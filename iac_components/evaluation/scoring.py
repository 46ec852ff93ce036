"""Scores of the cases that an evaluator has run: for its report, and for its key metric."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import ignite.distributed as idist
import torch
from ignite.engine import Engine
from monai.data import MetaTensor, affine_to_spacing

from iac_components.evaluation.case_items import (
    case_name,
    describe_case,
    evaluated_items,
    gather,
    label_map,
)
from iac_components.evaluation.metrics import case_metrics
from iac_components.evaluation.records import CaseRecord
from iac_components.evaluation.regions import scored_regions

__all__ = ["CaseScores"]

_logger = logging.getLogger(__name__)


class CaseScores:
    """Scores of every case of an evaluator's run, gathered from all processes.

    Reads, for each decollated item of a ``SupervisedEvaluator`` and after its postprocessing,
    ``pred`` (label map ``(1, *S)`` in the label's space), ``label`` (``(1, *S)``, voxel size from
    its affine), and the strings ``patient`` and ``case``.

    Args:
        class_names: names of the foreground classes; label i + 1 is ``class_names[i]``.
        regions: label values of each region to score, or None to score each class by its own.
        distances: whether to measure HD95, which takes most of the time.
        need_names: whether an item without ``patient`` and ``case`` is an error; else its file
            names both, or its number if it has none.

    Raises:
        ValueError: if classes or regions make no sense (see :func:`scored_regions`).
    """

    def __init__(
        self,
        class_names: Sequence[str],
        *,
        regions: Mapping[str, Sequence[int]] | None,
        distances: bool,
        need_names: bool,
    ) -> None:
        scored = scored_regions(class_names, regions)
        self.names = tuple(scored)
        self.values = tuple(scored.values())
        self.num_classes = len(class_names) + 1
        self.distances = distances
        self.need_names = need_names
        self._records: dict[tuple[str, str, int], CaseRecord] = {}
        self._count = 0

    def clear(self) -> None:
        """Forget all cases."""
        self._records, self._count = {}, 0

    def add(self, engine: Engine) -> None:
        """Score the items of the engine's newest batch.

        Raises:
            TypeError: if the evaluator does not decollate.
            ValueError: naming the case, if an item lacks something or was there before.
        """
        for item in evaluated_items(engine):
            for record in self._score(item):
                if record.key in self._records:
                    raise ValueError(
                        f"{describe_case(record.patient, record.case)} was evaluated twice: give "
                        "each image of the datalist its own 'case'."
                    )
                self._records[record.key] = record

    def gather(self) -> list[CaseRecord]:
        """Return the records of all processes, each case and class once, in one order for all.

        Every process must call it. A case that a distributed sampler repeated to even out its
        shares counts once.
        """
        return gather(self._records)

    def _score(self, item: Mapping[str, object]) -> list[CaseRecord]:
        patient, case = self._names(item)
        try:
            prediction, label = label_map(item, "pred"), label_map(item, "label")
            scores = case_metrics(
                prediction[0],
                label[0],
                num_classes=self.num_classes,
                spacing=_spacing(label, describe_case(patient, case)),
                regions=self.values,
                distances=self.distances,
            )
        except ValueError as error:
            raise ValueError(f"{describe_case(patient, case)}: {error}") from error
        return [
            CaseRecord(
                patient,
                case,
                score.label,
                self.names[score.label - 1],
                score.dice,
                score.hd95,
                score.false_positive_ml,
            )
            for score in scores
        ]

    def _names(self, item: Mapping[str, object]) -> tuple[str, str]:
        if self.need_names:
            return case_name(item, "patient"), case_name(item, "case")
        self._count += 1
        image = item.get("image")
        file = image.meta.get("filename_or_obj") if isinstance(image, MetaTensor) else None
        case = str(item.get("case") or file or f"number {self._count} of rank {idist.get_rank()}")
        return str(item.get("patient") or case), case


def _spacing(label: torch.Tensor, case: str) -> list[float]:
    """Read the voxel size along each axis of ``label``, ``(1, *S)``, from its affine, in mm."""
    dims = label.ndim - 1
    if not isinstance(label, MetaTensor):
        _logger.warning("%s: label has no affine, so a voxel counts as 1 mm wide.", case)
        return [1.0] * dims
    affine = label.affine.detach().cpu()
    # A 2-D image can carry a 3-D affine: a column's length needs all of that column's rows. And a
    # zero column is an error to report, which MONAI would by default replace by 1 mm.
    spacing = affine_to_spacing(affine, r=affine.shape[-1] - 1, suppress_zeros=False)
    return [float(size) for size in spacing[:dims]]
