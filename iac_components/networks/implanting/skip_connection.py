"""Contract of a skip module: the description of its place that it receives, and its duties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import nn

__all__ = ["MakeSkipModule", "SkipConnection"]


@dataclass(frozen=True)
class SkipConnection:
    """One place for a skip module in a U-shaped network, as found by a dry forward pass.

    Beside the skip connections there may be two other sites. At the bottleneck skip and gate are
    the same, the feature that the coarsest decoder block starts from. At a decoder block's output
    the skip is that output, and the gate what the block was given from the coarser levels. (UNet's
    blocks end with the concatenation, and its next layer brings that to the finer level.)

    Attributes:
        name: path of the block in the plain network, e.g. ``"upcat_4"``.
        level: place in the order of resolution, 0 for the finest skip. Every connection has a
            level of its own; of two at one resolution the one used later is the finer. After the
            skips comes the bottleneck, then the decoder's outputs, finest first, as far as there
            are such.
        skip_channels: C of the encoder feature ``(B, C, *S)``.
        gate_channels: G of the coarser decoder feature ``(B, G, *s)``: before upsampling, but for
            MONAI's UNet and AttentionUnet, whose coarser levels end with theirs.
        spatial_dims: 2 for ``(H, W)``, 3 for ``(D, H, W)``.
        site: ``skips``, ``bottleneck`` or ``decoder``.
    """

    name: str
    level: int
    skip_channels: int
    gate_channels: int
    spatial_dims: int
    site: str = "skips"


MakeSkipModule: TypeAlias = Callable[[SkipConnection], nn.Module]
"""Builds the module for one skip connection.

A skip module is called as ``forward(skip, gate)`` with the encoder feature ``skip`` of shape
``(B, C, *S)`` and the coarser decoder feature ``gate`` of shape ``(B, G, *s)``, each axis of
``s`` at most that of ``S``. It returns the new skip feature in the shape of ``skip``. It changes
neither input in place: the network still uses both.
"""
