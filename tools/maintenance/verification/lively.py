"""Weights whose label maps show all classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.transforms import SpatialPad
from torch import Tensor, nn

__all__ = ["end_patches", "make_lively"]


def end_patches(image: Tensor, size: Sequence[int]) -> Tensor:
    """Return a patch at one end of a volume (C, X, Y, Z) and one at the other, as a batch."""
    volume = torch.as_tensor(SpatialPad(size)(image)).float()
    low, high = [slice(0, side) for side in size], [slice(-side, None) for side in size]
    return torch.stack([volume[(slice(None), *ends)] for ends in (low, high)])


def make_lively(network: nn.Module, images: Tensor) -> None:
    """Shift the bias of a network's last layer until its classes share ``images``, in place.

    Args:
        network: a segmentation network; it is left in eval mode.
        images: (B, C, *S), a preprocessed batch.

    Raises:
        ValueError: if the network has no last layer with a bias for each class.
    """
    outputs: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
        if isinstance(output, Tensor):
            outputs[module] = output

    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Conv3d)]
    handles = [layer.register_forward_hook(keep) for layer in layers]
    with torch.no_grad():
        logits = network.eval()(images)
        for handle in handles:
            handle.remove()
        last = [layer for layer, output in outputs.items() if torch.equal(output, logits)]
        if not last or not isinstance(last[-1].bias, Tensor):
            raise ValueError("the network does not end in a convolution with a bias.")
        # A median a class: about half of the voxels lie above it, for every class.
        medians = logits.movedim(1, 0).flatten(1).median(dim=1).values
        last[-1].bias.sub_(medians)
