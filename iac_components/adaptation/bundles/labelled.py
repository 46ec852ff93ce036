"""A site's labelled cases: found in a folder, prepared as a bundle prepares its images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, ResampleToMatch

from iac_components.adaptation.bundles.network_bundle import NetworkBundle
from iac_components.adaptation.bundles.readable import readable_entries
from iac_components.adaptation.fitting.cases import SiteCase
from iac_components.common.causes import first_cause, one_line
from iac_components.common.progress_bars import progress_over
from iac_components.data import (
    Case,
    DatalistEntry,
    DatasetError,
    NiftiReader,
    WholeLabelsd,
    check_datalist,
    read_dataset,
    registered_layouts,
)
from iac_components.data.case import entry_files, image_stem
from iac_components.data.faults import raise_faults
from iac_components.data.formats.conversion import is_other_format
from iac_components.data.formats.pictures import WHITE, is_white_mask
from iac_components.data.layouts.general.case_files import listed_images, patients_of

__all__ = ["find_cases", "prepare_cases"]

PAIRS = ("images", "labels")


def find_cases(folder: str | Path, *, layout: str | None = None) -> list[Case]:
    """List the labelled cases of a folder.

    Args:
        folder: a data set in a known layout, or one that holds ``images`` and ``labels`` with
            files of the same names; a ``groups.csv`` in it says of every case whose it is.
        layout: of the data set; None takes ``decathlon`` where there is a ``dataset.json``, and
            pairs of folders otherwise.

    Raises:
        DatasetError: naming what is missing.
        ValueError: if the layout is unknown.
    """
    place = Path(folder).expanduser().absolute()
    if layout is None and (place / "dataset.json").is_file():
        layout = "decathlon"
    if layout is not None:
        return read_dataset(place, layout=layout)
    if not all((place / name).is_dir() for name in PAIRS):
        raise DatasetError(
            f"'{place}' holds no dataset.json and no folders images and labels. Lay out the cases "
            f"so, or pass --layout, one of {', '.join(registered_layouts())}. For images without "
            "labels there is --unlabelled, which proves nothing."
        )
    images, labels = (_files(place / name) for name in PAIRS)
    unpaired = sorted(set(images) ^ set(labels))
    if unpaired:
        where = "labels" if unpaired[0] in images else "images"
        raise DatasetError(
            f"'{place}': case '{unpaired[0]}' has no file in {where}. Images and labels have the "
            "same names."
        )
    if not images:
        raise DatasetError(f"'{place}': the folders images and labels hold no image.")
    patients, faults = patients_of(list(images), place)
    raise_faults(faults, subject=f"Patients in '{place}'")
    return [Case(patients[name], name, file, labels[name]) for name, file in images.items()]


def prepare_cases(bundle: NetworkBundle, cases: Sequence[Case]) -> list[SiteCase]:
    """Run a bundle's preprocessing on images, and bring their labels onto the same grid.

    Labels are resampled to the nearest value in the image's own geometry, so that whatever turns,
    crops or resamples the image need not know of labels. Masks of 0 and 255 are of the one class
    that a network has.

    Raises:
        DatasetError: naming each file that is at fault, or the case that fails, and why.
    """
    if not cases:
        return []
    entries = [case.entry() for case in cases]
    _check_files(entries, bundle.class_names)
    with TemporaryDirectory(prefix="iac_images_") as folder:
        try:
            readable = readable_entries(bundle, entries, Path(folder))
        # What a damaged file makes libraries raise is not specified.
        except Exception as error:
            raise DatasetError(f"a case cannot be read: {one_line(first_cause(error))}") from error
        pairs = list(zip(cases, readable, strict=True))
        bar = progress_over(pairs, desc="Preparing cases")
        prepared = [_prepare(bundle, case, entry) for case, entry in bar]
    return _without_white(prepared, bundle.class_names)


def _check_files(entries: Sequence[DatalistEntry], class_names: Sequence[str]) -> None:
    """Check images and labels as before a training; all else of an image is the bundle's."""
    values = [*range(1, len(class_names) + 1), *([WHITE] if len(class_names) == 1 else [])]
    check_datalist(
        entries, labels=values, num_channels=None, min_size=(1, 1, 1), voxel_size_range=None
    )


def _without_white(cases: list[SiteCase], class_names: Sequence[str]) -> list[SiteCase]:
    """Give white masks the value of the only class; other values are left for the check."""
    if len(class_names) != 1:
        return cases
    values = {value for case in cases for value in np.unique(case.label.numpy()).tolist()}
    if not is_white_mask(values):
        return cases
    print(f"Label value {WHITE} is '{class_names[0]}', the network's only class.", flush=True)
    return [replace(case, label=(case.label == WHITE).to(case.label.dtype)) for case in cases]


def _prepare(bundle: NetworkBundle, case: Case, entry: DatalistEntry) -> SiteCase:
    try:
        image = bundle.preprocessing({"image": entry["image"]})["image"]
        label = _read_label(entry, image)
    # A bundle's transforms may raise anything.
    except Exception as error:
        raise DatasetError(
            f"case '{case.name}' cannot be prepared as the bundle prepares its images: "
            f"{one_line(first_cause(error))}"
        ) from error
    if isinstance(image, MetaTensor) and image.ndim == label.ndim:
        label = ResampleToMatch(mode="nearest", padding_mode="zeros")(label, image)
    spacing = tuple(float(n) for n in image.pixdim) if isinstance(image, MetaTensor) else ()
    plain = image.as_tensor() if isinstance(image, MetaTensor) else torch.as_tensor(image)
    return SiteCase(
        case.name,
        case.patient,
        plain.to(torch.float32).contiguous(),
        label.as_tensor()[0].round().to(torch.int64).contiguous(),
        spacing[: label.ndim - 1],
    )


def _read_label(entry: DatalistEntry, image: torch.Tensor) -> MetaTensor:
    """Read a label map (1, *S), where the bundle's reader sees its image's voxels.

    A slice is one of its image's axes, or none.
    """
    read = Compose(
        [
            LoadImaged("label", reader=NiftiReader()),
            EnsureChannelFirstd("label"),
            WholeLabelsd("label"),
        ]
    )
    label = read({"label": entry["label"]})["label"]
    place = image.meta.get("original_affine") if isinstance(image, MetaTensor) else None
    # Its voxels are the image's, wherever a reader that prefers the qform puts these. Of other
    # formats, readers may order the voxels otherwise than the label's.
    if place is not None and not any(map(is_other_format, entry_files(entry, "image"))):
        label.affine = torch.as_tensor(place, dtype=torch.float64)
    flat = label.ndim == image.ndim + 1 and label.shape[-1] == 1
    found: MetaTensor = label[..., 0] if flat else label
    return found


def _files(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in listed_images(folder):
        if (other := found.setdefault(image_stem(file), file)) != file:
            raise DatasetError(f"'{file}' and '{other.name}' are of one case. Keep one of them.")
    return dict(sorted(found.items()))
