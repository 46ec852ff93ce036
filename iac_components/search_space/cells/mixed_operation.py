"""Candidate operations of an edge, and their application on edges that share an input."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from iac_components.search_space.cells.operations import FixedFunction, build_operation
from iac_components.search_space.cells.partial_channels import check_divisible
from iac_components.search_space.cells.separable import SeparableConvolution, weighted_separable
from iac_components.search_space.space import NONE_OPERATION

__all__ = ["MixedOperation", "apply_weighted"]


class MixedOperation(nn.Module):
    """The living candidates of an edge, on 1/K of the channels.

    It holds them; the cell sums them up, since edges that share an input share work.

    Args:
        channels: C of the features.
        spatial_dims: 2 or 3.
        operations: names of the candidates.
        channel_divisor: K.

    Raises:
        ValueError: if C is not divisible by K or an operation is unknown.
    """

    def __init__(
        self, channels: int, *, spatial_dims: int, operations: Sequence[str], channel_divisor: int
    ) -> None:
        super().__init__()
        check_divisible(channels, channel_divisor)
        self.operations = nn.ModuleDict(
            {
                name: build_operation(name, channels // channel_divisor, spatial_dims=spatial_dims)
                for name in operations
            }
        )

    def keep(self, names: Sequence[str]) -> None:
        """Delete every operation not in ``names``, with its parameters, memory and time.

        Raises:
            ValueError: if no operation but ``none`` would be left.
        """
        left = [name for name in self.operations if name in names]
        if not set(left) - {NONE_OPERATION}:
            raise ValueError(f"an edge cannot lose its last operation: asked to keep {names}.")
        for name in list(self.operations):
            if name not in left:
                del self.operations[name]


def apply_weighted(
    modules: Sequence[nn.Module], x: torch.Tensor, weights: Sequence[torch.Tensor]
) -> Sequence[torch.Tensor]:
    """Apply several edges' modules of one operation to the input that these edges share.

    Args:
        modules: E modules made by one operation's factory for a search cell.
        x: (B, C, *S).
        weights: E scalars.

    Returns:
        ``weights[e] * modules[e](x)`` of shape (B, C, *S) for each e.
    """
    first = modules[0]
    if isinstance(first, FixedFunction):
        once = first(x)
        return [weight * once for weight in weights]
    separable = [module for module in modules if isinstance(module, SeparableConvolution)]
    if len(separable) == len(modules):
        return weighted_separable(separable, x, weights)
    return [weight * module(x) for weight, module in zip(weights, modules, strict=True)]
