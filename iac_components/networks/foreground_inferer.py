"""Inference of the part of a volume that is not zero, by slices or by windows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from monai.inferers import SliceInferer
from monai.transforms import generate_spatial_bounding_box
from torch import Tensor

from iac_components.networks.monai_repairs import PairedWindowInferer

__all__ = ["ForegroundSliceInferer", "ForegroundWindowInferer"]

_BACKGROUND = 20.0


class ForegroundSliceInferer(SliceInferer):
    """MONAI's ``SliceInferer``, without the zeros that surround an image.

    Instance norms scale features by what a window holds, so that a window of another share of
    zeros than the patches of training gives other features (2.8 Dice points on hippocampus).
    Cropping to what is not zero, as nnU-Net does, makes the result the same wherever the image
    lies within its zeros. Outside, the output is background.

    Arguments are ``SliceInferer``'s; ``roi_size`` is best the size of the training's patches.
    """

    def __call__(
        self, inputs: Tensor, network: Callable[..., Tensor], *args: object, **kwargs: object
    ) -> Tensor:
        """Return the network's output (B, classes, *S) for volumes ``inputs`` (B, C, *S)."""
        box = _foreground(inputs, whole_axis=self.spatial_dim)
        output: Tensor = super().__call__(inputs[box], network, *args, **kwargs)
        return _placed(output, box, inputs)


class ForegroundWindowInferer(PairedWindowInferer):
    """``PairedWindowInferer``, without the zeros that surround an image.

    As for slices: hippocampus volumes in a corner of 96 x 96 x 96 zeros lost 19 Dice points to
    windows that were mostly zero. Arguments are ``SlidingWindowInferer``'s.
    """

    def __call__(
        self, inputs: Tensor, network: Callable[..., Tensor], *args: object, **kwargs: object
    ) -> Tensor:
        """Return the network's output (B, classes, *S) for volumes ``inputs`` (B, C, *S)."""
        box = _foreground(inputs)
        return _placed(super().__call__(inputs[box], network, *args, **kwargs), box, inputs)


def _foreground(inputs: Tensor, *, whole_axis: int | None = None) -> tuple[slice, ...]:
    """Return the box of what is not zero in any image or channel; one axis may stay whole."""
    starts, ends = generate_spatial_bounding_box(inputs.flatten(0, 1), select_fn=torch.Tensor.bool)
    box = [slice(None)] * inputs.ndim
    for axis, (start, end) in enumerate(zip(starts, ends, strict=True)):
        # An image of zeros has an empty box, and is inferred whole.
        if axis != whole_axis and end > start:
            box[axis + 2] = slice(start, end)
    return tuple(box)


def _placed(output: Tensor, box: tuple[slice, ...], inputs: Tensor) -> Tensor:
    """Return a box's output within background."""
    if output.shape[2:] == inputs.shape[2:]:
        return output
    whole = output.new_zeros(*output.shape[:2], *inputs.shape[2:])
    whole[:, 0] = _BACKGROUND
    whole[box] = output
    return whole
