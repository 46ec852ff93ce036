"""The loss of a deeply supervised network, whatever mode the network is in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

__all__ = ["StackedSupervisionLoss"]


class StackedSupervisionLoss(nn.Module):
    """Hand the outputs that a DynUNet stacks to a loss that takes them as a list.

    A DynUNet with deep supervision returns (B, N, C, *S) in training and (B, C, *S) in
    evaluation, as it does inside a search on a frozen backbone; the loss takes either, and the
    list of a SegResNetDS.

    Args:
        loss: of (list of predictions (B, C, *S), or one, and target (B, 1, *S)), such as MONAI's
            ``DeepSupervisionLoss``.
    """

    def __init__(
        self,
        loss: Callable[[torch.Tensor | Sequence[torch.Tensor], torch.Tensor], torch.Tensor],
    ) -> None:
        super().__init__()
        self.loss = loss

    def forward(
        self, prediction: torch.Tensor | Sequence[torch.Tensor], target: torch.Tensor
    ) -> torch.Tensor:
        """Return the scalar loss."""
        if isinstance(prediction, torch.Tensor) and prediction.ndim == target.ndim + 1:
            return self.loss(list(prediction.unbind(dim=1)), target)
        return self.loss(prediction, target)
