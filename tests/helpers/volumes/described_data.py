"""Small data sets of a user, in the Decathlon's layout with a description of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iac_components.common.files import write_json
from iac_components.phantoms.catalogue import write_nifti

__all__ = ["CT", "MR", "Given", "write_dataset"]


@dataclass(frozen=True)
class Given:
    """A data set to write, and what is asked for."""

    backbone: str
    description: dict[str, object]
    shape: tuple[int, ...]
    spacing: tuple[float, float, float]
    classes: tuple[str, ...]
    plane: str = "axial"


CT = Given(
    backbone="unet",
    description={
        "labels": {"0": "background", "1": "Left Kidney", "2": "tumour (solid)"},
        "modality": {"0": "CT"},
        "licence": "CC BY 4.0",
    },
    shape=(40, 36, 8),
    spacing=(1.0, 1.2, 4.0),
    classes=("left_kidney", "tumour_solid"),
)
# Sagittal, two channels under nnU-Net v2's name for them.
MR = Given(
    backbone="nnunet",
    description={
        "labels": {"0": "background", "1": "disc"},
        "channel_names": {"0": "T1w", "1": "T2w"},
    },
    shape=(6, 30, 34, 2),
    spacing=(5.0, 1.0, 1.0),
    classes=("disc",),
    plane="sagittal",
)


def write_dataset(folder: Path, given: Given, *, cases: int = 5, **changes: object) -> Path:
    """A data set in the Decathlon's layout: boxes that are brighter than the noise around."""
    random = np.random.default_rng(0)
    # Not stored in the order of RAS, so that an orientation that is left out shows.
    affine = np.diag([-given.spacing[0], *given.spacing[1:], 1.0])
    entries = []
    for number in range(cases):
        label = np.zeros(given.shape[:3], dtype=np.uint8)
        first, second, third = (slice(n // 4, 3 * n // 4) for n in label.shape)
        label[first, second, third] = len(given.classes)
        label[first, second, third][: label.shape[0] // 4] = 1
        image = random.normal(0, 20, given.shape)
        image += 100 * label.reshape(*label.shape, *[1] * (image.ndim - 3))
        entry = {key: f"./{key}sTr/case_{number}.nii.gz" for key in ("image", "label")}
        write_nifti(folder / entry["image"], image.astype(np.float32), affine)
        write_nifti(folder / entry["label"], label, affine)
        entries.append(entry)
    content = {"name": "phantom", **given.description, "training": entries, **changes}
    write_json(folder / "dataset.json", {key: v for key, v in content.items() if v is not None})
    return folder
