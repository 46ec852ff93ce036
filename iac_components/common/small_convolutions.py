"""Convolutions of small features in float32, where a CPU's bfloat16 is wrong without a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

__all__ = ["Float32SmallConvolutions", "in_float32"]

CONVOLUTIONS = frozenset({functional.conv1d, functional.conv2d, functional.conv3d})
DILATION = 5
"""Place of the dilation among a convolution's arguments."""


class Float32SmallConvolutions(TorchFunctionMode):
    """Compute convolutions of features that are no larger than their kernel in float32.

    Within it, ``torch.autocast`` on a CPU leaves these alone. With AVX-512's bfloat16, oneDNN's
    gradient of the weights of a 3-D convolution is off by its own size, or NaN, where the first
    axis is shorter than the kernel: 2 voxels and a kernel of 3, as at the bottom of a U-Net that
    sees 32 voxels (measured with torch 2.13 on an AMD EPYC of the fourth generation). With AMX
    others have found strided ones wrong (PyTorch's issue 169688). Such features are tiny, so that
    float32 costs nothing.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Call a function, a small convolution without autocast."""
        named = kwargs or {}
        if function in CONVOLUTIONS and torch.is_autocast_enabled("cpu") and _small(args, named):
            with torch.autocast("cpu", enabled=False):
                return function(*tree_map(in_float32, args), **tree_map(in_float32, dict(named)))
        return function(*args, **named)


def _small(args: Sequence[object], kwargs: Mapping[str, object]) -> bool:
    """Return whether a feature is no larger than the kernel along some axis."""
    given = dict(zip(("input", "weight"), args, strict=False)) | dict(kwargs)
    feature, weight = cast(Tensor, given["input"]), cast(Tensor, given["weight"])
    kernel = weight.shape[2:]
    dilation = args[DILATION] if len(args) > DILATION else kwargs.get("dilation", 1)
    steps = (
        (dilation,) * len(kernel) if isinstance(dilation, int) else cast(Sequence[int], dilation)
    )
    extents = [1 + (size - 1) * step for size, step in zip(kernel, steps, strict=True)]
    sizes = feature.shape[-len(kernel) :]
    return any(1 < extent >= size for extent, size in zip(extents, sizes, strict=True))


def in_float32(value: object) -> object:
    """Return a bfloat16 tensor in float32, and anything else as it is."""
    if isinstance(value, Tensor) and value.dtype == torch.bfloat16:
        return value.float()
    return value
