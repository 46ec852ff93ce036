"""What a volume must be for training: one small check each, registered by what it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from iac_components.data.volume_file import Volume

__all__ = ["Expectation", "VolumeCheck", "check_volume", "register_volume_check"]


@dataclass(frozen=True)
class Expectation:
    """What the network and its configuration expect of the data.

    Attributes:
        labels: label values that may occur; 0, the background, always may.
        num_channels: channels of an image.
        min_size: smallest number of voxels along each axis.
    """

    labels: Sequence[int]
    num_channels: int = 1
    min_size: tuple[int, int, int] = (2, 2, 1)

    def __post_init__(self) -> None:
        if not any(value > 0 for value in self.labels) or min(self.labels) < 0:
            raise ValueError(
                f"labels must hold a positive value and no negative one: {self.labels}."
            )
        if self.num_channels < 1:
            raise ValueError(f"num_channels must be at least 1, not {self.num_channels}.")


VolumeCheck = Callable[[Volume, Expectation], Iterator[tuple[str, str]]]
"""``check(volume, expectation)`` yields (problem, remedy)."""

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
    if len(shape) == 3 and channels > 1:
        yield (
            f"has 1 channel, expected {channels}",
            "Name one file a channel, or merge them into one 4-D file.",
        )
    elif len(shape) == 4 and shape[3] != channels:
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
    stored = volume.stored_spacing[: volume.data.ndim]
    if not (np.isfinite(stored) & (stored > 0)).all():
        yield f"has spacing {stored.tolist()} mm in its header", remedy


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
    rules = (
        ("non-integer", values != np.rint(values), "Round the label map and save it as uint8."),
        ("negative", values < 0, "Map them to 0 or to a class."),
    )
    wrong = np.zeros(len(values), dtype=bool)
    for name, matches, remedy in rules:
        if matches.any():
            yield f"has {name} label values {_few(values[matches])}", remedy
        wrong |= matches
    unexpected = ~wrong & ~np.isin(values, [0, *expectation.labels])
    if unexpected.any():
        yield (
            f"has unexpected label values {_few(values[unexpected])}, "
            f"expected {sorted({0, *expectation.labels})}",
            "Map them to a class, or set the labels of the configuration.",
        )
    if not (values > 0).any():
        yield "has background only, no foreground", "Add the segmentation, or remove the case."


def _few(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> str:
    """Return the first values as text; a broken label map can have thousands."""
    text = ", ".join(f"{value:g}" for value in values[:8].tolist())
    return f"{text}, ..." if len(values) > 8 else text
