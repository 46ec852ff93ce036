"""All that is read of a data set of one's own: its description, every header and label, images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iac_components.bundling.own_data.reading.description import (
    DatasetDescription,
    modality_of,
    read_description,
)
from iac_components.bundling.own_data.reading.geometry import Geometry, read_geometry
from iac_components.bundling.own_data.reading.planes import (
    PLANES,
    Plane,
    choose_plane,
    median_spacing,
)
from iac_components.bundling.own_data.reading.survey import (
    ImageSample,
    LabelSurvey,
    sample_images,
    survey_labels,
)
from iac_components.data import DatasetError, detect_layout, read_dataset
from iac_components.data.case import PICTURE_SUFFIXES, Case
from iac_components.data.layouts.general.label_classes import LabelClasses

__all__ = ["DatasetFacts", "read_facts"]

FEWEST_PATIENTS = 3
"""One to test, one to validate, one to train on."""


@dataclass(frozen=True)
class DatasetFacts:
    """A data set, as far as its configs depend on it.

    Attributes:
        dataset_dir: absolute path of its folder, or of the file that lists its cases.
        layout: how it lies there.
        description: what it states about itself.
        cases: all labelled cases, sorted.
        geometry: of all images.
        plane: how volumes are sliced.
        spacing: voxel size within a slice in mm.
        labels: what all label maps hold.
        images: what the images of some cases hold.
    """

    dataset_dir: Path
    layout: str
    description: DatasetDescription
    cases: Sequence[Case]
    geometry: Geometry
    plane: Plane
    spacing: tuple[float, float]
    labels: LabelSurvey
    images: ImageSample

    @property
    def classes(self) -> LabelClasses:
        """Foreground classes, as stated or as they occur."""
        return self.labels.classes

    @property
    def num_patients(self) -> int:
        """Number of patients, which folds never split."""
        return len({case.patient for case in self.cases})

    @property
    def num_stated_folds(self) -> int:
        """Number of folds that the data set states; 0 if it states none."""
        return len({case.fold for case in self.cases if case.fold is not None})

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels, numbered where the data set states none."""
        stated = self.description.channel_names
        numbered = tuple(f"channel {number}" for number in range(self.geometry.num_channels))
        return stated if stated and len(stated) == len(numbered) else numbered

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modality of every channel; empty where the data set states none."""
        stated = self.description.channel_names or ()
        found = tuple(map(modality_of, stated))
        # One modality may be stated for all channels.
        return found * self.geometry.num_channels if len(found) == 1 else found

    @property
    def are_pictures(self) -> bool:
        """True if images are pictures, which state no voxel size and no side."""
        first = self.cases[0].image
        name = first.name if isinstance(first, Path) else first[0].name
        return name.lower().endswith(PICTURE_SUFFIXES)


def read_facts(
    dataset_dir: str | Path, *, spacing: tuple[float, float] | None = None, plane: str | None = None
) -> DatasetFacts:
    """Read a data set in whichever layout it lies.

    Args:
        dataset_dir: its folder; Auto3DSeg's datalist; or a folder's name in ``$nnUNet_raw``.
        spacing: voxel size within a slice in mm; by default the median of all images.
        plane: ``axial``, ``coronal`` or ``sagittal``; by default across the coarsest axis.

    Raises:
        DatasetError: if the data set cannot be used; the message lists the faults.
        ValueError: if ``spacing`` is not positive.
    """
    if spacing is not None and not min(spacing) > 0:
        raise ValueError(f"in_plane_spacing must be positive (mm), not {list(spacing)}.")
    folder, layout = detect_layout(dataset_dir)
    description = read_description(folder, layout=layout)
    cases = read_dataset(folder, layout=layout)
    if (patients := len({case.patient for case in cases})) < FEWEST_PATIENTS:
        raise DatasetError(
            f"'{folder}' has {patients} patient(s) in {len(cases)} case(s); training, validation "
            f"and test need at least {FEWEST_PATIENTS}. Add cases, or correct groups.csv if it "
            "joins cases of different patients."
        )
    stated = description.channel_names
    geometry = read_geometry(cases, channel_names=None if layout == "auto3dseg" else stated)
    chosen = choose_plane(geometry) if plane is None else PLANES[plane]
    target = median_spacing(geometry, chosen) if spacing is None else spacing
    labels = survey_labels(cases, description.classes)
    return DatasetFacts(
        dataset_dir=folder,
        layout=layout,
        description=description,
        cases=cases,
        geometry=geometry,
        plane=chosen,
        spacing=target,
        labels=labels,
        images=sample_images(cases, labels.classes, num_channels=geometry.num_channels),
    )
