"""nnU-Net v2's raw folder: ``imagesTr/<case>_0000.nii.gz``, ``labelsTr/<case>.nii.gz``.

Isensee et al., Nature Methods 18, 203-211 (2021); https://github.com/MIC-DKFZ/nnUNet, "dataset
format". ``dataset.json`` names channels, labels (regions as lists) and the files' ending; its list
``dataset``, which names files that lie elsewhere, is read too. A picture in colour is one file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from iac_components.data.case import Case, image_stem
from iac_components.data.faults import DatasetError, Fault, found_in, raise_faults
from iac_components.data.layouts.catalogue import raise_layout_faults, register_layout
from iac_components.data.layouts.described.dataset_json import JSON_NAME, read_dataset_json
from iac_components.data.layouts.general.case_files import (
    channel_files,
    listed_images,
    patients_of,
)

__all__ = ["read_nnunet"]

IMAGES, LABELS = "imagesTr", "labelsTr"


@register_layout("nnunet")
def read_nnunet(dataset_dir: Path) -> list[Case]:
    """List the cases of ``imagesTr``, or of the list ``dataset`` in ``dataset.json``.

    Raises:
        DatasetError: if ``dataset.json`` is missing or malformed, no image is there, or images,
            channels and labels do not match (naming all).
    """
    content = read_dataset_json(dataset_dir, folder_name="DatasetNNN_Name")
    ending = content.get("file_ending", "")
    if not isinstance(ending, str):
        raise DatasetError(
            f"'{dataset_dir / JSON_NAME}': field 'file_ending' must be an ending such as "
            f"'.nii.gz', not {ending!r}. Correct it there."
        )
    channels = content.get("channel_names", content.get("modality"))
    count = len(channels) if isinstance(channels, Mapping) and channels else None
    listed = content.get("dataset")
    pairs = (
        _listed(listed, dataset_dir)
        if isinstance(listed, Mapping) and listed
        else _found(dataset_dir, ending)
    )
    images, labels, faults = pairs
    for case, files in images.items():
        if count is not None and len(files) not in (1, count):
            problem = f"is of case '{case}', which has {len(files)} file(s) for {count} channels"
            remedy = f"Add the missing channels, or correct channel_names in {JSON_NAME}."
            faults.append(Fault(str(files[0]), problem, remedy))
    cases, more = _cases(images, labels, dataset_dir)
    raise_layout_faults([*faults, *more], cases, subject=f"nnU-Net raw data set '{dataset_dir}'")
    return cases


Images = dict[str, tuple[Path, ...]]


def _found(folder: Path, ending: str) -> tuple[Images, dict[str, Path], list[Fault]]:
    """Images and labels as they lie in the folders."""
    files = [file for file in listed_images(folder / IMAGES) if file.name.endswith(ending)]
    if not files:
        there = folder / IMAGES
        found = found_in(there) if there.is_dir() else f"no such folder, but {found_in(folder)}"
        raise DatasetError(
            f"'{there}': expected images <case>_0000{ending or '.nii.gz'}, found {found}. Put the "
            f"images there, or correct file_ending in {JSON_NAME}."
        )
    images, faults = channel_files(files, required=True)
    labels: dict[str, Path] = {}
    for file in listed_images(folder / LABELS):
        if labels.setdefault(image_stem(file), file) is not file:
            problem = f"is there a second time as '{labels[image_stem(file)].name}'"
            faults.append(Fault(str(file), problem, "Keep one of them."))
    for case in sorted(set(labels) - set(images)):
        problem = f"is a label without an image {case}_0000 in {IMAGES}"
        faults.append(Fault(str(labels[case]), problem, "Add the image, or remove the label."))
    for case in sorted(set(images) - set(labels)):
        problem = f"has no label {LABELS}/{case}{ending or '.nii.gz'}"
        remedy = "Add it, or move the image to imagesTs, whose images are segmented."
        faults.append(Fault(str(images[case][0]), problem, remedy))
    return images, labels, faults


def _listed(
    listed: Mapping[str, object], folder: Path
) -> tuple[Images, dict[str, Path], list[Fault]]:
    """Images and labels that ``dataset.json`` names, each by a path from its folder on."""
    images: Images = {}
    labels: dict[str, Path] = {}
    faults: list[Fault] = []
    for case, entry in listed.items():
        given = entry if isinstance(entry, Mapping) else {}
        names, label = given.get("images"), given.get("label")
        if not isinstance(names, list) or not names or not isinstance(label, str):
            problem = "must have 'images' (a list of paths) and 'label' (a path)"
            faults.append(Fault(f"dataset['{case}']", problem, f"Correct {JSON_NAME}."))
            continue
        images[case] = tuple(folder / str(name) for name in names)
        labels[case] = folder / label
        faults += [
            Fault(str(file), f"is missing, though {JSON_NAME} names it", "Correct the path there.")
            for file in (*images[case], labels[case])
            if not file.exists()
        ]
    raise_faults(faults, subject=f"'{folder / JSON_NAME}'")
    return images, labels, []


def _cases(
    images: Images, labels: Mapping[str, Path], folder: Path
) -> tuple[list[Case], list[Fault]]:
    names = [case for case in images if case in labels]
    patients, faults = patients_of(names, folder)
    return [
        Case(
            patients[case],
            case,
            images[case][0] if len(images[case]) == 1 else images[case],
            labels[case],
        )
        for case in names
    ], faults
