"""Operations that undo what was planted, and one that is noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from iac_components.search_space import register_operation

__all__ = ["CANDIDATES", "DIRECTIONS", "Noise", "Roll"]

DIRECTIONS = {"left": (-1, -1), "right": (1, -1), "up": (-1, -2), "down": (1, -2)}
"""Sign and axis of a roll."""

CANDIDATES = (
    "none",
    "skip_connect",
    "avg_pool_3x3",
    "max_pool_3x3",
    *(f"planted_roll_{direction}" for direction in DIRECTIONS),
    "planted_noise",
)
"""Nothing here but a roll back can bring pixels home: convolutions could, and are left out."""

PIXELS = 3


class Roll(nn.Module):
    """Rolls features by three pixels in a direction."""

    def __init__(self, direction: str) -> None:
        super().__init__()
        sign, self.axis = DIRECTIONS[direction]
        self.pixels = sign * PIXELS

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, *S) to the same shape."""
        return torch.roll(x, self.pixels, dims=self.axis)


class Noise(nn.Module):
    """Gives fresh noise, whatever comes in."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, *S) to normal noise of the same shape."""
        return torch.randn_like(x)


def _register(direction: str) -> None:
    @register_operation(f"planted_roll_{direction}")
    def _roll(channels: int, spatial_dims: int, affine: bool) -> nn.Module:
        return Roll(direction)


for _direction in DIRECTIONS:
    _register(_direction)


@register_operation("planted_noise")
def _noise(channels: int, spatial_dims: int, affine: bool) -> nn.Module:
    return Noise()
