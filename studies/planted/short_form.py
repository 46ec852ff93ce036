"""Planted tasks in seconds, without data or training, whose truth is exact.

A network with random weights is to give what it gave before its skips were rolled: its own outputs
are the targets, so it is converged by construction, and what was planted is all there is to mend.
"""

from __future__ import annotations

import torch
from monai.networks.nets import BasicUNet
from torch.nn.functional import mse_loss

from iac_components.search import PatientBatch
from studies.cell_table.features import FeatureSet, encode
from studies.planted.run import Halves, run_task
from studies.planted.search import SearchRecipe
from studies.planted.tasks import planted_tasks

__all__ = ["run_short_form"]

RECIPE = SearchRecipe(steps=80, warmup_steps=10, batch_size=4, rate=0.03, architecture_rate=0.1)
IMAGES = 16
"""Each a patient of its own."""


def run_short_form(name: str, *, seed: int = 0) -> dict[str, object]:
    """Search the planted task ``name`` and return what ``run_task`` does."""
    torch.manual_seed(0)
    backbone = BasicUNet(2, 1, 2, (4,) * 6).eval()
    images = torch.rand(IMAGES, 1, 32, 32)
    with torch.no_grad():
        features, targets = encode(backbone, images), backbone(images)
    patients = tuple(f"p{row:02d}" for row in range(IMAGES))
    kept = FeatureSet(features, targets, patients)
    rows = {patient: slice(row, row + 1) for row, patient in enumerate(patients)}
    halves = Halves(kept, kept, [PatientBatch(images, targets, rows)])
    (task,) = (task for task in planted_tasks() if task.name == name)
    return run_task(task, backbone, halves, seed=seed, recipe=RECIPE, loss_function=mse_loss)
