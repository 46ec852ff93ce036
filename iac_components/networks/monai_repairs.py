"""Repairs of MONAI parts: batch statistics, stacked outputs, single windows, ``torch.export``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from monai.inferers import SlidingWindowInferer
from monai.networks.nets.resnet import ResNetBlock, ResNetBottleneck
from torch import nn
from torch.nn.functional import pad
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = [
    "PairedWindowInferer",
    "StackedSupervisionLoss",
    "ZeroPadShortcut",
    "make_exportable",
    "set_batch_norm_momentum",
]


def set_batch_norm_momentum(network: nn.Module, *, momentum: float) -> nn.Module:
    """Set the share of every new batch in the running mean and variance, in place.

    MONAI's EfficientNet takes 0.01, made for trainings of a hundred thousand steps: after a few
    hundred steps the statistics are still far behind the weights, and a network that trains well
    segments nothing in eval mode.

    Args:
        network: any network; other modules than BatchNorm stay as they are.
        momentum: share of a new batch, above 0 and at most 1.

    Returns:
        The same network.

    Raises:
        ValueError: if the momentum is out of range, or the network has no BatchNorm.
    """
    if not 0 < momentum <= 1:
        raise ValueError(f"momentum must be above 0 and at most 1, not {momentum}.")
    layers = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if not layers:
        raise ValueError(f"{type(network).__name__} has no BatchNorm whose momentum to set.")
    for layer in layers:
        layer.momentum = momentum
    return network


class StackedSupervisionLoss(nn.Module):
    """Hand the outputs that a DynUNet stacks to a loss that takes them as a list.

    A DynUNet with deep supervision returns (B, N, C, *S) in training and (B, C, *S) in
    evaluation, as it does inside a search on a frozen backbone; the loss takes either, and the
    list of a SegResNetDS.

    Args:
        loss: of (list of predictions (B, C, *S), or one, and target (B, 1, *S)), such as MONAI's
            ``DeepSupervisionLoss``.
    """

    def __init__(
        self,
        loss: Callable[[torch.Tensor | Sequence[torch.Tensor], torch.Tensor], torch.Tensor],
    ) -> None:
        super().__init__()
        self.loss = loss

    def forward(
        self, prediction: torch.Tensor | Sequence[torch.Tensor], target: torch.Tensor
    ) -> torch.Tensor:
        """Return the scalar loss."""
        if isinstance(prediction, torch.Tensor) and prediction.ndim == target.ndim + 1:
            return self.loss(list(prediction.unbind(dim=1)), target)
        return self.loss(prediction, target)


class ZeroPadShortcut(nn.Module):
    """Shortcut of option A of He et al. (arXiv 1512.03385): stride, then zero channels.

    It takes the place of ``ResNet._downsample_basic_block``, whose ``out.data`` leaves a constant
    in the exported graph (an error in torch 2.13). No gradient passes here, as there: an
    implanted network is to train exactly as the plain one does.

    Args:
        channels: channels of the output; the input's plus as many zero ones as needed.
        stride: step along every spatial axis.
    """

    def __init__(self, *, channels: int, stride: int) -> None:
        super().__init__()
        self.channels = channels
        self.stride = stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(B, C, *S)`` to ``(B, channels, *ceil(S / stride))``."""
        out = x.detach()
        # TorchScript has no slice of an axis that is counted.
        for axis in range(2, x.ndim):
            out = out.movedim(axis, 0)[:: self.stride].movedim(0, axis)
        return pad(out, [0, 0] * (x.ndim - 2) + [0, self.channels - x.shape[1]])


def make_exportable(network: nn.Module) -> nn.Module:
    """Replace, in place, the parts that prevent ``torch.export``; nothing else changes.

    Outputs, gradients and state-dict keys stay as they are. Concerned are MONAI's ResNets with
    parameter-free shortcuts: ``resnet18`` and ``resnet34``, also inside FlexibleUNet.

    Args:
        network: any network.

    Returns:
        The same network.
    """
    for block in network.modules():
        if isinstance(block, (ResNetBlock, ResNetBottleneck)) and isinstance(
            block.downsample, partial
        ):
            options = block.downsample.keywords
            block.downsample = ZeroPadShortcut(channels=options["planes"], stride=options["stride"])
    return network


class PairedWindowInferer(SlidingWindowInferer):
    """MONAI's sliding window, with a lone window computed twice on a CPU.

    A 3-D convolution of a batch of one falls to a slow kernel there: a DiNTS network takes longer
    for one window than for two. A last batch holds one window whenever their number leaves a
    remainder of one, and a small image has no other. The network must treat the items of a batch
    each on its own, as all do in eval mode.

    Arguments are ``SlidingWindowInferer``'s.
    """

    def __call__(
        self,
        inputs: torch.Tensor,
        network: Callable[..., torch.Tensor],
        *args: object,
        **kwargs: object,
    ) -> torch.Tensor:
        """Return the network's prediction for ``inputs`` (B, C, *S)."""

        def paired(windows: torch.Tensor, *more: object, **options: object) -> torch.Tensor:
            if len(windows) > 1 or windows.device.type != "cpu":
                return network(windows, *more, **options)
            return network(torch.cat([windows, windows]), *more, **options)[:1]

        result: torch.Tensor = super().__call__(inputs, paired, *args, **kwargs)
        return result
