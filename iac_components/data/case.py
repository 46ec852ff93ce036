"""One volume of a dataset, with the patient it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["NIFTI_SUFFIXES", "Case", "is_nifti_name", "nifti_stem"]

NIFTI_SUFFIXES = (".nii.gz", ".nii")
"""Endings of a NIfTI file, the longer one first so that it is removed whole."""


@dataclass(frozen=True, order=True)
class Case:
    """One volume: the unit that is read, predicted and scored.

    Attributes:
        patient: name of the patient; several cases may share one, and folds never split it.
        name: name of the case, unique in its dataset.
        image: the image's NIfTI file.
        label: the label map's NIfTI file, or None where there is none.
    """

    patient: str
    name: str
    image: Path
    label: Path | None

    def entry(self) -> dict[str, str]:
        """Return the case as an entry of a MONAI datalist (no ``label`` key without a label)."""
        entry = {"image": str(self.image), "patient": self.patient, "case": self.name}
        if self.label is not None:
            entry["label"] = str(self.label)
        return entry


def is_nifti_name(name: str) -> bool:
    """Tell whether a file name is that of a NIfTI file; hidden files (macOS ``._``) are not."""
    return name.endswith(NIFTI_SUFFIXES) and not name.startswith(".")


def nifti_stem(path: str | Path) -> str:
    """Return the file's name without ``.nii`` or ``.nii.gz``."""
    name = Path(path).name
    for suffix in NIFTI_SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name
