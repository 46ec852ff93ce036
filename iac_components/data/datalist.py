"""MONAI datalists: what a bundle's config asks for in one line."""

from __future__ import annotations

from pathlib import Path

from iac_components.data.case import is_nifti_name, nifti_stem
from iac_components.data.faults import DatasetError, Fault, raise_faults
from iac_components.data.folds_file import load_or_make_folds
from iac_components.data.layouts import read_dataset
from iac_components.data.parts import select_cases

__all__ = ["image_datalist", "load_datalist"]


def load_datalist(
    dataset_dir: str | Path,
    *,
    layout: str,
    part: str,
    fold: int = 0,
    num_folds: int = 5,
    seed: int = 0,
    folds_file: str | Path | None = None,
) -> list[dict[str, str]]:
    """List one part of one fold of a dataset.

    Args:
        dataset_dir: the dataset as downloaded.
        layout: name of its folder layout.
        part: ``train``, ``validation``, ``test``, ``weights`` or ``architecture``.
        fold: the fold that is tested.
        num_folds: number of folds, where they are drawn.
        seed: seed of the folds, where they are drawn.
        folds_file: file that holds the folds; it is read if it exists, else written.

    Returns:
        Entries ``{"image", "label", "patient", "case"}``, sorted by patient and case.

    Raises:
        DatasetError: if the dataset cannot be read (see :func:`read_dataset`).
        ValueError: if the layout, part, fold or folds file is at fault, or the part is empty.
    """
    cases = read_dataset(dataset_dir, layout=layout)
    folds = load_or_make_folds(folds_file, cases, layout=layout, num_folds=num_folds, seed=seed)
    return [case.entry() for case in select_cases(cases, folds, fold=fold, part=part)]


def image_datalist(folder: str | Path) -> list[dict[str, str]]:
    """List the NIfTI images of a folder, for inference.

    Hidden files, other files and subfolders are left out.

    Returns:
        Entries ``{"image", "case"}`` sorted by case; the case is the file's name without ending.

    Raises:
        DatasetError: if the folder is missing or has no image, or if two images would be the
            same case (``a.nii`` and ``a.nii.gz``), so that one result would replace the other.
    """
    directory = Path(folder).expanduser().absolute()
    if not directory.is_dir():
        raise DatasetError(
            f"image folder '{directory}' is not a folder. Pass one that holds .nii or .nii.gz "
            "images with --dataset_dir."
        )
    files = sorted(path for path in directory.iterdir() if is_nifti_name(path.name))
    if not files:
        raise DatasetError(
            f"image folder '{directory}' holds no .nii or .nii.gz file among "
            f"{len(list(directory.iterdir()))} entries (subfolders are not searched). "
            "Pass the images' own folder with --dataset_dir."
        )
    seen: dict[str, Path] = {}
    faults = [
        Fault(str(file), f"has the same case name as '{first.name}'", "Rename one of the two.")
        for file in files
        if (first := seen.setdefault(nifti_stem(file), file)) != file
    ]
    raise_faults(faults, subject=f"Image folder '{directory}'")
    return [{"image": str(seen[case]), "case": case} for case in sorted(seen)]
