"""Synthetic volumes for datasets of slices, and their transforms."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import torch
from monai.transforms import (
    Compose,
    LoadImaged,
    RandFlipd,
    RandGaussianNoised,
    RandScaleIntensityd,
)

from iac_components.data import SliceDataset

SIZES = [(6, 8, 5), (7, 6, 4)]
KEYS = ["image", "label"]


def write_datalist(folder: Path) -> list[dict[str, str]]:
    """Two volumes of different size whose voxels tell where they lie; slices 1 and 2 labelled."""
    entries = []
    for number, size in enumerate(SIZES):
        image = np.arange(np.prod(size), dtype=np.float32).reshape(size) + 1000 * number
        label = np.zeros(size, np.uint8)
        label[2:4, 2:4, 1:3] = 1
        entry = {"patient": f"p{number}", "case": f"c{number}"}
        for key, voxels in (("image", image), ("label", label)):
            entry[key] = str(folder / f"{number}_{key}.nii.gz")
            nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), entry[key])
        entries.append(entry)
    return entries


def read() -> Compose:
    return Compose([LoadImaged(KEYS, ensure_channel_first=True)])


def augment() -> Compose:
    return Compose(
        [
            RandFlipd(KEYS, prob=0.5, spatial_axis=0),
            Compose([RandGaussianNoised("image", prob=0.7)]),
            RandScaleIntensityd("image", factors=0.3, prob=0.7),
        ]
    )


def images(dataset: SliceDataset) -> list[torch.Tensor]:
    return [dataset[index]["image"] for index in range(len(dataset))]
