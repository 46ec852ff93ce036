"""Memory format of a network's features."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import nn

__all__ = ["CHANNELS_LAST", "is_channels_last"]

CHANNELS_LAST: Mapping[int, torch.memory_format] = MappingProxyType(
    {4: torch.channels_last, 5: torch.channels_last_3d}
)
"""The format by a feature's number of dimensions."""


def is_channels_last(network: nn.Module) -> bool:
    """Return True if its convolutions' weights, and so its features, have the format."""
    return any(
        weight.is_contiguous(memory_format=CHANNELS_LAST[weight.ndim])
        for weight in network.parameters()
        if weight.ndim in CHANNELS_LAST and not weight.is_contiguous()
    )
