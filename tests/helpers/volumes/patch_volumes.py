"""Synthetic volumes for datasets of patches, and their transforms."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import torch
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    FgBgToIndicesd,
    LoadImaged,
    RandCropByPosNegLabeld,
    RandFlipd,
    RandGaussianNoised,
    RandScaleIntensityd,
    SpatialPadd,
)

from iac_components.data import VolumePatchDataset

SIZES = [(10, 12, 9), (11, 8, 14)]
KEYS = ["image", "label"]
INDICES = ("label_fg_indices", "label_bg_indices")
PATCH = (6, 8, 7)


def write_datalist(folder: Path) -> list[dict[str, str]]:
    """Two volumes of two channels and different size whose voxels tell where they lie."""
    entries = []
    for number, size in enumerate(SIZES):
        first = np.arange(np.prod(size), dtype=np.float32).reshape(size) + 10_000 * number
        label = np.zeros(size, np.uint8)
        label[2:4, 2:4, 1:3] = 2
        entry = {"patient": f"p{number}", "case": f"c{number}"}
        for key, voxels in (("image", np.stack([first, -first], -1)), ("label", label)):
            entry[key] = str(folder / f"{number}_{key}.nii.gz")
            nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), entry[key])
        entries.append(entry)
    return entries


def read(*further: object) -> Compose:
    return Compose([LoadImaged(KEYS), EnsureChannelFirstd(KEYS), *further])


def indexed() -> Compose:
    return read(SpatialPadd(KEYS, PATCH), FgBgToIndicesd("label"))


def crop(*, with_indices: bool = True, num_samples: int = 1) -> RandCropByPosNegLabeld:
    chosen = {"fg_indices_key": INDICES[0], "bg_indices_key": INDICES[1]} if with_indices else {}
    return RandCropByPosNegLabeld(
        KEYS, label_key="label", spatial_size=PATCH, num_samples=num_samples, **chosen
    )


def augment(*, with_indices: bool = True) -> Compose:
    return Compose(
        [
            crop(with_indices=with_indices),
            RandFlipd(KEYS, prob=0.5, spatial_axis=0),
            Compose([RandGaussianNoised("image", prob=0.7)]),
            RandScaleIntensityd("image", factors=0.3, prob=0.7),
        ]
    )


def make(datalist: list[dict[str, str]], **options: object) -> VolumePatchDataset:
    chosen = {
        "transform": indexed(),
        "patch_transform": augment(),
        "carried_keys": INDICES,
        "patches_per_volume": 3,
        **options,
    }
    return VolumePatchDataset(datalist, **chosen)  # type: ignore[arg-type]


def images(dataset: VolumePatchDataset) -> list[torch.Tensor]:
    return [dataset[index]["image"] for index in range(len(dataset))]
