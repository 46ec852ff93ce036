"""BraTS-like phantoms: a skull-stripped brain with a glioma, in four MR sequences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from iac_components.data.examples.phantoms.catalogue import (
    Range,
    register_phantom,
    spacing_ranges,
    volume_shape,
    write_nifti,
)
from iac_components.data.examples.phantoms.fields import Field, bias_field, ellipsoid, smooth_field
from iac_components.data.layouts.channel_groups import BRATS_NAMINGS, ChannelNaming

__all__ = ["paint_glioma", "write_brats2021_phantom", "write_brats_phantom"]

NECROSIS, EDEMA, ENHANCING = 1, 2, 3
"""BraTS 2023's label values; in BraTS 2021 the enhancing tumour is 4."""

NO_ENHANCEMENT = 5
"""Every how many patients the tumour does not enhance, so that the class is absent."""

TWO_TIMES = 3
"""Every how many patients of BraTS 2023 there are two time points."""

# Grey values in FLAIR, T1, T1 with contrast agent and T2: the sequences' known contrasts.
_CSF, _GREY, _WHITE = (0.12, 0.18, 0.18, 0.95), (0.55, 0.48, 0.5, 0.58), (0.45, 0.66, 0.68, 0.4)
_LESION = {
    NECROSIS: (0.42, 0.25, 0.28, 0.78),
    EDEMA: (0.85, 0.42, 0.45, 0.8),
    ENHANCING: (0.7, 0.46, 0.95, 0.62),
}


@register_phantom("brats")
def write_brats_phantom(
    dataset_dir: Path,
    num_patients: int,
    random: np.random.Generator,
    shape: tuple[int, ...] | None,
    spacing: tuple[Range, ...] | None,
) -> None:
    """Write BraTS 2023's case folders into a sub-folder, as its archive has them."""
    size = volume_shape(shape, default=(96, 112, 24))
    root = dataset_dir / "ASNR-MICCAI-BraTS2023-GLI-Challenge-TrainingData"
    for patient in range(num_patients):
        seed = int(random.integers(2**32))
        for time in range(2 if patient % TWO_TIMES == TWO_TIMES - 1 else 1):
            folder = root / f"BraTS-GLI-{patient:05d}-{time:03d}"
            # Both times show the same head; the tumour has grown meanwhile.
            head = np.random.default_rng(seed)
            voxel = _voxel(random, spacing)
            images, label = paint_glioma(
                size, head, random, growth=1 + 0.25 * time, patient=patient
            )
            _write_case(folder, BRATS_NAMINGS[1], images, label, voxel)


@register_phantom("brats2021")
def write_brats2021_phantom(
    dataset_dir: Path,
    num_patients: int,
    random: np.random.Generator,
    shape: tuple[int, ...] | None,
    spacing: tuple[Range, ...] | None,
) -> None:
    """Write BraTS 2021's case folders, with label 4 for the enhancing tumour."""
    size = volume_shape(shape, default=(96, 112, 24))
    for patient in range(num_patients):
        voxel = _voxel(random, spacing)
        images, label = paint_glioma(size, random, random, growth=1.0, patient=patient)
        label[label == ENHANCING] = 4
        folder = dataset_dir / f"BraTS2021_{patient:05d}"
        _write_case(folder, BRATS_NAMINGS[0], images, label, voxel)


def _voxel(random: np.random.Generator, spacing: tuple[Range, ...] | None) -> float:
    """Draw the size of a cubic voxel in mm."""
    (sizes,) = spacing_ranges(spacing, default=((1.0, 1.0),))
    return float(random.uniform(*sizes))


def _write_case(
    folder: Path,
    naming: ChannelNaming,
    images: NDArray[np.int16],
    label: NDArray[np.uint8],
    voxel: float,
) -> None:
    """Write images (4, X, Y, Z) and label (X, Y, Z) as five files."""
    affine = np.diag([-voxel, -voxel, voxel, 1.0])
    affine[1, 3] = voxel * (label.shape[1] - 1)
    for ending, image in zip(naming.channels, images, strict=True):
        write_nifti(folder / f"{folder.name}{ending}.nii.gz", image, affine)
    write_nifti(folder / f"{folder.name}{naming.label}.nii.gz", label, affine)


def paint_glioma(
    size: tuple[int, int, int],
    head: np.random.Generator,
    random: np.random.Generator,
    *,
    growth: float,
    patient: int,
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Paint a brain with a glioma.

    Args:
        size: X, Y, Z.
        head: draws what time does not change.
        random: draws the rest.
        growth: of the tumour, 1 for none.
        patient: number, which decides whether the tumour enhances.

    Returns:
        Images (4, X, Y, Z) in the order FLAIR, T1, T1 with contrast agent, T2, and label (X, Y, Z)
        of values NECROSIS, EDEMA and ENHANCING.
    """
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in size), indexing="ij")
    widths = [max(n / 8, 1.0) for n in size]
    brain = ellipsoid(grid, (0, 0, 0), (0.82, 0.93, 1.3)) + 0.03 * smooth_field(size, widths, head)
    tissue = smooth_field(size, widths, head)
    place = [sign * head.uniform(0.1, 0.4) for sign in head.choice([-1, 1], 3)]
    radii = growth * head.uniform(0.24, 0.42, 3)
    tumour = ellipsoid(grid, place, radii) + 0.2 * smooth_field(size, widths, head)
    label = _label(tumour, brain < 0, head)
    if patient % NO_ENHANCEMENT == NO_ENHANCEMENT - 1:
        label[label == ENHANCING] = NECROSIS
    images = np.zeros((4, *size), dtype=np.int16)
    for channel in range(4):
        image = np.select(
            [tissue < -0.8, tissue < 0.2],
            [_CSF[channel], _GREY[channel]],
            default=_WHITE[channel],
        )
        for value, greys in _LESION.items():
            image[label == value] = greys[channel]
        image = gaussian_filter(image + 0.06 * smooth_field(size, (2, 2, 2), random), 0.6)
        image *= bias_field(size, random, strength=0.12)
        image += random.uniform(0.03, 0.06) * random.standard_normal(size)
        scaled = np.clip(image, 0.01, None) * random.uniform(300, 1500)
        # The skull is stripped: what is not brain is 0 to the last voxel.
        images[channel] = np.where(brain < 0, scaled, 0)
    return images, label


def _label(
    tumour: Field, brain: NDArray[np.bool_], random: np.random.Generator
) -> NDArray[np.uint8]:
    """Return the label map: a necrotic centre, an enhancing ring around it, edema around both."""
    shares = random.uniform(0.1, 0.25), random.uniform(0.35, 0.55)
    # A tumour has at least a voxel of each, however coarse the volume.
    few = np.partition(tumour[brain], 8)[8]
    inside = brain & (tumour <= max(0.0, float(few)))
    core, ring = np.quantile(tumour[inside], shares)
    return np.select(
        [~inside, tumour <= core, tumour <= ring], [0, NECROSIS, ENHANCING], default=EDEMA
    ).astype(np.uint8)
