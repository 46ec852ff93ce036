"""One volume of a dataset, with the patient it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

__all__ = [
    "IMAGE_SUFFIXES",
    "NIFTI_SUFFIXES",
    "PICTURE_SUFFIXES",
    "Case",
    "DatalistEntry",
    "entry_files",
    "image_stem",
    "is_image_name",
]

NIFTI_SUFFIXES = (".nii.gz", ".nii")
"""Endings of a NIfTI file in small letters, the longer one first so that it is removed whole."""

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
"""Endings of pictures, which Pillow reads."""

IMAGE_SUFFIXES = (
    *NIFTI_SUFFIXES,
    *PICTURE_SUFFIXES,
    *(".mha", ".mhd", ".nrrd", ".nhdr", ".dcm"),
)
"""Endings of all files that are read as images and labels."""

DatalistEntry: TypeAlias = Mapping[str, str | list[str]]
"""One volume as MONAI reads it: key -> file or name; ``image`` may be a list, a file a channel."""


@dataclass(frozen=True, order=True)
class Case:
    """One volume, the unit that is read, predicted and scored.

    Attributes:
        patient: name of the patient; several cases may share one, and folds never split it.
        name: name of the case, unique in its dataset.
        image: the image's file (for a DICOM series its folder), or one file for each channel, in
            the channels' order.
        label: the label map's file, or None where there is none.
        fold: the fold that the data set itself puts the case into; None where it states none.
    """

    patient: str
    name: str
    image: Path | tuple[Path, ...]
    label: Path | None
    fold: int | None = field(default=None, compare=False)

    def entry(self) -> dict[str, str | list[str]]:
        """Return the case as an entry of a MONAI datalist (no ``label`` key without a label).

        Several files become a list, which MONAI's ``LoadImaged`` stacks into channels.
        """
        image = str(self.image) if isinstance(self.image, Path) else list(map(str, self.image))
        entry = {"image": image, "patient": self.patient, "case": self.name}
        if self.label is not None:
            entry["label"] = str(self.label)
        return entry


def entry_files(entry: DatalistEntry, key: str) -> list[str]:
    """Return the file or files under ``key``; none if the entry lacks it."""
    files = entry.get(key, [])
    return [files] if isinstance(files, str) else list(files)


def is_image_name(name: str) -> bool:
    """Tell whether a file name is that of an image that is read, in small letters or capitals.

    Hidden files (macOS ``._``) are not.
    """
    return name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".")


def image_stem(path: str | Path) -> str:
    """Return an image file's name without its ending, in small letters or capitals."""
    name = Path(path).name
    for suffix in IMAGE_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name
