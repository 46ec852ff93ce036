"""Default loss, optimizers, schedule and criterion of a run.

They are those of the bundles' configs, which a test compares with these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import torch
from monai.losses import DiceCELoss
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler

from iac_components.search import JensenShannonStability

__all__ = [
    "Loss",
    "architecture_optimizer",
    "cell_criterion",
    "cosine_schedule",
    "segmentation_loss",
    "topology_criterion",
    "topology_optimizer",
    "weight_optimizer",
]

Loss: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Of logits (B, classes, *S) and labels (B, 1, *S)."""

Parameters: TypeAlias = Iterable[nn.Parameter]


def segmentation_loss(*, over_batch: bool = False) -> Loss:
    """Dice and cross entropy over softmax.

    Args:
        over_batch: take Dice over all images of a batch together, as nnU-Net does for slices: many
            of them lack a class, whose own Dice then is all or nothing.
    """
    loss: Loss = DiceCELoss(to_onehot_y=True, softmax=True, batch=over_batch)
    return loss


def weight_optimizer(parameters: Parameters, learning_rate: float) -> Optimizer:
    """AdamW for the weights of a training or a cell search."""
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=1e-4)


def topology_optimizer(parameters: Parameters, learning_rate: float) -> Optimizer:
    """SGD with momentum for the weights of a topology search (DiNTS)."""
    return torch.optim.SGD(parameters, lr=learning_rate, momentum=0.9, weight_decay=4e-5)


def architecture_optimizer(parameters: Parameters, learning_rate: float) -> Optimizer:
    """Adam for architecture parameters (DARTS)."""
    return torch.optim.Adam(parameters, lr=learning_rate, betas=(0.5, 0.999))


def cosine_schedule(optimizer: Optimizer, epochs: int) -> LRScheduler:
    """Half a cosine over the run."""
    return CosineAnnealingLR(optimizer, T_max=epochs)


def cell_criterion(warmup_epochs: int) -> JensenShannonStability:
    """Judge whether a cell's distributions have become stable."""
    return JensenShannonStability(
        threshold=0.3,
        relative=True,
        window=2,
        patience=1,
        warmup_epochs=warmup_epochs + 2,
        min_signal=5e-3,
        tie_patience=3,
    )


def topology_criterion(warmup_epochs: int) -> JensenShannonStability:
    """Judge whether a topology's distributions have become stable."""
    return JensenShannonStability(
        threshold=0.1,
        relative=True,
        window=3,
        patience=2,
        warmup_epochs=warmup_epochs + 3,
        min_signal=5e-3,
    )
