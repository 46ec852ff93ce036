"""Kept features in one tensor, so that the product's own searches run on them as on images."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import cast

import torch
from monai.networks.nets import BasicUNet
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.utils.data import Dataset

from studies.cell_table.training.features import Features, FeatureSet, decode

__all__ = ["PackedDecoder", "PackedFeatures", "pack"]


def pack(features: Features) -> Tensor:
    """Lay the levels of an encoder's features out as channels of the finest level's size.

    Args:
        features: (B, C, H, W) a level, finest first.

    Returns:
        (B, C', H, W); a level that does not fill its last plane is padded with zeros.
    """
    height, width = features[0].shape[2:]
    return torch.cat([_as_planes(level, height, width) for level in features], dim=1)


def _as_planes(level: Tensor, height: int, width: int) -> Tensor:
    flat = level.flatten(1)
    planes = _planes(flat.shape[1], height * width)
    padded = pad(flat, (0, planes * height * width - flat.shape[1]))
    return padded.reshape(len(flat), planes, height, width)


def _planes(values: int, plane: int) -> int:
    return -(-values // plane)


class PackedDecoder(nn.Module):
    """The decoder of a frozen BasicUNet as a network of its own, whose images are packed features.

    Args:
        backbone: trained; it is copied.
        shapes: (C, H, W) of each level, finest first.
    """

    def __init__(self, backbone: nn.Module, shapes: Sequence[Sequence[int]]) -> None:
        super().__init__()
        own = cast(BasicUNet, copy.deepcopy(backbone))
        self.upcat_4, self.upcat_3 = own.upcat_4, own.upcat_3
        self.upcat_2, self.upcat_1 = own.upcat_2, own.upcat_1
        self.final_conv = own.final_conv
        self.shapes = tuple(tuple(shape) for shape in shapes)

    def forward(self, packed: Tensor) -> Tensor:
        """Map packed features (B, C', H, W) to logits (B, classes, H, W)."""
        plane = math.prod(self.shapes[0][1:])
        counts = [math.prod(shape) for shape in self.shapes]
        parts = torch.split(packed, [_planes(count, plane) for count in counts], dim=1)
        features = tuple(
            part.flatten(1)[:, :count]
            .reshape(len(packed), *shape)
            .contiguous(memory_format=torch.channels_last)
            for part, count, shape in zip(parts, counts, self.shapes, strict=True)
        )
        return decode(cast(BasicUNet, self), features)


class PackedFeatures(Dataset[dict[str, object]]):
    """Encoded slices as a data set of packed images, labels and patients."""

    def __init__(self, features: FeatureSet) -> None:
        self.images = pack(features.features)
        self.labels = features.labels
        self.patients = features.patients

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, object]:
        return {
            "image": self.images[index],
            "label": self.labels[index],
            "patient": self.patients[index],
        }
