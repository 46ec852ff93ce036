"""Skip modules of levels without a cell."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from iac_components.search_space import Treatment

__all__ = ["UnchangedSkip", "ZeroSkip", "treated_skip"]


class UnchangedSkip(nn.Module):
    """Pass a skip feature on unchanged, as the plain network does."""

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Return ``skip`` (B, C, *S); ``gate`` (B, G, *s) is not used."""
        return skip


class ZeroSkip(nn.Module):
    """Switch a skip connection off: the decoder gets zeros."""

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Return zeros of the shape of ``skip`` (B, C, *S); ``gate`` (B, G, *s) is not used."""
        return torch.zeros_like(skip)


def treated_skip(treatment: Treatment) -> nn.Module:
    """Build the module of a level that has no cell.

    Args:
        treatment: ``none`` or ``off``.

    Raises:
        ValueError: if it is ``cell``.
    """
    if treatment == "cell":
        raise ValueError("a level with a cell needs that cell.")
    return ZeroSkip() if treatment == "off" else UnchangedSkip()
