"""Counts of a case from which its Dice follows for every choice of kept components."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from iac_components.evaluation.metrics import crop_to_foreground, require_label_map
from iac_components.evaluation.postprocessing.kept import KeptComponents

__all__ = ["ComponentCounts"]

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ComponentCounts:
    """Voxels of a case by predicted and true class, with and without each kind of filter.

    A class's filter removes voxels of that class alone. So the four label maps, with and without
    the filter of the foreground and of every class, tell the counts of any choice of classes.

    Attributes:
        patient: name of the patient.
        case: name of the image.
        tables: (2, 2, K, K) voxels: foreground filtered or not, each class filtered or not,
            predicted class, true class; background first. Voxels that are background in both
            maps are left out.
    """

    patient: str
    case: str
    tables: Counts

    @classmethod
    def of(
        cls,
        patient: str,
        case: str,
        prediction: torch.Tensor,
        label: torch.Tensor,
        *,
        class_names: Sequence[str],
    ) -> ComponentCounts:
        """Count a case.

        Args:
            patient: name of the patient.
            case: name of the image.
            prediction: label map ``(*S)``.
            label: reference label map ``(*S)``.
            class_names: of the foreground classes.

        Raises:
            ValueError: if shapes differ, or a value is not 0 to the number of classes.
        """
        size = len(class_names) + 1
        if prediction.shape != label.shape:
            raise ValueError(
                f"prediction has shape {tuple(prediction.shape)} but label has "
                f"{tuple(label.shape)}: bring the prediction back to the label's space first."
            )
        predicted, expected = crop_to_foreground(
            require_label_map(prediction, "prediction", size),
            require_label_map(label, "label", size),
        )
        tables = np.zeros((2, 2, size, size), dtype=np.int64)
        for foreground, each in itertools.product((False, True), repeat=2):
            kept = KeptComponents(foreground, tuple(class_names) if each else ())
            # MONAI's transform changes its input.
            item = {"pred": predicted[None].clone()}
            for transform in kept.transforms(class_names):
                item = transform(item)
            codes = item["pred"][0].long() * size + expected.long()
            counted = torch.bincount(codes.flatten(), minlength=size * size)
            tables[int(foreground), int(each)] = counted.reshape(size, size).numpy()
        tables[:, :, 0, 0] = 0
        return cls(patient, case, tables)

    def dice(
        self, values: Sequence[int], kept: KeptComponents, class_names: Sequence[str]
    ) -> float:
        """Dice of the union of some classes, by ``EMPTY_CLASS_POLICY``.

        Args:
            values: of the classes.
            kept: what is left of the prediction.
            class_names: of the foreground classes.
        """
        rows = [
            self.tables[int(kept.foreground), int(class_names[value - 1] in kept.classes), value]
            for value in values
        ]
        predicted = sum(int(row.sum()) for row in rows)
        expected = sum(int(self.tables[0, 0, :, value].sum()) for value in values)
        hit = sum(int(row[value]) for row in rows for value in values)
        return 2 * hit / (predicted + expected) if predicted + expected else math.nan
