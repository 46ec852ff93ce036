"""Facts of a user's data set, from ``dataset.json``, every header and some voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iac_components.bundling.own_data.description import (
    DatasetDescription,
    modality_of,
    read_description,
)
from iac_components.bundling.own_data.geometry import Geometry, read_geometry
from iac_components.bundling.own_data.planes import (
    PLANES,
    Plane,
    choose_plane,
    in_plane_pixels,
    median_spacing,
)
from iac_components.bundling.own_data.sample import VoxelSample, look_into
from iac_components.data import DatasetError, read_dataset
from iac_components.data.case import Case, is_nifti_name
from iac_components.data.layouts.catalogue import find_dataset

__all__ = ["DatasetFacts", "read_facts"]

FEWEST_PATIENTS = 4
"""One to test, one to validate, one for each half of the search."""


@dataclass(frozen=True)
class DatasetFacts:
    """A data set, as far as its configs depend on it.

    Attributes:
        dataset_dir: absolute path.
        description: what ``dataset.json`` states.
        cases: all labelled cases, sorted.
        geometry: of all images.
        plane: how volumes are sliced.
        spacing: voxel size within a slice in mm.
        pixels: size of the slices at that voxel size.
        sample: what some cases hold.
    """

    dataset_dir: Path
    description: DatasetDescription
    cases: Sequence[Case]
    geometry: Geometry
    plane: Plane
    spacing: tuple[float, float]
    pixels: tuple[int, int]
    sample: VoxelSample

    @property
    def num_patients(self) -> int:
        """Number of patients, which folds never split."""
        return len({case.patient for case in self.cases})

    @property
    def has_groups(self) -> bool:
        """True if a ``groups.csv`` assigns cases to patients."""
        return (self.dataset_dir / "groups.csv").is_file()

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels, numbered where the data set states none."""
        numbered = tuple(f"channel {number}" for number in range(self.geometry.num_channels))
        return self.description.channel_names or numbered

    @property
    def modalities(self) -> tuple[str, ...]:
        """The channels' modalities, each once; none where the data set states none."""
        return tuple(dict.fromkeys(map(modality_of, self.description.channel_names or ())))

    @property
    def images(self) -> Path:
        """The folder to segment: ``imagesTs`` if it is there, else the training images."""
        unlabelled = self.dataset_dir / "imagesTs"
        has_images = unlabelled.is_dir() and any(
            is_nifti_name(path.name) for path in unlabelled.iterdir()
        )
        return unlabelled if has_images else self.dataset_dir / "imagesTr"


def read_facts(
    dataset_dir: str | Path, *, spacing: tuple[float, float] | None = None, plane: str | None = None
) -> DatasetFacts:
    """Read a data set in the Decathlon's layout.

    Args:
        dataset_dir: folder with ``dataset.json``, ``imagesTr`` and ``labelsTr``.
        spacing: voxel size within a slice in mm; by default the median of all images.
        plane: ``axial``, ``coronal`` or ``sagittal``; by default across the coarsest axis.

    Raises:
        DatasetError: if the data set cannot be used; the message lists the faults.
        ValueError: if ``spacing`` is not positive.
    """
    if spacing is not None and not min(spacing) > 0:
        raise ValueError(f"in_plane_spacing must be positive (mm), not {list(spacing)}.")
    folder = find_dataset(dataset_dir, layout="decathlon")
    description = read_description(folder)
    cases = read_dataset(folder, layout="decathlon")
    if (patients := len({case.patient for case in cases})) < FEWEST_PATIENTS:
        raise DatasetError(
            f"'{folder}' has {patients} patient(s) in {len(cases)} case(s); training, validation, "
            f"test and the search's two halves need at least {FEWEST_PATIENTS}. Add cases, or "
            "correct groups.csv if it joins cases of different patients."
        )
    geometry = read_geometry(cases, channel_names=description.channel_names)
    chosen = choose_plane(geometry) if plane is None else PLANES[plane]
    target = median_spacing(geometry, chosen) if spacing is None else spacing
    sample = look_into(
        cases,
        plane=chosen,
        num_classes=len(description.class_names),
        num_channels=geometry.num_channels,
    )
    return DatasetFacts(
        dataset_dir=folder,
        description=description,
        cases=cases,
        geometry=geometry,
        plane=chosen,
        spacing=target,
        pixels=in_plane_pixels(geometry, chosen, spacing=target),
        sample=sample,
    )
