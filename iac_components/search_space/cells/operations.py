"""The candidate operations of an edge, by name.

Every operation maps (B, C, *S) to (B, C, *S) for any S of 2 or 3 dimensions, 1-voxel sizes
included. The set is PC-DARTS's; a user adds one with :func:`register_operation`.

Differs from PC-DARTS in the norm: GroupNorm instead of BatchNorm, so that no running statistics
move in an architecture step, small batches are safe, and training and evaluation agree.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from monai.networks.layers.factories import Pool
from torch import nn
from torch.nn import functional as F

from iac_components.common.registry import Registry
from iac_components.search_space.cells.feature_maps import make_norm
from iac_components.search_space.cells.separable import SeparableConvolution

__all__ = [
    "FixedFunction",
    "OperationFactory",
    "build_operation",
    "register_operation",
    "registered_operations",
]

OperationFactory = Callable[[int, int, bool], nn.Module]
"""``factory(channels, spatial_dims, affine)`` returns the operation's module."""

_REGISTRY: Registry[OperationFactory] = Registry(
    "operation", remedy=" Or register it: iac_components.search_space.register_operation."
)

registered_operations = _REGISTRY.names


def register_operation(name: str) -> Callable[[OperationFactory], OperationFactory]:
    """Register a factory as the operation ``name``.

    Raises:
        ValueError: if the name is taken, or cannot name a module in a ``ModuleDict``.

    Example:
        >>> @iac.register_operation("conv_1x1")
        ... def pointwise(channels, spatial_dims, affine):
        ...     convolution = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[spatial_dims]
        ...     return convolution(channels, channels, kernel_size=1)
    """
    if not name or "." in name or hasattr(nn.ModuleDict(), name):
        raise ValueError(
            f"operation '{name}' cannot be registered: the name must be that of no attribute of "
            "torch.nn.ModuleDict, not empty and without a dot. Choose another."
        )
    return _REGISTRY.register(name)


def build_operation(
    name: str, channels: int, *, spatial_dims: int, affine: bool = False
) -> nn.Module:
    """Build the operation ``name`` for (B, channels, *S) features.

    Args:
        name: a registered operation.
        channels: C.
        spatial_dims: 2 or 3.
        affine: whether its norms learn a scale and shift; off while searching, as in DARTS, where
            they would hide behind the architecture weights.

    Raises:
        ValueError: if the name is unknown; the message lists the known ones.
    """
    return _REGISTRY.require(name)(channels, spatial_dims, affine)


class Zero(nn.Module):
    """Zero operation: zeros of the input's shape."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, C, *S) to zeros of the same shape."""
        return torch.zeros_like(x)


class MeanPool(nn.Module):
    """Mean of the 3^d neighbours that lie inside, at any size: AvgPool3d refuses sizes below 3."""

    def __init__(self, spatial_dims: int) -> None:
        super().__init__()
        self.spatial_dims = spatial_dims

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, C, *S) to means of the same shape."""
        mean: torch.Tensor = _mean_of_neighbours(x, self.spatial_dims)
        return mean


# A trace would keep the branch of the size that it was made with, and warn of it.
@torch.jit.script_if_tracing  # type: ignore[untyped-decorator]
def _mean_of_neighbours(x: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    sides = [1, 1] * spatial_dims
    if min(x.shape[2:]) >= 3:
        if spatial_dims == 2:
            return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return F.avg_pool3d(x, 3, 1, 1, count_include_pad=False)
    inside = F.pad(torch.ones_like(x[:1, :1]), sides)
    if spatial_dims == 2:
        return F.avg_pool2d(F.pad(x, sides), 3, 1) / F.avg_pool2d(inside, 3, 1)
    return F.avg_pool3d(F.pad(x, sides), 3, 1) / F.avg_pool3d(inside, 3, 1)


class FixedFunction(nn.Sequential):
    """Modules without a parameter, buffer or draw: the same function in every edge."""


def _pooling(pool: nn.Module, channels: int, affine: bool) -> nn.Module:
    norm = make_norm(channels, affine)
    return nn.Sequential(pool, norm) if affine else FixedFunction(pool, norm)


@register_operation("none")
def _none(channels: int, spatial_dims: int, affine: bool) -> nn.Module:
    return Zero()


@register_operation("skip_connect")
def _skip_connect(channels: int, spatial_dims: int, affine: bool) -> nn.Module:
    return FixedFunction()


@register_operation("max_pool_3x3")
def _max_pool(channels: int, spatial_dims: int, affine: bool) -> nn.Module:
    return _pooling(Pool[Pool.MAX, spatial_dims](3, stride=1, padding=1), channels, affine)


@register_operation("avg_pool_3x3")
def _avg_pool(channels: int, spatial_dims: int, affine: bool) -> nn.Module:
    return _pooling(MeanPool(spatial_dims), channels, affine)


def _separable(kernel_size: int, dilation: int = 1, *, repeats: int) -> OperationFactory:
    def factory(channels: int, spatial_dims: int, affine: bool) -> nn.Module:
        return SeparableConvolution(
            channels,
            spatial_dims=spatial_dims,
            kernel_size=kernel_size,
            dilation=dilation,
            repeats=repeats,
            affine=affine,
        )

    return factory


register_operation("sep_conv_3x3")(_separable(3, repeats=2))
register_operation("sep_conv_5x5")(_separable(5, repeats=2))
register_operation("dil_conv_3x3")(_separable(3, 2, repeats=1))
register_operation("dil_conv_5x5")(_separable(5, 2, repeats=1))
