"""Labelled voxels that training never sees, since its window of a slice is smaller than a volume.

Results never have such a window: inference and evaluation slide theirs over the whole volume.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose
from monai.transforms.traits import LazyTrait
from numpy.typing import NDArray

from iac_components.common.progress_bars import progress_over
from iac_components.data.case import DatalistEntry, entry_files
from iac_components.data.faults import Fault, raise_faults
from iac_components.data.nifti.nifti_reader import open_nifti

__all__ = ["check_window_reach"]

_LOGGER = logging.getLogger("iac_components.data")

_TOLERANCE = 1e-3
"""Part of a voxel by which rounding may move a centre."""

LONG_LIST = 20
"""Cases from which on a progress bar is worth its line."""


@dataclass(frozen=True)
class _Reach:
    """Labelled voxels of one case, by label value, and the window that would hold them all."""

    labelled: Counter[int]
    unreached: Counter[int]
    needed: tuple[int, ...]


def check_window_reach(
    datalist: Sequence[DatalistEntry],
    transform: Compose,
    *,
    field_of_view: Sequence[int],
    class_names: Sequence[str],
) -> None:
    """Log how many labelled voxels lie outside training's window, in one line.

    Headers tell whether a window holds a whole volume; only where it does not is the label read.

    Args:
        datalist: entries with ``image`` and ``label``, checked before.
        transform: the preprocessing, whose spatial steps (orientation, voxel size, crop) are
            followed without computing a voxel.
        field_of_view: the window that it crops to, for the remedy; -1 leaves an axis as it is.
        class_names: names of the labels from 1, for the line.

    Raises:
        DatasetError: naming every case that has labelled voxels and keeps none of them.
    """
    faults: list[Fault] = []
    short: list[_Reach] = []
    few = len(datalist) < LONG_LIST
    for entry in progress_over(datalist, desc="Checking the window", disable=few):
        reach = _reach(entry, transform)
        if reach is None or not reach.unreached:
            continue
        short.append(reach)
        if reach.unreached == reach.labelled:
            faults.append(
                Fault(
                    entry_files(entry, "label")[0],
                    f"has all its {reach.labelled.total():,} labelled voxels outside "
                    f"field_of_view {list(field_of_view)}, so that training would see none",
                    f"Pass --field_of_view {_enough(field_of_view, [reach])} (rounded up to what "
                    "the network can divide), or crop or remove the case.",
                )
            )
    raise_faults(faults, subject=f"Training's window on {len(datalist)} case(s)")
    if short:
        _LOGGER.warning(_sentence(short, len(datalist), field_of_view, class_names))
    else:
        _LOGGER.info("Training's window reaches all labelled voxels.")


def _reach(entry: DatalistEntry, transform: Compose) -> _Reach | None:
    """Follow one label's voxels into the window; None if the window holds the whole volume."""
    # The size of the label's grid in its header; a file is read only if that is larger.
    image = open_nifti(entry_files(entry, "label")[0])
    size = image.shape[:3]
    matrix, window = _to_window(np.asarray(image.affine, dtype=np.float64), size, transform)
    corners = np.array(np.meshgrid(*([0, n - 1] for n in size))).reshape(3, -1).T
    if _within(_moved(corners, matrix), window).all():
        return None
    values = np.rint(np.asanyarray(image.dataobj)).astype(np.int64).reshape(size)
    positions = np.argwhere(values > 0)
    moved = _moved(positions, matrix)
    inside = _within(moved, window)
    found = values[tuple(positions.T)]
    nearest = np.floor(moved + 0.5).astype(np.int64)
    # A crop is central, so that it has to grow on both sides.
    beyond = [
        max(0, -int(axis.min()), int(axis.max()) - (n - 1)) if len(axis) else 0
        for axis, n in zip(nearest.T, window, strict=True)
    ]
    needed = tuple(n + 2 * more for n, more in zip(window, beyond, strict=True))
    return _Reach(Counter(found.tolist()), Counter(found[~inside].tolist()), needed)


def _to_window(
    affine: NDArray[np.float64], size: Sequence[int], transform: Compose
) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Return the matrix from a volume's voxels to the window's, and the window's size."""
    # All voxels are one number, and MONAI's lazy transforms note what they would do with them.
    volume = MetaTensor(torch.zeros(()).expand(1, *size), affine=torch.as_tensor(affine))
    item: dict[str, MetaTensor] = {"image": volume, "label": volume}
    for step in transform.flatten().transforms:
        if isinstance(step, LazyTrait):
            item = step(item, lazy=True)
    label = item["label"]
    final = np.asarray(label.peek_pending_affine(), dtype=np.float64)
    return np.linalg.inv(final) @ affine, tuple(int(n) for n in label.peek_pending_shape())


def _moved(positions: NDArray[np.int64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply ``matrix`` (4, 4) to positions (N, 3)."""
    return np.asarray(positions @ matrix[:3, :3].T + matrix[:3, 3])


def _within(positions: NDArray[np.float64], window: Sequence[int]) -> NDArray[np.bool_]:
    """Tell which positions (N, 3) lie within the voxels of a window."""
    low, high = -0.5 - _TOLERANCE, np.asarray(window) - 0.5 + _TOLERANCE
    return np.asarray(((positions >= low) & (positions <= high)).all(axis=1))


def _enough(field_of_view: Sequence[int], reaches: Sequence[_Reach]) -> str:
    """Format the smallest window that holds all labelled voxels, as the option takes it."""
    sizes = [
        max(n, *(reach.needed[axis] for reach in reaches)) if n > 0 else n
        for axis, n in enumerate(field_of_view)
    ]
    return f"[{','.join(map(str, sizes))}]"


def _sentence(
    short: Sequence[_Reach],
    num_cases: int,
    field_of_view: Sequence[int],
    class_names: Sequence[str],
) -> str:
    """Return a sentence on the voxels that the window does not reach."""
    labelled = sum((reach.labelled for reach in short), Counter[int]())
    unreached = sum((reach.unreached for reach in short), Counter[int]())
    names = dict(enumerate(class_names, start=1))
    classes = ", ".join(
        f"{names.get(value, f'label {value}')} {count:,} of {labelled[value]:,}"
        for value, count in sorted(unreached.items())
    )
    return (
        f"Training's window, field_of_view {list(field_of_view)}, does not reach "
        f"{unreached.total():,} of the {labelled.total():,} labelled voxels in {len(short)} of "
        f"{num_cases} case(s): {classes}. --field_of_view {_enough(field_of_view, short)}, rounded "
        "up to what the network can divide, would reach all."
    )
