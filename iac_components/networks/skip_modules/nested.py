"""Dense nested skip connections (U-Net++, arXiv 1807.10165)."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import torch
from monai.networks.blocks import Convolution
from monai.networks.nets.basic_unet import TwoConv
from torch import Tensor, nn

from iac_components.networks.implanting.skip_connection import MakeSkipModule, SkipConnection
from iac_components.networks.skip_modules.catalogue import register_skip_module
from iac_components.search_space.cells.feature_maps import resize_linearly

__all__ = ["NestedFeatures", "NestedSkip"]


class NestedFeatures(threading.local):
    """Features that one level of the nest stores for the next finer one, within a forward pass.

    Each thread has its own, since two may run one network at once; a copy starts empty. A pass
    that an exception cut short leaves features behind, which the next pass replaces.
    """

    def __init__(self) -> None:
        self._level = -1
        self._columns: list[Tensor] = []

    def __reduce__(self) -> tuple[type[NestedFeatures], tuple[()]]:
        return NestedFeatures, ()

    def put(self, level: int, columns: list[Tensor]) -> None:
        """Store the features X(level, 0), X(level, 1), ..."""
        self._level, self._columns = level, columns

    def take(self, level: int) -> list[Tensor]:
        """Take the features of ``level`` out of the store.

        Raises:
            RuntimeError: if another level, or none, ran last.
        """
        found, columns = self._level, self._columns
        self._level, self._columns = -1, []
        if found != level:
            raise RuntimeError(
                f"nested skips expected the features of level {level}, found those of "
                f"{found if columns else 'none'}: the decoder must run from coarse to fine, one "
                "level after the other."
            )
        return columns


class NestedSkip(nn.Module):
    """One row of U-Net++'s nest, merged into a skip feature of the encoder's width.

    ::

        X(i, j) = TwoConv([X(i, 0), ..., X(i, j-1), up(X(i+1, j-1))]),  j = 1 .. L-1-i
        output  = conv 1x1 of [X(i, 0), ..., X(i, L-1-i)]

    with X(i, 0) the encoder's feature at level i of L levels. The convolutions are those of
    MONAI's BasicUNetPlusPlus. Differs from the paper in the 1x1 merge (the backbone's decoder
    stays as it is and takes a skip of the old width), in linear upsampling (a DynUNet may have
    strides of 1 along an axis), and in having no deep supervision of its own.

    Args:
        connection: where the module goes; 2-D or 3-D.
        coarser: the next coarser skip connection; None at the coarsest, which passes its skip on.
        columns: number of nested features, L-1-i.
        features: shared by the rows of one network.
    """

    def __init__(
        self,
        connection: SkipConnection,
        *,
        coarser: SkipConnection | None,
        columns: int,
        features: NestedFeatures,
    ) -> None:
        super().__init__()
        dims, channels = connection.spatial_dims, connection.skip_channels
        self.level = connection.level
        self.features = features
        below = coarser.skip_channels if coarser is not None else 0
        self.blocks = nn.ModuleList(
            TwoConv(
                spatial_dims=dims,
                in_chns=(column + 1) * channels + below,
                out_chns=channels,
                act=("LeakyReLU", {"negative_slope": 0.1}),
                norm=("instance", {"affine": True}),
                bias=True,
            )
            for column in range(columns)
        )
        self.merge: nn.Module = (
            Convolution(dims, (columns + 1) * channels, channels, kernel_size=1, conv_only=True)
            if columns
            else nn.Identity()
        )

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Return the merged row in the shape of ``skip`` (B, C, *S); ``gate`` is not used."""
        below = self.features.take(self.level + 1) if len(self.blocks) else []
        columns = [skip]
        for block, coarse in zip(self.blocks, below, strict=True):
            up = resize_linearly(coarse, skip)
            columns.append(block(torch.cat([*columns, up], dim=1)))
        if self.level:
            self.features.put(self.level, columns)
        merged: Tensor = self.merge(torch.cat(columns, dim=1))
        return merged


@register_skip_module("nested")
def _nested(connections: Sequence[SkipConnection]) -> MakeSkipModule:
    features = NestedFeatures()
    coarsest = len(connections) - 1

    def make(connection: SkipConnection) -> nn.Module:
        level = connection.level
        return NestedSkip(
            connection,
            coarser=connections[level + 1] if level < coarsest else None,
            columns=coarsest - level,
            features=features,
        )

    return make
