"""Settings that turn volumes into a network's input, the same in every step of a project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from monai.transforms import NormalizeIntensityd

from iac_components.bundling.options import OptionError
from iac_components.interface.api.runs.arguments import require
from iac_components.interface.api.runs.plain import plain

__all__ = ["PLANES", "Plane", "Recipe", "check_settings"]


@dataclass(frozen=True)
class Plane:
    """A direction of slicing.

    Attributes:
        axcodes: orientation that brings the axis across the slices to the end.
        axes: the RAS axes (right, anterior, superior) in that order.
    """

    axcodes: str
    axes: tuple[int, int, int]


PLANES = {
    "axial": Plane("RAS", (0, 1, 2)),
    "coronal": Plane("RSA", (0, 2, 1)),
    "sagittal": Plane("ASR", (1, 2, 0)),
}
"""Name of the slices -> how a volume is turned for them."""

_SEQUENCES = (
    "class_names",
    "pixdim",
    "patch_size",
    "field_of_view",
    "flip_probabilities",
    "label_values",
)
"""Fields that may be given as lists."""


@dataclass(frozen=True)
class Recipe:
    """Settings that turn volumes into a network's input; ``load_dataset`` takes them from the data.

    Names and meaning are those of the bundles' options. A network with two spatial dimensions sees
    slices across the last axis, one with three sees patches of the volume.

    Attributes:
        class_names: names of the foreground classes; label i + 1 is ``class_names[i]``.
        in_channels: channels of an image.
        pixdim: voxel size in mm to resample to, along the axes of ``plane``; -1 keeps an axis.
        patch_size: of a training patch; its length is the number of spatial dimensions.
        field_of_view: with slices, central voxels of a volume from which training draws patches,
            None with patches.
        plane: direction of the slices, ``axial``, ``coronal`` or ``sagittal``.
        flip_probabilities: of a flip along each axis of a patch.
        augment: flips, small rotations and changes of grey values besides random crops.
        empty_fraction: share of the slices without foreground that is kept.
        patches_per_volume: patches of a volume in an epoch, with patches.
        voxel_values: dictionary transform that scales grey values; None is mean 0, deviation 1
            over nonzero voxels, for each channel separately.
        label_values: values that a label map may hold before ``voxel_values``; None is 0 to the
            number of classes.

    Raises:
        OptionError: if a value is not allowed.

    Example:
        >>> recipe = iac.Recipe(("tumour",), 1, (1.0, 1.0, -1.0), (64, 64), (128, 128, -1))
        >>> recipe.spatial_dims, recipe.out_channels
        (2, 2)
    """

    class_names: tuple[str, ...]
    in_channels: int
    pixdim: tuple[float, float, float]
    patch_size: tuple[int, ...]
    field_of_view: tuple[int, int, int] | None = None
    plane: str = "axial"
    flip_probabilities: tuple[float, ...] | None = None
    augment: bool = True
    empty_fraction: float = 0.25
    patches_per_volume: int = 1
    voxel_values: Callable[..., object] | None = None
    label_values: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in _SEQUENCES:
            value = getattr(self, name)
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
        if self.plane not in PLANES:
            raise OptionError(f"plane is {self.plane!r}: it must be one of {', '.join(PLANES)}.")
        if (len(self.patch_size) == 2) != (self.field_of_view is not None):
            raise OptionError(
                f"patch_size is {list(self.patch_size)} and field_of_view {self.field_of_view}: "
                "slices (two sizes) have a field of view, patches (three) have none."
            )
        settings = {field.name: getattr(self, field.name) for field in fields(self)}
        check_settings(settings, spatial_dims=self.spatial_dims)

    @property
    def spatial_dims(self) -> int:
        """2 with slices, 3 with patches."""
        return len(self.patch_size)

    @property
    def out_channels(self) -> int:
        """Output channels of the network: the classes and the background."""
        return len(self.class_names) + 1

    @property
    def flips(self) -> tuple[float, ...]:
        """Flips along each axis; by default left and right only, if no class tells them apart."""
        if self.flip_probabilities is not None:
            return self.flip_probabilities
        sided = any("left" in name.lower() or "right" in name.lower() for name in self.class_names)
        axes = PLANES[self.plane].axes[: self.spatial_dims]
        return tuple(0.5 if axis == 0 and not sided else 0.0 for axis in axes)

    @property
    def labels(self) -> tuple[int, ...]:
        """Values that a label map may hold."""
        return self.label_values or tuple(range(self.out_channels))

    @property
    def scaling(self) -> Callable[..., object]:
        """The transform that scales grey values."""
        if self.voxel_values is not None:
            return self.voxel_values
        scaling: Callable[..., object] = NormalizeIntensityd(
            "image", nonzero=True, channel_wise=self.in_channels > 1
        )
        return scaling

    def settings(self) -> dict[str, object]:
        """Every setting as a plain value, for the record of a run."""
        known = {field.name: plain(getattr(self, field.name)) for field in fields(self)}
        return {**known, "flip_probabilities": list(self.flips)}


def check_settings(settings: Mapping[str, object], *, spatial_dims: int) -> None:
    """Check settings of a recipe against the schema of the bundles' options.

    Raises:
        OptionError: one line for each that is not allowed.
    """
    slices = spatial_dims == 2
    others = {"patches_per_volume"} if slices else {"field_of_view", "empty_fraction"}
    unchecked = {"plane", "voxel_values", *others}
    checked = {name: value for name, value in settings.items() if name not in unchecked}
    require(checked, method="iac" if slices else "dints")
