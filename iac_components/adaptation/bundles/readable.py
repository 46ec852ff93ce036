"""Images of any format that the project reads, in a form that a bundle's transforms read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nibabel

from iac_components.adaptation.bundles.network_bundle import NetworkBundle
from iac_components.data import DatalistEntry
from iac_components.data.formats.conversion import as_nifti, is_other_format

__all__ = ["readable_entries"]


def readable_entries(
    bundle: NetworkBundle, entries: Sequence[DatalistEntry], folder: Path
) -> list[DatalistEntry]:
    """Return entries whose images a bundle's preprocessing reads.

    Images in another format than NIfTI (pictures, MetaImage, NRRD, DICOM) stay as they are if the
    preprocessing reads the first of them: a bundle may have a reader of its own for them. Otherwise
    they become NIfTI files in ``folder``.

    Args:
        bundle: whose preprocessing is to read them.
        entries: with ``image`` and ``case``.
        folder: for NIfTI files; exists.

    Raises:
        UnreadableVolumeError: if a package that reads the format is missing.
        Exception: whatever a damaged file makes the libraries raise.
    """
    others = [entry for entry in entries if any(map(is_other_format, _files(entry)))]
    if not others or _reads(bundle, others[0]):
        return list(entries)
    return [_converted(entry, folder) if entry in others else entry for entry in entries]


def _files(entry: DatalistEntry) -> list[str]:
    image = entry["image"]
    return [image] if isinstance(image, str) else list(image)


def _reads(bundle: NetworkBundle, entry: DatalistEntry) -> bool:
    """Return True if the preprocessing makes what the network takes of an image."""
    try:
        image = bundle.preprocessing({"image": entry["image"]})["image"]
    # What a bundle's transforms raise on a file that they do not know is not specified.
    except Exception:
        return False
    window = bundle.window
    if window.size is None:
        return len(image) == bundle.channels
    axes = len(window.size) + (window.slice_axis is not None)
    return len(image) == bundle.channels and image.ndim == axes + 1


def _converted(entry: DatalistEntry, folder: Path) -> DatalistEntry:
    made = []
    files = _files(entry)
    for index, file in enumerate(files):
        # The case's name is what label maps are called after.
        name = str(entry["case"]) + (f"_{index:04d}" if len(files) > 1 else "")
        nibabel.save(as_nifti(file), folder / f"{name}.nii.gz")
        made.append(str(folder / f"{name}.nii.gz"))
    return {**entry, "image": made[0] if len(made) == 1 else made}
