"""Resampling of images beside which a client of MONAI has put entries of its own."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import torch
from monai.transforms import Spacingd

__all__ = ["VoxelSpacingd"]


class VoxelSpacingd(Spacingd):
    """Resample to a voxel size, as MONAI's ``Spacingd``, whatever other entries are called.

    ``Spacingd`` of MONAI 1.6 takes every entry whose name begins with that of the image for a
    dictionary of its metadata, and fails at the ``image_path`` that MONAI Label puts beside it.
    """

    def __call__(
        self, data: Mapping[Hashable, torch.Tensor], lazy: bool | None = None
    ) -> dict[Hashable, torch.Tensor]:
        """Resample the images; what is neither one of them nor a dictionary passes by."""
        passing = {
            name: value
            for name, value in data.items()
            if name not in self.keys and not isinstance(value, Mapping)
        }
        rest = {name: value for name, value in data.items() if name not in passing}
        return {**passing, **super().__call__(rest, lazy=lazy)}
