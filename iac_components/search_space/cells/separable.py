"""Separable convolutions, one by one and several on one input.

Between the depthwise and the pointwise convolution stands nothing, so the two are one dense
convolution whose weight is the product of theirs. On few channels that one is the faster on a CPU,
and it keeps one feature less for the backward pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import torch
from monai.networks.layers.factories import Conv
from torch import nn
from torch.nn.functional import conv2d, conv3d, group_norm, relu

from iac_components.search_space.cells.feature_maps import make_norm

__all__ = ["SeparableConvolution", "weighted_separable"]

DENSE_CHANNELS = {2: 8, 3: 16}
"""Most channels for which the product is used, by dimensions. Our choice, made on a CPU."""


class _Stage(NamedTuple):
    depthwise: nn.Conv2d | nn.Conv3d
    pointwise: nn.Conv2d | nn.Conv3d
    norm: nn.GroupNorm


class SeparableConvolution(nn.Sequential):
    """ReLU, depthwise convolution, pointwise convolution and norm, once or more (DARTS).

    Args:
        channels: C of (B, C, *S), kept.
        spatial_dims: 2 or 3.
        kernel_size: odd.
        dilation: of the depthwise convolution.
        repeats: how often.
        affine: whether the norms learn a scale and shift.
    """

    def __init__(
        self,
        channels: int,
        *,
        spatial_dims: int,
        kernel_size: int,
        dilation: int,
        repeats: int,
        affine: bool,
    ) -> None:
        convolution = Conv[Conv.CONV, spatial_dims]
        modules: list[nn.Module] = []
        for _ in range(repeats):
            depthwise = convolution(
                channels,
                channels,
                kernel_size,
                padding=dilation * (kernel_size - 1) // 2,
                dilation=dilation,
                groups=channels,
                bias=False,
            )
            pointwise = convolution(channels, channels, 1, bias=False)
            modules += [nn.ReLU(), depthwise, pointwise, make_norm(channels, affine)]
        super().__init__(*modules)

    def stages(self) -> Iterator[_Stage]:
        """Yield the repeats, each without its ReLU."""
        modules = cast(list[nn.Conv2d], list(self))
        norms = cast(list[nn.GroupNorm], list(self))
        for start in range(0, len(modules), 4):
            yield _Stage(modules[start + 1], modules[start + 2], norms[start + 3])


def weighted_separable(
    modules: Sequence[SeparableConvolution], x: torch.Tensor, weights: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """Apply ``modules[e]``, alike but for their weights, to the same input.

    Args:
        modules: E convolutions whose norms are not affine.
        x: (B, C, *S).
        weights: E scalars.

    Returns:
        ``weights[e] * modules[e](x)`` of shape (B, C, *S) for each e.
    """
    features = relu(x)
    stages = list(zip(*(module.stages() for module in modules), strict=True))
    if features.is_contiguous() or _merges(stages[0]):
        return _along_channels(stages, features, weights)
    return _along_batch(stages, features, weights)


def _along_channels(
    stages: Sequence[Sequence[_Stage]], features: torch.Tensor, weights: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """Keep the E results side by side, as (B, E*C, *S)."""
    count, channels = len(weights), features.shape[1]
    for index, stage in enumerate(stages):
        features = _convolve(stage, features if index == 0 else relu(features), shared=index == 0)
        norm = stage[0].norm
        # As the last norm's scale the weight costs nothing, and no feature is kept for its
        # gradient.
        last = index == len(stages) - 1
        scale = torch.stack(list(weights)).repeat_interleave(channels) if last else None
        # One spatial axis, since torch 2.13 crashes in channels_last, as which a 1x1 feature counts
        # too, where the scale's gradient alone is asked for.
        normed = group_norm(
            features.flatten(2), count * norm.num_groups, weight=scale, eps=norm.eps
        )
        features = normed.view(features.shape)
    return features.chunk(count, dim=1)


def _along_batch(
    stages: Sequence[Sequence[_Stage]], features: torch.Tensor, weights: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """Keep the E results one after the other, as (E*B, C, *S).

    In channels_last they are then one block each. The weights are no norm's scale there: in that
    format torch 2.13 crashes where the scale's gradient alone is asked for.
    """
    count = len(weights)
    for index, stage in enumerate(stages):
        parts = relu(features).chunk(count) if index else [features] * count
        features = torch.cat(
            [s.pointwise(s.depthwise(part)) for s, part in zip(stage, parts, strict=True)]
        )
        norm = stage[0].norm
        features = group_norm(features, norm.num_groups, eps=norm.eps)
    return tuple(w * part for w, part in zip(weights, features.chunk(count), strict=True))


def _merges(stage: Sequence[_Stage]) -> bool:
    """Return True if channels are few enough to multiply depthwise and pointwise weights."""
    depthwise = stage[0].depthwise
    return depthwise.in_channels <= DENSE_CHANNELS[depthwise.weight.ndim - 2]


def _convolve(stage: Sequence[_Stage], x: torch.Tensor, *, shared: bool) -> torch.Tensor:
    """Convolve (B, C, *S), shared by all E, or (B, E*C, *S) with each its own, to (B, E*C, *S)."""
    if not _merges(stage):
        parts = [x] * len(stage) if shared else x.chunk(len(stage), dim=1)
        return torch.cat(
            [s.pointwise(s.depthwise(part)) for s, part in zip(stage, parts, strict=True)], dim=1
        )
    first = stage[0].depthwise
    dense = torch.cat([s.pointwise.weight * s.depthwise.weight.transpose(0, 1) for s in stage])
    if x.ndim == 4:
        # Faster there and back included; in 3-D it gains nothing on a CPU.
        x, dense = (t.contiguous(memory_format=torch.channels_last) for t in (x, dense))
    result = (conv2d if x.ndim == 4 else conv3d)(
        x,
        dense,
        padding=cast(tuple[int, ...], first.padding),
        dilation=first.dilation,
        groups=1 if shared else len(stage),
    )
    return result.contiguous()
