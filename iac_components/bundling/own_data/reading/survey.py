"""A look into the voxels: every label map, and the images of some cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iac_components.bundling.own_data.reading.geometry import array_axes
from iac_components.common.progress_bars import progress_over
from iac_components.data.case import Case
from iac_components.data.checks.pairs import check_channel, check_pair
from iac_components.data.checks.volumes import Expectation, check_volume
from iac_components.data.faults import DatasetError, Fault, raise_faults
from iac_components.data.layouts.general.label_classes import LabelClasses, classes_of_values
from iac_components.data.nifti.volume_file import Volume, read_volume

__all__ = ["MOST_CASES", "ImageSample", "LabelSurvey", "sample_images", "survey_labels"]

MOST_CASES = 20
MOST_CLASSES = 64
VOXELS_A_CASE = 10_000
PERCENTILES = (0.5, 99.5)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LabelSurvey:
    """Contents of the label maps, axes in the order right, anterior, superior.

    Attributes:
        classes: foreground classes and their values.
        occurs: (N, classes), which class occurs in which case.
        filled_share: for each axis, the share of the slices across it that hold foreground.
        needed: (N, 3), size in mm of the smallest central window that holds all foreground.
    """

    classes: LabelClasses
    occurs: NDArray[np.bool_]
    filled_share: tuple[float, float, float]
    needed: Array


@dataclass(frozen=True)
class ImageSample:
    """Contents of the images of some cases.

    Attributes:
        num_cases: how many were read.
        windows: for each channel the 0.5 and 99.5 percentiles of the grey values within the
            labels, to four digits.
        cropped_share: median share of a volume that is left after cropping to what is not zero.
        cropped_size: (3,), median share of each axis that is left then.
    """

    num_cases: int
    windows: tuple[tuple[float, float], ...]
    cropped_share: float = 1.0
    cropped_size: tuple[float, float, float] = (1.0, 1.0, 1.0)


def survey_labels(cases: Sequence[Case], classes: LabelClasses | None) -> LabelSurvey:
    """Read every label map.

    Args:
        cases: labelled ones, at least one.
        classes: as stated; None takes the values that occur, each a class.

    Raises:
        DatasetError: listing every fault of the files; or if none has foreground; or if they hold
            more values than a label map of classes would.
    """
    expectation = Expectation(classes.label_values if classes else range(1, 65536))
    faults: list[Fault] = []
    counts: list[Counter[int]] = []
    filled: list[tuple[list[int], list[int]]] = []
    needed: list[Array] = []
    for case in progress_over(cases, desc="Reading label maps"):
        label = _label(case, expectation)
        if isinstance(label, list):
            faults += label
            continue
        values = np.rint(np.asarray(label.data, dtype=np.float64)).astype(np.int64)
        found, numbers = np.unique(values, return_counts=True)
        counts.append(Counter(dict(zip(found.tolist(), numbers.tolist(), strict=True))))
        filled.append(_filled(values > 0, label.affine))
        needed.append(_needed(values > 0, label.affine))
    raise_faults(faults, subject=f"Label maps of {len(cases)} case(s)")
    present = sorted({value for count in counts for value in count if value > 0})
    if not present:
        raise DatasetError(
            f"None of the {len(cases)} label map(s) has foreground, so that there is nothing to "
            "learn. Check the labels."
        )
    if classes is None and len(present) > MOST_CLASSES:
        raise DatasetError(
            f"the label maps hold {len(present)} different values ({present[:5]}, ...), more than "
            f"{MOST_CLASSES} classes: they seem to number objects. Save one value a class, or name "
            "the classes in a dataset.json (field 'labels')."
        )
    chosen = classes or classes_of_values(present)
    occurs = [[any(count[v] for v in group) for group in chosen.values] for count in counts]
    shares = [
        sum(a[0][axis] for a in filled) / sum(a[1][axis] for a in filled) for axis in range(3)
    ]
    return LabelSurvey(
        chosen,
        np.array(occurs, dtype=np.bool_),
        (shares[0], shares[1], shares[2]),
        np.stack(needed),
    )


def sample_images(
    cases: Sequence[Case], classes: LabelClasses, *, num_channels: int
) -> ImageSample:
    """Read up to 20 cases, evenly spread over the data set, with all checks before training.

    Args:
        cases: sorted; at least one has foreground.
        classes: foreground classes.
        num_channels: channels of an image.

    Raises:
        DatasetError: listing every fault of the files read.
    """
    chosen = np.unique(np.linspace(0, len(cases) - 1, min(len(cases), MOST_CASES)).round())
    expectation = Expectation(classes.label_values, num_channels)
    random = np.random.default_rng(0)
    faults: list[Fault] = []
    grey: list[Array] = []
    left: list[Array] = []
    for index in progress_over(chosen.astype(int).tolist(), desc="Looking into images"):
        pair = _pair(cases[index], expectation)
        if isinstance(pair, list):
            faults += pair
            continue
        image, label = pair
        inside = image[np.asarray(label.data, dtype=np.float64) > 0.5]
        few = min(len(inside), VOXELS_A_CASE)
        grey.append(random.choice(inside, few, replace=False) if few else inside)
        left.append(_left(image, label.affine))
    raise_faults(faults, subject=f"Sample of {len(chosen)} case(s)")
    values = np.concatenate(grey)
    if not len(values):
        # Healthy cases, all of them: any grey value will do.
        values = np.zeros((1, num_channels))
    low, high = np.percentile(values, PERCENTILES, axis=0)
    sizes = np.median(np.stack(left), axis=0)
    return ImageSample(
        num_cases=len(chosen),
        windows=tuple(
            (float(f"{a:.4g}"), float(f"{b:.4g}")) for a, b in zip(low, high, strict=True)
        ),
        cropped_share=float(np.median([np.prod(share) for share in left])),
        cropped_size=(float(sizes[0]), float(sizes[1]), float(sizes[2])),
    )


def _label(case: Case, expectation: Expectation) -> Volume | list[Fault]:
    if case.label is None:
        raise DatasetError(f"case '{case.name}' has no label. Add one, or remove the case.")
    label = read_volume(str(case.label))
    if isinstance(label, Fault):
        return [label]
    expected = replace(expectation, num_channels=1)
    faults = [Fault(label.path, *found) for found in check_volume(label, "label", expected)]
    return faults or label


def _pair(case: Case, expectation: Expectation) -> tuple[Array, Volume] | list[Fault]:
    """Image (X, Y, Z, C) and label of a case, or all that is wrong with them."""
    files = (case.image,) if isinstance(case.image, Path) else case.image
    label = _label(case, expectation)
    read = [read_volume(str(file)) for file in files]
    faults = [volume for volume in read if isinstance(volume, Fault)]
    if isinstance(label, list):
        return [*faults, *label]
    volumes = [volume for volume in read if isinstance(volume, Volume)]
    expected = replace(expectation, num_channels=1) if len(files) > 1 else expectation
    for volume in volumes:
        faults += [Fault(volume.path, *found) for found in check_volume(volume, "image", expected)]
    faults += list(_disagreements(volumes, label))
    if faults:
        return faults
    channels = [np.asarray(volume.data, dtype=np.float64) for volume in volumes]
    if len(channels) > 1:
        return np.stack(channels, axis=-1), label
    return channels[0] if channels[0].ndim == 4 else channels[0][..., np.newaxis], label


def _disagreements(volumes: Sequence[Volume], label: Volume) -> Iterator[Fault]:
    for other in volumes[1:]:
        for found in check_channel(volumes[0], other, f"'{Path(volumes[0].path).name}'"):
            yield Fault(other.path, *found)
    for volume in volumes[:1]:
        for found in check_pair(volume, label, "its image"):
            yield Fault(label.path, *found)


def _axes(affine: Array) -> list[int]:
    axes = array_axes(affine)
    assert axes is not None, "check_volume refuses a singular affine"  # noqa: S101
    return axes


def _filled(inside: NDArray[np.bool_], affine: Array) -> tuple[list[int], list[int]]:
    """For each axis (RAS), how many slices across it hold foreground, and how many there are."""
    axes = _axes(affine)
    others = [tuple(other for other in range(3) if other != axis) for axis in axes]
    return (
        [int(inside.any(axis=rest).sum()) for rest in others],
        [inside.shape[axis] for axis in axes],
    )


def _needed(inside: NDArray[np.bool_], affine: Array) -> Array:
    """Size in mm of the smallest central window that holds all foreground, RAS; 0 if none."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    sizes = np.zeros(3)
    if not inside.any():
        return sizes
    for place, axis in enumerate(_axes(affine)):
        rest = tuple(other for other in range(3) if other != axis)
        filled = np.flatnonzero(inside.any(axis=rest))
        middle = (inside.shape[axis] - 1) / 2
        reach = max(middle - filled[0], filled[-1] - middle) + 0.5
        sizes[place] = 2 * reach * spacing[axis]
    return sizes


def _left(image: Array, affine: Array) -> Array:
    """Share of each axis (RAS) that is left after cropping to what is not zero."""
    there = (image != 0).any(axis=-1)
    shares = np.ones(3)
    if not there.any():
        return shares
    for place, axis in enumerate(_axes(affine)):
        rest = tuple(other for other in range(3) if other != axis)
        filled = np.flatnonzero(there.any(axis=rest))
        shares[place] = (filled[-1] - filled[0] + 1) / there.shape[axis]
    return shares
