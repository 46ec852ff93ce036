"""Images of any format that the project reads, checked, and in a form that a bundle reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nibabel
import torch

from iac_components.adaptation.bundles.network_bundle import NetworkBundle
from iac_components.common.causes import first_cause, one_line
from iac_components.data import DatalistEntry, check_datalist
from iac_components.data.case import entry_files
from iac_components.data.faults import Fault, raise_faults
from iac_components.data.formats.conversion import as_nifti, is_other_format
from iac_components.data.nifti.volume_file import read_volume

__all__ = ["check_images", "readable_entries"]

VOXEL_SIZES = "voxel_size_range"
"""Option of this collection's configs, whose runs check their images themselves."""


def check_images(bundle: NetworkBundle, entries: Sequence[DatalistEntry]) -> None:
    """Check images as a run of this collection's bundles does, before any of them is segmented.

    A bundle from elsewhere may be for microscopes, so that its voxels may have any size; and of
    pictures and the like that its own preprocessing reads, it may make what the network takes (of
    grey ones colour): these are prepared, and the result is checked.

    Args:
        bundle: that is to segment them.
        entries: with ``image`` and ``case``.

    Raises:
        DatasetError: listing every image at fault, with remedies.
    """
    ours = VOXEL_SIZES in bundle.parser
    others = [] if ours else _other_formats(entries)
    own = others if others and _reads(bundle, others[0]) else []
    faults = [fault for entry in own if (fault := _fault(bundle, entry)) is not None]
    raise_faults(faults, subject=f"Datalist of {len(entries)} case(s)")
    rest = [entry for entry in entries if entry not in own]
    if rest:
        check_datalist(
            rest,
            labels=range(1, len(bundle.class_names) + 1),
            num_channels=bundle.channels,
            min_size=(1, 1, 1),
            voxel_size_range=bundle.parser.get_parsed_content(VOXEL_SIZES) if ours else None,
        )


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
    others = _other_formats(entries)
    if not others or _reads(bundle, others[0]):
        return list(entries)
    return [_converted(entry, folder) if entry in others else entry for entry in entries]


def _other_formats(entries: Sequence[DatalistEntry]) -> list[DatalistEntry]:
    return [e for e in entries if any(map(is_other_format, entry_files(e, "image")))]


def _fault(bundle: NetworkBundle, entry: DatalistEntry) -> Fault | None:
    """Prepare an image as the bundle does; return what is wrong with it, or None."""
    file = entry_files(entry, "image")[0]
    try:
        image = bundle.preprocessing({"image": entry["image"]})["image"]
    # What a bundle's transforms raise on a damaged file is not specified.
    except Exception as error:
        known = read_volume(file)
        reason = one_line(first_cause(error))[:200]
        unknown = Fault(file, f"cannot be prepared by the bundle ({reason})", "Save it again.")
        return known if isinstance(known, Fault) else unknown
    if len(image) != bundle.channels:
        problem = f"has {len(image)} channels, expected {bundle.channels}"
        return Fault(file, problem, "Give images of the kind that the network was trained with.")
    if not bool(torch.as_tensor(image).isfinite().all()):
        return Fault(file, "has NaN or infinite voxels once prepared", "Replace them.")
    return None


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
    files = entry_files(entry, "image")
    for index, file in enumerate(files):
        # The case's name is what label maps are called after.
        name = str(entry["case"]) + (f"_{index:04d}" if len(files) > 1 else "")
        nibabel.save(as_nifti(file), folder / f"{name}.nii.gz")
        made.append(str(folder / f"{name}.nii.gz"))
    return {**entry, "image": made[0] if len(made) == 1 else made}
