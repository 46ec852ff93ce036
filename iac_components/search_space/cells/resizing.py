"""Bringing a feature to the size of another."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import interpolate

__all__ = ["resize_linearly"]

_MODES = {4: "bilinear", 5: "trilinear"}


def resize_linearly(feature: Tensor, size: Sequence[int]) -> Tensor:
    """Resize (B, C, *s) to (B, C, *size), 2-D or 3-D."""
    return interpolate(feature, size=size, mode=_MODES[feature.ndim], align_corners=False)
