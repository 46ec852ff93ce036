"""Partial channels: only 1/K of the channels pass through an edge's operations.

Source: PC-DARTS (arXiv 1907.05737). The rest bypasses them, and a channel shuffle mixes both, so
that the next edge samples other channels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import channel_shuffle

__all__ = ["check_divisible", "through_partial_channels"]


def check_divisible(channels: int, channel_divisor: int) -> None:
    """Raise ValueError unless ``channels`` can be parted into K equal groups."""
    if channels % channel_divisor:
        raise ValueError(
            f"{channels} channels cannot be divided by K={channel_divisor}: choose a K that "
            "divides the channels of every skip connection."
        )


def through_partial_channels(
    x: torch.Tensor, channel_divisor: int, operate: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Apply ``operate`` to the first C/K channels of (B, C, *S), bypass the rest, shuffle."""
    if channel_divisor == 1:
        return operate(x)
    width = x.shape[1] // channel_divisor
    mixed = torch.cat((operate(x[:, :width]), x[:, width:]), dim=1)
    return channel_shuffle(mixed, channel_divisor)
