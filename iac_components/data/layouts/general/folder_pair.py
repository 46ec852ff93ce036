"""A plain pair of folders: ``images/`` beside ``labels/``, files of a case of the same name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iac_components.data.case import Case, image_stem
from iac_components.data.faults import DatasetError, Fault, found_in
from iac_components.data.layouts.catalogue import raise_layout_faults, register_layout
from iac_components.data.layouts.general.case_files import (
    channel_files,
    listed_images,
    patients_of,
)

__all__ = ["IMAGE_FOLDERS", "LABEL_FOLDERS", "find_folders", "read_folder_pair"]

IMAGE_FOLDERS = ("images", "imagesTr")
LABEL_FOLDERS = ("labels", "masks", "segmentations", "labelsTr")

_LABEL_ENDINGS = ("_label", "_labels", "_mask", "_seg", "_segmentation", "_gt")


def find_folders(dataset_dir: Path) -> tuple[Path, Path] | None:
    """Return the folders of images and of labels; None if they are not both there."""
    found = [
        next((dataset_dir / name for name in names if (dataset_dir / name).is_dir()), None)
        for names in (IMAGE_FOLDERS, LABEL_FOLDERS)
    ]
    return (found[0], found[1]) if found[0] is not None and found[1] is not None else None


@register_layout("folder_pair")
def read_folder_pair(dataset_dir: Path) -> list[Case]:
    """List the images that have a label of the same name.

    A label's name may end with ``_label``, ``_mask``, ``_seg``, ``_segmentation`` or ``_gt``. If
    all images end with a number of four digits, they are channels of a case, as in nnU-Net's raw
    folders. Patients come from ``groups.csv`` (columns ``case,subject_group``) if it is there.

    Raises:
        DatasetError: if there are no such folders or images, or images and labels do not match.
    """
    folders = find_folders(dataset_dir)
    if folders is None:
        raise DatasetError(
            f"dataset_dir '{dataset_dir}': expected a folder of images "
            f"({' or '.join(IMAGE_FOLDERS)}) and one of labels ({', '.join(LABEL_FOLDERS)}), "
            f"found {found_in(dataset_dir)}. Name the folders so."
        )
    images_dir, labels_dir = folders
    files, label_files = listed_images(images_dir), listed_images(labels_dir)
    for folder, found in ((images_dir, files), (labels_dir, label_files)):
        if not found:
            raise DatasetError(
                f"'{folder}' holds no image (NIfTI, PNG, JPEG, TIFF, MetaImage, NRRD or folders of "
                f"DICOM), but {found_in(folder)}. Put the files there."
            )
    images, faults = channel_files(files, required=False)
    labels, more = _labels_by_case(label_files, set(images))
    faults += more
    faults += [
        Fault(str(images[case][0]), f"has no label in '{labels_dir}'", "Add it, or move the image.")
        for case in images
        if case not in labels
    ]
    names = [case for case in images if case in labels]
    patients, more = patients_of(names, dataset_dir)
    cases = [
        Case(
            patients[case],
            case,
            images[case][0] if len(images[case]) == 1 else images[case],
            labels[case],
        )
        for case in names
    ]
    raise_layout_faults([*faults, *more], cases, subject=f"Images and labels in '{dataset_dir}'")
    return cases


def _labels_by_case(files: Sequence[Path], cases: set[str]) -> tuple[dict[str, Path], list[Fault]]:
    """Labels by the case whose image has their name, and what belongs to none."""
    labels: dict[str, Path] = {}
    faults: list[Fault] = []
    for file in files:
        stem = image_stem(file)
        names = [stem, *(stem.removesuffix(end) for end in _LABEL_ENDINGS if stem.endswith(end))]
        case = next((name for name in names if name in cases), None)
        if case is None:
            remedy = "Rename it as its image, or remove it."
            faults.append(Fault(str(file), "is a label without an image of its name", remedy))
        elif labels.setdefault(case, file) is not file:
            problem = f"is a second label of '{case}', beside '{labels[case].name}'"
            faults.append(Fault(str(file), problem, "Keep one of them."))
    return labels, faults
