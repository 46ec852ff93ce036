"""Sample of some cases' voxels: grey values within the labels, slices with foreground."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from iac_components.bundling.own_data.geometry import array_axes
from iac_components.bundling.own_data.planes import Plane
from iac_components.data.case import Case
from iac_components.data.checks.pairs import check_pair
from iac_components.data.checks.volumes import Expectation, check_volume
from iac_components.data.faults import DatasetError, Fault, raise_faults
from iac_components.data.nifti.volume_file import Volume, read_volume

__all__ = ["MOST_CASES", "VoxelSample", "look_into"]

MOST_CASES = 20
VOXELS_A_CASE = 10_000
PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True)
class VoxelSample:
    """Voxel statistics of a sample of cases.

    Attributes:
        num_cases: how many were read.
        window: 0.5 and 99.5 percentiles of the grey values within the labels, to four digits.
        filled_share: share of the slices that hold foreground, above 0.
    """

    num_cases: int
    window: tuple[float, float]
    filled_share: float


def look_into(
    cases: Sequence[Case], *, plane: Plane, num_classes: int, num_channels: int
) -> VoxelSample:
    """Read up to 20 cases, evenly spread over the data set, with all checks before training.

    Args:
        cases: sorted; at least one.
        plane: how volumes are sliced.
        num_classes: foreground classes; label values run from 0 to it.
        num_channels: channels of an image.

    Raises:
        DatasetError: listing every fault of the files read, or if none has foreground.
    """
    chosen = np.unique(np.linspace(0, len(cases) - 1, min(len(cases), MOST_CASES)).round())
    expectation = Expectation(range(num_classes + 1), num_channels)
    random = np.random.default_rng(0)
    faults: list[Fault] = []
    grey_values: list[NDArray[np.float64]] = []
    filled: list[NDArray[np.bool_]] = []
    for index in tqdm(chosen.astype(int), desc="Looking into cases", unit="case", disable=None):
        pair = _read(cases[index], expectation)
        if isinstance(pair, list):
            faults += pair
            continue
        image, label = pair
        inside = np.asarray(image.data[_foreground(label)], dtype=np.float64).ravel()
        grey_values.append(random.choice(inside, min(inside.size, VOXELS_A_CASE), replace=False))
        filled.append(_filled_slices(label, plane))
    raise_faults(faults, subject=f"Sample of {len(chosen)} case(s)")
    if not any(values.size for values in grey_values):
        raise DatasetError(
            f"None of the {len(chosen)} case(s) looked into has foreground in its label map, so "
            "there is nothing to choose a window of grey values by. Check the labels."
        )
    low, high = np.percentile(np.concatenate(grey_values), PERCENTILES)
    return VoxelSample(
        num_cases=len(chosen),
        window=(float(f"{low:.4g}"), float(f"{high:.4g}")),
        filled_share=float(np.concatenate(filled).mean()),
    )


def _read(case: Case, expectation: Expectation) -> tuple[Volume, Volume] | list[Fault]:
    """Image and label of a case, or all that is wrong with them."""
    if case.label is None:
        raise DatasetError(f"case '{case.name}' has no label. Add one, or remove the case.")
    image, label = read_volume(str(case.image)), read_volume(str(case.label))
    faults = [file for file in (image, label) if isinstance(file, Fault)]
    if not faults:
        both = cast(tuple[Volume, Volume], (image, label))
        faults = list(_faults(*both, expectation))
    return faults or cast(tuple[Volume, Volume], (image, label))


def _faults(image: Volume, label: Volume, expectation: Expectation) -> Iterator[Fault]:
    label_expectation = replace(expectation, num_channels=1)
    for volume, role, expected in (
        (image, "image", expectation),
        (label, "label", label_expectation),
    ):
        for problem, remedy in check_volume(volume, role, expected):
            yield Fault(volume.path, problem, remedy)
    for problem, remedy in check_pair(image, label, "its image"):
        yield Fault(label.path, problem, remedy)


def _filled_slices(label: Volume, plane: Plane) -> NDArray[np.bool_]:
    """Mark the slices of a label map that hold foreground."""
    axes = array_axes(label.affine)
    assert axes is not None, "check_volume refuses a singular affine"  # noqa: S101
    across = axes[plane.axis]
    others = tuple(axis for axis in range(3) if axis != across)
    return np.asarray(_foreground(label).any(axis=others), dtype=np.bool_)


def _foreground(label: Volume) -> NDArray[np.bool_]:
    # Labels are rounded where they are read.
    return np.greater(np.asarray(label.data, dtype=np.float64), 0.5)
