"""Label maps and their references, matched by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iac_components.data.case import Case, image_stem, is_image_name
from iac_components.data.faults import DatasetError, Fault, found_in, raise_faults
from iac_components.data.layouts.general.case_files import patients_by_table

__all__ = ["PREDICTED", "Pair", "folder_cases", "pair_up"]

PREDICTED = "_seg"
"""Suffix of the names that an inference bundle writes."""


@dataclass(frozen=True)
class Pair:
    """A prediction, and the case with its reference label."""

    case: Case
    prediction: Path


def folder_cases(folder: Path, groups: Path | None = None, *, suffix: str = "") -> list[Case]:
    """List the label maps of a plain folder as cases.

    Args:
        folder: holds NIfTI files, one a case.
        groups: table of ``case`` and ``subject_group``; None makes each case a patient of its own.
        suffix: end of the files' names that is not the case's.

    Raises:
        DatasetError: if it is not a folder or holds no label map, or naming all cases that the
            table lacks.
    """
    files = _nifti_files(folder, "labels")
    names = [image_stem(file).removesuffix(suffix) for file in files]
    patients, faults = patients_by_table(names, groups)
    raise_faults(faults, subject="The table of groups")
    return [Case(patients[name], name, file, file) for name, file in zip(names, files, strict=True)]


def pair_up(
    predictions: Path, cases: Sequence[Case], *, suffix: str = PREDICTED, common: bool = False
) -> list[Pair]:
    """Find the prediction of every case by its name: the case's, its label's or its image's.

    Args:
        predictions: folder of label maps.
        cases: labelled.
        suffix: end of the predictions' names that may follow the case's.
        common: leave out cases that only one side has.

    Raises:
        DatasetError: naming each file that has no counterpart; if nothing has one; or if two
            predictions are of one case.
    """
    faults: list[Fault] = []
    found: dict[str, Path] = {}
    for file in _nifti_files(predictions, "predictions"):
        stem = image_stem(file)
        for name in dict.fromkeys((stem, stem.removesuffix(suffix))):
            if found.setdefault(name, file) != file:
                problem = f"is of the same case, '{name}', as '{found[name].name}'"
                faults.append(Fault(str(file), problem, "Keep one of the two."))
    raise_faults(faults, subject=f"Predictions '{predictions}'")
    pairs: list[Pair] = []
    for case in cases:
        prediction = next((found[name] for name in _names(case) if name in found), None)
        if prediction is not None:
            pairs.append(Pair(case, prediction))
        elif not common:
            remedy = "Segment it, or pass --common to score what both have."
            faults.append(Fault(str(case.label), "has no prediction", remedy))
    used = {pair.prediction for pair in pairs}
    if not common:
        remedy = "Remove it, or pass --common to score what both have."
        unused = sorted(set(found.values()) - used)
        faults += [Fault(str(file), "has no label", remedy) for file in unused]
    if not pairs:
        raise DatasetError(
            f"no label map in '{predictions}' is named after one of {len(cases)} case(s), such as "
            f"'{cases[0].name}', with or without '{suffix}' at the end. Rename them, or pass "
            "--prediction_suffix and --label_suffix."
        )
    raise_faults(faults, subject=f"Predictions '{predictions}'")
    return pairs


def _nifti_files(folder: Path, what: str) -> list[Path]:
    if not folder.is_dir():
        raise DatasetError(f"{what} '{folder}' is not a folder. Pass one that holds label maps.")
    files = sorted(path for path in folder.iterdir() if is_image_name(path.name))
    if not files:
        raise DatasetError(
            f"{what} '{folder}' holds no .nii or .nii.gz file, but {found_in(folder)}. Pass the "
            "label maps' own folder; for a data set, also its --layout."
        )
    return files


def _names(case: Case) -> list[str]:
    """List the file names that a case's prediction may have."""
    images = case.image if isinstance(case.image, tuple) else (case.image,)
    stems = [image_stem(path) for path in (*images, case.label) if path is not None]
    return [case.name, *stems]
