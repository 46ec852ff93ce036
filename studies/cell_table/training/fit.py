"""One recipe for every training of a table, backbone or cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

import torch
from monai.losses import DiceCELoss
from torch import nn

from studies.cell_table.settings import Recipe

__all__ = ["fit"]

Input = TypeVar("Input")


def fit(
    network: Callable[[Input], torch.Tensor],
    parameters: Sequence[nn.Parameter],
    batches: Iterable[tuple[Input, torch.Tensor]],
    recipe: Recipe,
) -> float:
    """Train ``parameters`` for the recipe's steps on Dice and cross-entropy.

    Args:
        network: maps a batch's inputs to logits (B, classes, *S).
        parameters: what is trained.
        batches: inputs with labels (B, 1, *S), as many as there are steps or more.
        recipe: steps and rates.

    Returns:
        Mean loss of the last tenth of the steps.

    Raises:
        FloatingPointError: if the loss is not finite.
    """
    loss_function = DiceCELoss(to_onehot_y=True, softmax=True)
    # Fused: cells have many small tensors, whose updates one by one took a tenth of a step.
    optimizer = torch.optim.AdamW(
        parameters, lr=recipe.rate, weight_decay=recipe.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _factor(step, recipe))
    losses = []
    for inputs, labels in islice(batches, recipe.steps):
        loss = loss_function(network(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    tail = float(torch.stack(losses[-max(1, recipe.steps // 10) :]).mean())
    if not math.isfinite(tail):
        raise FloatingPointError(f"the loss became {tail}: lower the rate {recipe.rate}.")
    return tail


def _factor(step: int, recipe: Recipe) -> float:
    rise = min(1.0, (step + 1) / recipe.warmup_steps)
    return rise * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
