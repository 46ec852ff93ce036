"""Small data sets in the folders that users bring, made of noise and discs; nobody's data."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.generic]


def disc(size: Sequence[int], *, share: float = 0.3, label: int = 1) -> Array:
    """A label map with a disc in the middle, through all slices."""
    x, y = np.ogrid[: size[0], : size[1]]
    inside = (x - size[0] / 2) ** 2 + (y - size[1] / 2) ** 2 < (share * min(size[:2])) ** 2
    voxels = np.zeros(size, dtype=np.uint8)
    voxels[inside] = label
    return voxels


def grey(label: Array, seed: int) -> Array:
    """An image in which higher labels are brighter."""
    noise = np.random.default_rng(seed).normal(0, 5, label.shape)
    return (100 + 40 * label.astype(np.float32) + noise).astype(np.int16)


def save(path: Path, voxels: Array, spacing: Sequence[float] = (1, 1, 3)) -> Path:
    """Write a NIfTI file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([*spacing, 1.0]) if len(spacing) == 3 else np.eye(4)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    return path


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def nested(size: Sequence[int]) -> Array:
    """Three discs within each other: 1 outside, 2, and 3 in the middle."""
    label = disc(size, share=0.4)
    label[disc(size, share=0.3) > 0] = 2
    label[disc(size, share=0.15) > 0] = 3
    return label


def nnunet_raw(folder: Path, *, cases: int = 6, size: Sequence[int] = (36, 40, 4)) -> Path:
    """Two channels and nested regions, as nnU-Net v2 keeps them; one image to segment."""
    for number in range(cases + 1):
        label = nested(size)
        place = folder / ("imagesTr" if number < cases else "imagesTs")
        for channel in range(2):
            image = grey(label, 10 * number + channel)
            save(place / f"glioma_{number:03d}_{channel:04d}.nii.gz", image)
        if number < cases:
            save(folder / "labelsTr" / f"glioma_{number:03d}.nii.gz", label)
    content = {
        "channel_names": {"0": "T2", "1": "FLAIR"},
        "labels": {
            "background": 0,
            "whole_tumor": [1, 2, 3],
            "tumor_core": [2, 3],
            "enhancing_tumor": [3],
        },
        "regions_class_order": [1, 2, 3],
        "numTraining": cases,
        "file_ending": ".nii.gz",
    }
    write_json(folder / "dataset.json", content)
    return folder


def nnunet_pictures(folder: Path, *, cases: int = 6) -> Path:
    """RGB pictures with PNG labels, as nnU-Net v2's natural images."""
    for number in range(cases):
        label = disc((40, 36), label=1)
        picture(folder / "imagesTr" / f"cell_{number}_0000.png", rgb(label, number))
        picture(folder / "labelsTr" / f"cell_{number}.png", label)
    content = {
        "channel_names": {"0": "R", "1": "G", "2": "B"},
        "labels": {"background": 0, "nucleus": 1},
        "numTraining": cases,
        "file_ending": ".png",
    }
    write_json(folder / "dataset.json", content)
    return folder


def picture(path: Path, voxels: Array) -> Path:
    """Write rows and columns (H, W[, C]) as a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(voxels, dtype=np.uint8)).save(path)
    return path


def rgb(label: Array, seed: int) -> Array:
    noise = np.random.default_rng(seed).integers(0, 20, (*label.shape, 3))
    return (noise + 90 * (label > 0)[..., None]).astype(np.uint8)


def microscopy(folder: Path, *, cases: int = 6, masks: str = "masks") -> Path:
    """Pictures of two sizes and masks of 0 and 255, as the 2018 Data Science Bowl's are kept."""
    for number in range(cases):
        size = (40, 48) if number % 3 else (64, 40)
        label = disc(size)
        picture(folder / "images" / f"cell{number}.png", rgb(label, number))
        picture(folder / masks / f"cell{number}.png", 255 * label)
    return folder


def folder_pair(folder: Path, *, cases: int = 6) -> Path:
    """CT volumes beside label maps of the same names, and no word on them."""
    for number in range(cases):
        label = disc((36, 40, 4))
        label[:, :, 0] = 0
        save(folder / "images" / f"scan_{number}.nii.gz", grey(label, number))
        save(folder / "labels" / f"scan_{number}.nii.gz", label)
    return folder


def datalist(folder: Path, *, cases: int = 6, folds: int = 3) -> Path:
    """Auto3DSeg's datalist with folds; returns the list itself."""
    training = []
    for number in range(cases):
        label = disc((36, 40, 4))
        image = f"scans/a{number}.nii.gz"
        save(folder / image, grey(label, number))
        save(folder / f"masks/a{number}.nii.gz", label)
        entry = {"image": image, "label": f"masks/a{number}.nii.gz", "fold": number % folds}
        training.append(entry)
    write_json(folder / "task.json", {"training": training, "testing": []})
    return folder / "task.json"


def brain_extracted(folder: Path, *, cases: int = 6) -> Path:
    """MR of brains on zeros, in the Decathlon's layout."""
    training = []
    for number in range(cases):
        label = disc((40, 40, 4), share=0.1)
        image = grey(label, number) * (disc((40, 40, 4), share=0.3) > 0)
        save(folder / "imagesTr" / f"brain_{number}.nii.gz", image.astype(np.int16))
        save(folder / "labelsTr" / f"brain_{number}.nii.gz", label)
        names = {key: f"{key}sTr/brain_{number}.nii.gz" for key in ("image", "label")}
        training.append(names)
    content = {
        "modality": {"0": "T1"},
        "labels": {"0": "background", "1": "lesion"},
        "training": training,
    }
    write_json(folder / "dataset.json", content)
    return folder


LOOK_ALIKES: dict[str, Callable[[Path], Path]] = {
    "nnunet_raw": nnunet_raw,
    "nnunet_pictures": nnunet_pictures,
    "microscopy": microscopy,
    "folder_pair": folder_pair,
    "datalist": datalist,
    "brain_extracted": brain_extracted,
}
