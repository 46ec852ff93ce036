"""Dice of every test patient from encoded slices."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from iac_components.evaluation import case_metrics
from studies.cell_table.training.features import FeatureSet, decode

__all__ = ["patient_dice", "score"]

SLICES_AT_ONCE = 32


@torch.no_grad()
def score(network: nn.Module, test: FeatureSet, *, num_classes: int) -> dict[str, list[float]]:
    """Return the Dice of each foreground class of each test patient.

    Args:
        network: the backbone, plain or implanted, in eval mode.
        test: all slices of one volume a patient, in order.
        num_classes: with the background.
    """
    masks = torch.cat(
        [decode(network, part).argmax(dim=1) for part, _ in test.parts(SLICES_AT_ONCE)]
    )
    rows: dict[str, list[int]] = {}
    for row, patient in enumerate(test.patients):
        rows.setdefault(patient, []).append(row)
    return {
        patient: _class_dice(masks[chosen], test.labels[chosen, 0], num_classes)
        for patient, chosen in rows.items()
    }


def patient_dice(classes: Mapping[str, list[float]]) -> dict[str, float]:
    """Mean Dice of each patient over the classes that are not excluded."""
    return {
        patient: math.fsum(found) / len(found)
        for patient, values in classes.items()
        if (found := [value for value in values if not math.isnan(value)])
    }


def _class_dice(prediction: Tensor, label: Tensor, num_classes: int) -> list[float]:
    # The spacing is of no concern: distances are not kept.
    found = case_metrics(prediction, label, num_classes=num_classes, spacing=(1.0, 1.0, 1.0))
    return [metrics.dice for metrics in found]
