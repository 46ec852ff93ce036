"""Planted tasks in seconds, without data or training, whose truth is exact.

A network with random weights is to give what it gave before its skips were spoilt: its own outputs
are the targets, so it is converged by construction, and what was planted is all there is to mend.
"""

from __future__ import annotations

from pathlib import Path

import torch
from monai.networks.nets import BasicUNet
from torch.nn.functional import mse_loss

from studies.cell_table.training.features import FeatureSet, encode
from studies.found.halves import SearchHalves
from studies.measuring.rules import RULES
from studies.planted.run import SHARED, Run, run_task
from studies.planted.tasks import planted_tasks

__all__ = ["run_short_form"]

IMAGES = 16
"""Of a half, each of a patient of its own."""


def _images(part: str) -> torch.Tensor:
    return torch.rand(IMAGES, 1, 32, 32, generator=torch.Generator().manual_seed(ord(part)))


def _margin(logits: torch.Tensor) -> torch.Tensor:
    """Return the foreground's logit less the background's (B, 1, *S)."""
    return logits[:, 1:] - logits[:, :1]


def _distance(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return mse_loss(_margin(logits), target)


@torch.no_grad()
def _standardise(backbone: BasicUNet) -> None:
    """Scale a network's outputs so that their variance is one: a loss of one is then no mending."""
    deviation = _margin(backbone(_images("w"))).std()
    for parameter in backbone.final_conv.parameters():
        parameter /= deviation


@torch.no_grad()
def _half(backbone: BasicUNet, part: str) -> FeatureSet:
    images = _images(part)
    patients = tuple(f"{part}{row:02d}" for row in range(IMAGES))
    return FeatureSet(encode(backbone, images), _margin(backbone(images)), patients)


SHORT = {
    **SHARED,
    "epochs": 12,
    "steps_per_epoch": 8,
    "batch_size": 8,
    "learning_rate": 0.03,
    "architecture_learning_rate": 0.1,
    "loss": _distance,
}


def run_short_form(
    name: str, *, output_dir: Path, rule: str = "audit", seed: int = 0
) -> dict[str, object]:
    """Search the planted task ``name`` and return what ``run_task`` does."""
    torch.manual_seed(0)
    backbone = BasicUNet(2, 1, 2, (4,) * 6).eval()
    _standardise(backbone)
    halves = SearchHalves(*(_half(backbone, part) for part in ("w", "a", "a")))
    (task,) = (task for task in planted_tasks() if task.name == name)
    return run_task(
        Run(RULES[rule], task, seed), backbone, halves, output_dir=output_dir, shared=SHORT
    )
