"""Phantoms of nine tasks of the Decathlon, in the layout and with the words of the releases."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iac_components.common.files import write_json
from iac_components.phantoms.body import Structure, paint_body
from iac_components.phantoms.brats import EDEMA, ENHANCING, NECROSIS, paint_glioma
from iac_components.phantoms.catalogue import (
    Range,
    register_phantom,
    spacing_ranges,
    volume_shape,
    write_nifti,
)
from iac_components.phantoms.decathlon_tasks import DECATHLON_TASKS, DecathlonTask
from iac_components.phantoms.torso import CT, MR, Tissue

__all__ = ["write_decathlon_phantom"]

Painter = Callable[
    [tuple[int, int, int], np.random.Generator, int],
    tuple[NDArray[np.generic], NDArray[np.uint8]],
]
"""``painter(size, random, number)`` returns images (C, X, Y, Z) and label (X, Y, Z) of a case."""

_ADC = Tissue(air=0.0, fat=0.1, muscle=0.45, bowel=0.8, bone=0.15, organ=(0.4, 0.75))
"""Apparent diffusion coefficient, as fractions of the largest."""

_NO_CANCER = 4
"""Every how many livers have no tumour; of the real ones, about every tenth (13 of 131)."""

# Grey values overlap with those of other organs: it takes place and shape to tell them apart.
_LIVER, _LIVER_RADII = (0.4, 0.1, 0.1), (0.42, 0.5, 0.62)
_BODIES: dict[str, tuple[tuple[Tissue, ...], tuple[Structure, ...]]] = {
    "msd_heart": (
        (MR,),
        (
            # Lungs, the ventricles and the right atrium; the blood in them is the left atrium's.
            Structure(0, (0.6, 0.0, 0.1), (0.3, 0.5, 0.8), (0.05,)),
            Structure(0, (-0.68, 0.0, 0.1), (0.24, 0.5, 0.8), (0.05,)),
            Structure(0, (-0.22, 0.32, -0.3), (0.24, 0.24, 0.35), (0.68,)),
            Structure(0, (0.2, 0.35, -0.2), (0.22, 0.2, 0.35), (0.68,)),
            Structure(1, (-0.02, -0.12, 0.12), (0.3, 0.2, 0.26), (0.68,), bend=0.08),
        ),
    ),
    "msd_liver": (
        (CT,),
        (
            Structure(0, (-0.58, -0.2, 0.3), (0.2, 0.3, 0.4), (115,)),
            Structure(0, (-0.35, 0.35, 0.0), (0.28, 0.3, 0.5), (107,)),
            Structure(1, _LIVER, _LIVER_RADII, (110,), bend=0.08),
            Structure(2, 1, (0.16, 0.16, 0.18), (65,), absent=_NO_CANCER),
        ),
    ),
    "msd_prostate": (
        (MR, _ADC),
        (
            Structure(0, (0.0, 0.55, 0.2), (0.4, 0.25, 0.5), (0.9, 0.9)),
            Structure(1, (0.0, -0.05, 0.0), (0.38, 0.32, 0.62), (0.7, 0.7)),
            Structure(2, (0.0, 0.08, 0.05), (0.26, 0.22, 0.5), (0.42, 0.5)),
        ),
    ),
    "msd_lung": (
        (CT,),
        (
            Structure(0, (0.45, 0.05, 0.0), (0.34, 0.55, 0.85), (-850,)),
            Structure(0, (-0.48, 0.05, 0.0), (0.32, 0.55, 0.85), (-850,)),
            # Vessels are as bright as a tumour, but long.
            Structure(0, 0, (0.3, 0.05, 0.05), (40,), bend=0.15),
            Structure(0, 1, (0.05, 0.05, 0.5), (40,), bend=0.15),
            Structure(1, 0, (0.15, 0.15, 0.17), (35,), bend=0.08),
        ),
    ),
    "msd_pancreas": (
        (CT,),
        (
            Structure(0, (0.45, 0.2, 0.4), (0.36, 0.42, 0.45), (110,)),
            Structure(0, (-0.42, 0.3, 0.35), (0.25, 0.24, 0.3), (90,)),
            Structure(1, (-0.05, 0.0, 0.05), (0.42, 0.16, 0.2), (95,), bend=0.1),
            Structure(2, 2, (0.14, 0.13, 0.15), (60,)),
        ),
    ),
    "msd_hepaticvessel": (
        (CT,),
        (
            Structure(0, (-0.58, -0.2, 0.3), (0.18, 0.28, 0.32), (170,)),
            Structure(0, _LIVER, _LIVER_RADII, (105,), bend=0.08),
            Structure(1, (0.35, 0.0, 0.1), (0.4, 0.07, 0.09), (165,), bend=0.12),
            Structure(1, (0.35, 0.1, 0.15), (0.08, 0.45, 0.09), (165,), bend=0.12),
            Structure(1, (0.4, 0.1, 0.15), (0.07, 0.07, 0.5), (165,), bend=0.12),
            Structure(2, 1, (0.15, 0.15, 0.17), (65,)),
        ),
    ),
    "msd_spleen": (
        (CT,),
        (
            Structure(0, _LIVER, _LIVER_RADII, (115,), bend=0.08),
            Structure(0, (-0.35, -0.35, -0.5), (0.16, 0.17, 0.35), (130,)),
            Structure(1, (-0.58, -0.2, 0.3), (0.22, 0.32, 0.36), (120,), bend=0.08),
        ),
    ),
    "msd_colon": (
        (CT,),
        (
            # The colon's wall and the air in it; the cancer grows from the wall.
            Structure(0, (0.55, 0.1, 0.0), (0.22, 0.22, 0.75), (55,), bend=0.08),
            Structure(0, (-0.55, 0.1, 0.0), (0.2, 0.2, 0.75), (55,), bend=0.08),
            Structure(0, (0.55, 0.1, 0.0), (0.12, 0.12, 0.6), (-900,)),
            Structure(0, (-0.55, 0.1, 0.0), (0.1, 0.1, 0.6), (-900,)),
            Structure(1, 0, (0.15, 0.15, 0.2), (60,), bend=0.1),
        ),
    ),
}


def write_decathlon_phantom(
    dataset_dir: Path,
    num_patients: int,
    random: np.random.Generator,
    shape: tuple[int, ...] | None,
    spacing: tuple[Range, ...] | None,
    *,
    task: DecathlonTask,
    painter: Painter,
) -> None:
    """Write imagesTr, labelsTr, imagesTs (one image, without label) and dataset.json.

    As in the releases, the channels of an image are the last axis of its file.
    """
    size = volume_shape(shape, default=task.shape, smallest=16)
    in_plane, between = spacing_ranges(spacing, default=(task.in_plane, task.between))
    training: list[dict[str, str]] = []
    test: list[str] = []
    for number in range(num_patients + 1):
        step = random.uniform(*in_plane)
        affine = np.diag([step, step, random.uniform(*between), 1.0])
        images, label = painter(size, random, number)
        voxels = images[0] if len(images) == 1 else np.moveaxis(images, 0, -1)
        is_test = number == num_patients
        file = f"{task.case.format(number + 1)}.nii.gz"
        image = f"./images{'Ts' if is_test else 'Tr'}/{file}"
        write_nifti(dataset_dir / image, voxels.astype(np.int16), affine)
        if is_test:
            test.append(image)
            continue
        training.append({"image": image, "label": f"./labelsTr/{file}"})
        write_nifti(dataset_dir / training[-1]["label"], label, affine)
    write_json(
        dataset_dir / "dataset.json",
        {
            "name": task.name,
            "description": f"Synthetic phantom in the layout of {task.folder}",
            "reference": "No patient's data. Layout: http://medicaldecathlon.com",
            "licence": "Apache-2.0",
            "release": "0.0",
            "tensorImageSize": "3D" if len(task.modality) == 1 else "4D",
            "modality": {str(index): name for index, name in enumerate(task.modality)},
            "labels": {str(value): n for value, n in enumerate(("background", *task.labels))},
            "numTraining": len(training),
            "numTest": len(test),
            "training": training,
            "test": test,
        },
    )


def _paint_brain(
    size: tuple[int, int, int], random: np.random.Generator, number: int
) -> tuple[NDArray[np.generic], NDArray[np.uint8]]:
    """Paint BraTS's glioma, with the label values that the Decathlon gave it."""
    images, label = paint_glioma(size, random, random, growth=1.0, patient=number)
    values = np.zeros(4, dtype=np.uint8)
    values[[EDEMA, NECROSIS, ENHANCING]] = 1, 2, 3
    return images, values[label]


def _body_painter(name: str) -> Painter:
    """Return the painter of a task's body."""
    tissues, structures = _BODIES[name]
    return lambda size, random, number: paint_body(
        size, random, number=number, tissues=tissues, structures=structures
    )


for _name, _task in DECATHLON_TASKS.items():
    _painter = _body_painter(_name) if _name in _BODIES else _paint_brain
    register_phantom(_name)(partial(write_decathlon_phantom, task=_task, painter=_painter))
