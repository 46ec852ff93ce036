"""Checks of one volume before training: small functions, registered by what they look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iac_components.data.nifti.volume_file import Volume
from iac_components.data.nifti.whole_labels import is_whole

__all__ = ["CONFIGURED", "Expectation", "VolumeCheck", "check_volume", "register_volume_check"]

CONFIGURED = "the labels of the configuration"

VOXEL_SIZE_RANGE = (0.01, 50.0)
"""Voxel sizes in mm from micro-CT to a localizer's slices (our choice): metres and microns, taken
for mm, lie outside for any scanner of patients."""


@dataclass(frozen=True)
class Expectation:
    """Labels, channels and sizes that the network and its configuration expect of the data.

    Attributes:
        labels: label values that may occur; 0, the background, always may.
        num_channels: channels of an image; None takes any, where what reads it decides.
        min_size: smallest number of voxels along each axis.
        voxel_size_range: smallest and largest voxel size in mm; None takes any, and whatever unit
            a header states, for mm.
    """

    labels: Sequence[int]
    num_channels: int | None = 1
    min_size: tuple[int, int, int] = (2, 2, 1)
    voxel_size_range: Sequence[float] | None = VOXEL_SIZE_RANGE
    stated_by: str = CONFIGURED

    def __post_init__(self) -> None:
        if not any(value > 0 for value in self.labels) or min(self.labels) < 0:
            raise ValueError(
                f"labels must hold a positive value and no negative one: {self.labels}."
            )
        if self.num_channels is not None and self.num_channels < 1:
            raise ValueError(f"num_channels must be at least 1, not {self.num_channels}.")
        if self.voxel_size_range is not None and not _are_limits(self.voxel_size_range):
            raise ValueError(
                f"voxel_size_range is {self.voxel_size_range!r}: it must be null, or the smallest "
                "and the largest voxel size in mm, such as [0.01, 50.0]."
            )


def _are_limits(value: object) -> bool:
    """Return whether a value, which may come from the command line, is two growing numbers."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return False
    if not all(isinstance(limit, int | float) for limit in value):
        return False
    # Not "value[0] >= value[1]", which NaN would pass.
    return bool(0 <= value[0] < value[1])


VolumeCheck = Callable[[Volume, Expectation], Iterator[tuple[str, str]]]
"""``check(volume, expectation)`` yields (problem, remedy)."""

_MILLIMETRES = {"metre": 1000.0, "micron": 0.001}
"""Units that are not read, in mm."""

_VOLUME_CHECKS: dict[str, list[VolumeCheck]] = {"image": [], "label": []}


def register_volume_check(*roles: str) -> Callable[[VolumeCheck], VolumeCheck]:
    """Register a check of volumes that are an ``image``, a ``label`` or either."""

    def register(check: VolumeCheck) -> VolumeCheck:
        for role in roles:
            _VOLUME_CHECKS[role].append(check)
        return check

    return register


def check_volume(volume: Volume, role: str, expectation: Expectation) -> Iterator[tuple[str, str]]:
    """Yield (problem, remedy) of all checks registered for ``role``."""
    for check in _VOLUME_CHECKS[role]:
        yield from check(volume, expectation)


@register_volume_check("image")
def _image_axes(volume: Volume, expectation: Expectation) -> Iterator[tuple[str, str]]:
    shape, channels = volume.data.shape, expectation.num_channels
    if len(shape) == 3 and channels is not None and channels > 1:
        yield (
            f"has 1 channel, expected {channels}",
            "Name one file a channel, or merge them into one 4-D file.",
        )
    elif len(shape) == 4 and channels not in (None, shape[3]):
        yield (
            f"has {shape[3]} channels or frames (shape {shape}), expected {channels}",
            "Name the file of one frame, or set num_channels.",
        )
    elif len(shape) not in (3, 4):
        yield f"is {len(shape)}-D (shape {shape}), expected 3-D", "Convert it to a 3-D volume."


@register_volume_check("label")
def _label_axes(volume: Volume, expectation: Expectation) -> Iterator[tuple[str, str]]:
    if volume.data.ndim != 3:
        yield (
            f"is {volume.data.ndim}-D (shape {volume.data.shape}), expected a 3-D label map",
            "Save one integer a voxel, without channels or frames.",
        )


@register_volume_check("image", "label")
def _size(volume: Volume, expectation: Expectation) -> Iterator[tuple[str, str]]:
    size = volume.data.shape[:3]
    # A wrong number of axes is another check's fault.
    if len(size) == 3 and any(n < m for n, m in zip(size, expectation.min_size, strict=True)):
        yield (
            f"has size {size}, smaller than {tuple(expectation.min_size)}",
            "Remove the case, or lower the patch size.",
        )


