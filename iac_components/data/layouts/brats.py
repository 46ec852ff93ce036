"""BraTS's layouts: a folder a case, with four MR sequences and the label map as files of their own.

BraTS 2021 (Baid et al., arXiv 2107.02314): ``BraTS2021_NNNNN/BraTS2021_NNNNN_flair.nii.gz`` and so
on; its label 4 is the enhancing tumour. BraTS 2023, adult glioma: ``BraTS-GLI-NNNNN-TTT/
BraTS-GLI-NNNNN-TTT-t2f.nii.gz``; there it is label 3, and one patient can have several time points
(TTT). Channels are always FLAIR, T1, T1 with contrast agent, T2.
"""

from __future__ import annotations

import re
from pathlib import Path

from iac_components.data.case import Case
from iac_components.data.faults import DatasetError, Fault, found_in
from iac_components.data.layouts.catalogue import raise_layout_faults, register_layout
from iac_components.data.layouts.channel_groups import BRATS_NAMINGS, ChannelNaming
from iac_components.data.layouts.nifti_files import NiftiFiles

__all__ = ["read_brats"]

# One for each of BRATS_NAMINGS.
_CASES = (
    re.compile(r"(?P<patient>BraTS2021_\d{5})"),
    re.compile(r"(?P<patient>BraTS-GLI-\d{5})-\d{3}"),
)


@register_layout("brats")
def read_brats(dataset_dir: Path) -> list[Case]:
    """List all cases; a case of BraTS 2023 is one time point of a patient.

    Args:
        dataset_dir: the folder that holds the case folders, or one whose only sub-folder with
            case folders does.

    Raises:
        DatasetError: if no case folder is found, or they lie in several folders, or any of a
            case's five files is missing (naming all).
    """
    root = _root(dataset_dir)
    folders = _case_folders(root)
    faults: list[Fault] = []
    cases: list[Case] = []
    unlabelled = 0
    for folder in folders:
        naming, patient = _identify(folder)
        there = NiftiFiles()
        files: list[Path] = []
        for ending in (*naming.channels, naming.label):
            file = there.find(folder / f"{folder.name}{ending}.nii.gz")
            if isinstance(file, Fault):
                faults.append(file)
                file = Path(file.where)
            files.append(file)
        *images, label = files
        missing = [file.name for file in files if not file.is_file()]
        unlabelled += label.name in missing
        if missing:
            found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
            faults.append(
                Fault(
                    str(folder),
                    f"lacks {', '.join(missing)} (found {found})",
                    "Download this case again, or remove the folder.",
                )
            )
        cases.append(Case(patient, folder.name, tuple(images), label))
    if unlabelled == len(folders):
        raise DatasetError(
            f"dataset_dir '{root}': none of its {len(folders)} case(s) has a label map "
            f"({label.name}). Pass BraTS's training data; its validation data have no labels."
        )
    raise_layout_faults(faults, cases, subject=f"BraTS dataset '{root}'")
    return cases


def _identify(folder: Path) -> tuple[ChannelNaming, str]:
    """Return a case folder's naming and patient."""
    return next(
        (naming, match["patient"])
        for naming, pattern in zip(BRATS_NAMINGS, _CASES, strict=True)
        if (match := pattern.fullmatch(folder.name))
    )


def _case_folders(root: Path) -> list[Path]:
    """Return the case folders that lie in ``root`` itself."""
    return sorted(
        path
        for path in root.iterdir()
        if path.is_dir() and any(pattern.fullmatch(path.name) for pattern in _CASES)
    )


def _root(dataset_dir: Path) -> Path:
    """Return the folder of the case folders: ``dataset_dir`` or its only sub-folder with some."""
    if _case_folders(dataset_dir):
        return dataset_dir
    inner = sorted(path for path in dataset_dir.iterdir() if path.is_dir() and _case_folders(path))
    if len(inner) == 1:
        return inner[0]
    if inner:
        raise DatasetError(
            f"dataset_dir '{dataset_dir}': expected one folder of cases, found several: "
            f"{', '.join(path.name for path in inner)}. Pass one of them with --dataset_dir."
        )
    raise DatasetError(
        f"dataset_dir '{dataset_dir}': expected BraTS's folders BraTS2021_00000, ... or "
        f"BraTS-GLI-00000-000, ... there or in a sub-folder, found "
        f"{found_in(dataset_dir)}. Pass the unpacked BraTS folder with "
        "--dataset_dir."
    )
