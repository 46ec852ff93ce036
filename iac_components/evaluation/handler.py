"""Ignite handler that scores every case of an evaluation and writes the patients' metrics."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.data import MetaTensor, affine_to_spacing

from iac_components.evaluation.metrics import case_metrics
from iac_components.evaluation.patients import finite_mean, patient_scores
from iac_components.evaluation.records import CaseRecord
from iac_components.evaluation.regions import scored_regions
from iac_components.evaluation.report import write_metrics
from iac_components.files import require_writable_directory

__all__ = ["PatientMetrics"]

_logger = logging.getLogger(__name__)


class PatientMetrics:
    """Collect Dice and HD95 of each case, write them when the run ends.

    Reads, for each decollated item of a ``SupervisedEvaluator`` and after its postprocessing,
    ``pred`` (label map ``(1, *S)`` in the label's space) and ``label`` (``(1, *S)``, voxel size
    from its affine), and the strings ``patient`` and ``case``. At ``COMPLETED`` it writes
    ``metrics.csv`` and ``metrics.json`` and sets ``engine.state.metrics["patient_dice"]``, the mean
    over patients, unless no patient shows any class.

    With several processes every process collects its own cases, all get the metric and the first
    one writes; a case that a distributed sampler repeated to even out its shares counts once.

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
        scored = scored_regions(class_names, regions)
        self.output_dir = require_writable_directory(output_dir)
        self.class_names = tuple(class_names)
        self.info = dict(info or {})
        self.regions = None if regions is None else scored
        self._scored_names = tuple(scored)
        self._scored_values = tuple(scored.values())
        self._records: dict[tuple[str, str, int], CaseRecord] = {}

    def attach(self, engine: Engine) -> None:
        """Register this handler with an evaluator."""
        # An evaluator that validates during training runs many times: each run starts anew.
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def _start(self, engine: Engine) -> None:
        self._records = {}
        engine.state.metrics.pop("patient_dice", None)

    def _collect(self, engine: Engine) -> None:
        outputs, batch = engine.state.output, engine.state.batch
        if not isinstance(outputs, list) or not isinstance(batch, list):
            raise TypeError("PatientMetrics reads decollated items: set the evaluator's decollate.")
        # MONAI keeps what the network did not produce, such as names, in the batch.
        for source, output in zip(batch, outputs, strict=True):
            for record in self._score({**source, **output}):
                if record.key in self._records:
                    raise ValueError(
                        f"{_describe(record.patient, record.case)} was evaluated twice: give each "
                        "image of the datalist its own 'case'."
                    )
                self._records[record.key] = record

    def _score(self, item: Mapping[str, object]) -> list[CaseRecord]:
        patient, case = _name(item, "patient"), _name(item, "case")
        try:
            prediction, label = _label_map(item, "pred"), _label_map(item, "label")
            scores = case_metrics(
                prediction[0],
                label[0],
                num_classes=len(self.class_names) + 1,
                spacing=_spacing(label, _describe(patient, case)),
                regions=self._scored_values,
            )
        except ValueError as error:
            raise ValueError(f"{_describe(patient, case)}: {error}") from error
        return [
            CaseRecord(
                patient,
                case,
                score.label,
                self._scored_names[score.label - 1],
                score.dice,
                score.hd95,
            )
            for score in scores
        ]

    def _finish(self, engine: Engine) -> None:
        records = _gather(self._records)
        if not records:
            raise ValueError("no case was evaluated: check the evaluator's datalist.")
        if idist.get_rank() == 0:
            write_metrics(
                self.output_dir,
                records,
                class_names=self._scored_names,
                info=self.info,
                regions=self.regions,
            )
        mean = finite_mean(score.mean for score in patient_scores(records, "dice").values())
        if math.isnan(mean):
            # A NaN among an engine's metrics could be taken for the best score there will ever be.
            _logger.warning("No patient shows any class: there is no patient_dice.")
        else:
            engine.state.metrics["patient_dice"] = mean


def _gather(records: Mapping[tuple[str, str, int], CaseRecord]) -> list[CaseRecord]:
    """Return the records of all processes, each case and class once, in one order for all."""
    parts = [records] if idist.get_world_size() == 1 else idist.all_gather(dict(records))
    merged = {key: record for part in reversed(parts) for key, record in part.items()}
    return [merged[key] for key in sorted(merged)]


def _describe(patient: str, case: str) -> str:
    return f"patient '{patient}', case '{case}'"


def _name(item: Mapping[str, object], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(
            f"an evaluated item has no '{key}' (a string), only {sorted(item)}: the datalist must "
            "give each item 'patient' and 'case', and no transform may drop them."
        )
    return value


def _label_map(item: Mapping[str, object], key: str) -> torch.Tensor:
    value = item.get(key)
    if not isinstance(value, torch.Tensor):
        raise ValueError(f"the item has no tensor '{key}', only {sorted(item)}.")
    if value.ndim < 2 or value.shape[0] != 1:
        raise ValueError(
            f"'{key}' has shape {tuple(value.shape)} but must be a label map (1, *S): "
            "use AsDiscreted(argmax=True) in the postprocessing."
        )
    return value


def _spacing(label: torch.Tensor, case: str) -> list[float]:
    """Read the voxel size along each axis of ``label``, ``(1, *S)``, from its affine, in mm."""
    dims = label.ndim - 1
    if not isinstance(label, MetaTensor):
        _logger.warning("%s: label has no affine, so HD95 is in voxels of 1 mm.", case)
        return [1.0] * dims
    affine = label.affine.detach().cpu()
    # A 2-D image can carry a 3-D affine: a column's length needs all of that column's rows. And a
    # zero column is an error to report, which MONAI would by default replace by 1 mm.
    spacing = affine_to_spacing(affine, r=affine.shape[-1] - 1, suppress_zeros=False)
    return [float(size) for size in spacing[:dims]]
