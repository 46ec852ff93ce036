"""Operations that undo what was planted, and one that is noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from iac_components.search_space import register_operation
from studies.planted.corruptions import DIRECTIONS, corruption

__all__ = ["CANDIDATES", "Noise", "Sharpen"]

CANDIDATES = (
    "none",
    "skip_connect",
    "avg_pool_3x3",
    "max_pool_3x3",
    "planted_sharpen",
    *(f"planted_roll_{direction}" for direction in DIRECTIONS),
    "planted_noise",
)
"""Nothing here but a roll back can bring pixels home: convolutions could, and are left out."""


class Roll(nn.Module):
    """Rolls features by three pixels in a direction."""

    def __init__(self, direction: str) -> None:
        super().__init__()
        self._roll = corruption(direction)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        return self._roll(x)


class Sharpen(nn.Module):
    """Undoes a mean over neighbours, to second order: a distractor, since nothing is blurred."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        once = avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        twice = avg_pool2d(once, 3, 1, 1, count_include_pad=False)
        return 3 * x - 3 * once + twice


class Noise(nn.Module):
    """Gives fresh noise, whatever comes in."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to normal noise of the same shape."""
        return torch.randn_like(x)


def _register(direction: str) -> None:
    @register_operation(f"planted_roll_{direction}")
    def _roll(channels: int, spatial_dims: int, affine: bool) -> nn.Module:
        return Roll(direction)


for _direction in DIRECTIONS:
    _register(_direction)


@register_operation("planted_sharpen")
def _sharpen(channels: int, spatial_dims: int, affine: bool) -> nn.Module:
    return Sharpen()


@register_operation("planted_noise")
def _noise(channels: int, spatial_dims: int, affine: bool) -> nn.Module:
    return Noise()
