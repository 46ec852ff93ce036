"""The mixed operation: an edge of the supernet, a weighted sum of all living operations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from iac_components.search_space.operations import build_operation
from iac_components.search_space.partial_channels import check_divisible, through_partial_channels
from iac_components.search_space.space import NONE_OPERATION

__all__ = ["MixedOperation"]


class MixedOperation(nn.Module):
    """Weighted sum of candidate operations on 1/K of the channels.

    Args:
        channels: C of the features.
        spatial_dims: 2 or 3.
        operations: names of the candidates, in the order of the weights.
        channel_divisor: K.

    Raises:
        ValueError: if C is not divisible by K or an operation is unknown.
    """

    def __init__(
        self, channels: int, *, spatial_dims: int, operations: Sequence[str], channel_divisor: int
    ) -> None:
        super().__init__()
        check_divisible(channels, channel_divisor)
        self.channel_divisor = channel_divisor
        self.names = tuple(operations)
        self.operations = nn.ModuleDict(
            {
                name: build_operation(name, channels // channel_divisor, spatial_dims=spatial_dims)
                for name in operations
            }
        )

    def forward(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Map (B, C, *S) and weights (O,) of all candidates, living or not, to (B, C, *S)."""
        by_name = dict(zip(self.names, weights.unbind(), strict=True))

        def weighted_sum(part: torch.Tensor) -> torch.Tensor:
            # `none` takes its share of the softmax and adds nothing: computing it would be waste.
            terms = [
                by_name[name] * operation(part)
                for name, operation in self.operations.items()
                if name != NONE_OPERATION
            ]
            total: torch.Tensor = sum(terms[1:], terms[0])
            return total

        return through_partial_channels(x, self.channel_divisor, weighted_sum)

    def keep(self, names: Sequence[str]) -> None:
        """Delete every operation not in ``names``: its parameters, memory and time are gone.

        Raises:
            ValueError: if no operation but ``none`` would be left.
        """
        left = [name for name in self.operations if name in names]
        if not set(left) - {NONE_OPERATION}:
            raise ValueError(f"an edge cannot lose its last operation: asked to keep {names}.")
        for name in list(self.operations):
            if name not in left:
                del self.operations[name]