@register_volume_check("image", "label")
def _geometry(volume: Volume, expectation: Expectation) -> Iterator[tuple[str, str]]:
    remedy = "Write the header again with the scanner's voxel size and orientation."
    columns = volume.affine[:3, :3]
    spacing = np.linalg.norm(columns, axis=0)
    if not np.isfinite(volume.affine).all():
        yield "has a NaN or infinite affine", remedy
    # Scaled by the spacing, the determinant does not depend on the unit of length.
    elif (spacing == 0).any() or abs(np.linalg.det(columns / spacing)) < 1e-3:
        yield "has a singular affine (axes that are null or parallel)", remedy
    stored = volume.header.spacing[: len(volume.header.shape)]
    if not (np.isfinite(stored) & (stored > 0)).all():
        yield f"has spacing {stored.tolist()} mm in its header", remedy


@register_volume_check("image", "label")
def _voxel_size(volume: Volume, expectation: Expectation) -> Iterator[tuple[str, str]]:
    if expectation.voxel_size_range is None:
        return
    unit = volume.header.unit
    spacing = np.linalg.norm(volume.affine[:3, :3], axis=0)
    size = " x ".join(f"{value:.4g}" for value in spacing)
    if unit in _MILLIMETRES:
        yield (
            f"has voxels of {size} {unit} (xyzt_units in its header), where mm are read",
            f"Write its header again in mm (sizes and offsets times {_MILLIMETRES[unit]:g}), or "
            "correct the unit if they are mm already.",
        )
        return
    smallest, largest = expectation.voxel_size_range
    # A little wider, since headers keep 0.01 and the like in single precision.
    outside = (spacing < smallest * (1 - 1e-4)) | (spacing > largest * (1 + 1e-4))
    # An axis of no length at all is another check's fault.
    if (outside & (spacing > 0)).any():
        yield (
            f"has voxels of {size} mm, outside {smallest:g} to {largest:g} mm",
            "Write its header again in mm (not metres or microns), or widen the bundle's "
            "--voxel_size_range.",
        )


@register_volume_check("image", "label")
def _finite(volume: Volume, expectation: Expectation) -> Iterator[tuple[str, str]]:
    if volume.has_nonfinite:
        count = int(np.count_nonzero(~np.isfinite(volume.data)))
        yield f"has {count} NaN or infinite voxel(s)", "Replace them (for instance by 0)."


@register_volume_check("image")
def _constant(volume: Volume, expectation: Expectation) -> Iterator[tuple[str, str]]:
    if not volume.has_nonfinite and volume.data.size and np.ptp(volume.data) == 0:
        yield f"is constant ({volume.data.flat[0]} everywhere)", "Export this image again."


@register_volume_check("label")
def _label_values(volume: Volume, expectation: Expectation) -> Iterator[tuple[str, str]]:
    if volume.has_nonfinite:
        return
    values = np.unique(volume.data)
    nearest = np.rint(values)
    rules = (
        (
            "non-integer",
            ~is_whole(values),
            "Round the label map and save it as uint8.",
        ),
        ("negative", nearest < 0, "Map them to 0 or to a class."),
    )
    wrong = np.zeros(len(values), dtype=bool)
    for name, matches, remedy in rules:
        if matches.any():
            yield f"has {name} label values {_few(values[matches])}", remedy
        wrong |= matches
    unexpected = np.unique(nearest[~wrong & ~np.isin(nearest, [0, *expectation.labels])])
    if len(unexpected) and volume.path.lower().endswith((".jpg", ".jpeg")):
        yield (
            f"has the values {_few(unexpected)}, since JPEG changes label values",
            "Save the label maps as PNG, from their source.",
        )
    elif len(unexpected):
        yield (
            f"has unexpected label values {_few(unexpected)}, "
            f"expected {sorted({0, *expectation.labels})}",
            f"Map them to a class, or set {expectation.stated_by}.",
        )


def _few(values: NDArray[np.generic]) -> str:
    """Return the first values as text; a broken label map can have thousands."""
    text = ", ".join(map(_digits, values[:8]))
    return f"{text}, ..." if len(values) > 8 else text


def _digits(value: np.generic) -> str:
    """Write a value with as many digits as tell it from its neighbours."""
    if not isinstance(value, np.floating):
        return str(value)
    plain = value == 0 or 1e-4 <= abs(float(value)) < 1e16
    write = np.format_float_positional if plain else np.format_float_scientific
    return write(value, trim="-")
