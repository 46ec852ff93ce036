"""Learning rates of a resumed run whose length was changed."""

from __future__ import annotations

import warnings
from typing import TypeGuard

from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

__all__ = ["follow_new_length", "has_length"]


def has_length(item: object) -> TypeGuard[LRScheduler]:
    """Recognize a schedule, among a checkpoint's objects, that its own arguments determine."""
    return isinstance(item, LRScheduler) and not isinstance(item, ReduceLROnPlateau)


def follow_new_length(scheduler: LRScheduler, *, start: list[float], steps: int) -> None:
    """Advance a schedule that has not run to its state after ``steps`` steps.

    The state of the schedule that was saved holds the old length, and the optimizer's the old rate
    (zero, at the end of a cosine). Stepping the new one gives, from here on, the rates of a run
    that had this length from its start.

    Args:
        scheduler: as its config made it.
        start: the rates of its optimizer's groups when it was made.
        steps: how often it was stepped before.
    """
    for group, rate in zip(scheduler.optimizer.param_groups, start, strict=True):
        group["lr"] = rate
    with warnings.catch_warnings():
        # PyTorch expects a step of the optimizer before the first one of its schedule.
        warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
        for _ in range(steps):
            scheduler.step()
