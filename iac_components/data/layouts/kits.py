"""KiTS23's layout: ``dataset/case_NNNNN/imaging.nii.gz`` and ``segmentation.nii.gz``.

Heller et al., arXiv 2307.01984 (2023), https://github.com/neheller/kits23. The repository holds the
segmentations; the images come by its own download command. A case is a patient.
"""

from __future__ import annotations

import re
from pathlib import Path

from iac_components.data.case import Case
from iac_components.data.faults import DatasetError, Fault, found_in
from iac_components.data.layouts.catalogue import raise_layout_faults, register_layout
from iac_components.data.layouts.nifti_files import NiftiFiles

__all__ = ["read_kits"]

IMAGE, LABEL = "imaging.nii.gz", "segmentation.nii.gz"

_CASE = re.compile(r"case_\d{5}")

_REMEDIES = {
    IMAGE: "Run KiTS23's own download command, kits23_download_data, or remove the folder.",
    LABEL: "Check out KiTS23's repository again, or remove the folder.",
}


@register_layout("kits")
def read_kits(dataset_dir: Path) -> list[Case]:
    """List all cases.

    Args:
        dataset_dir: the repository's folder, which holds ``dataset``, or ``dataset`` itself.

    Raises:
        DatasetError: if no case folder is found, the images were not downloaded, or a case lacks
            its image or segmentation (naming all).
    """
    inner = dataset_dir / "dataset"
    root = inner if inner.is_dir() else dataset_dir
    folders = sorted(p for p in root.iterdir() if p.is_dir() and _CASE.fullmatch(p.name))
    if not folders:
        raise DatasetError(
            f"dataset_dir '{root}': expected KiTS23's folders case_00000, case_00001, ... there "
            f"or in 'dataset', found {found_in(root)}. "
            "Pass the folder of KiTS23's repository with --dataset_dir."
        )
    cases: list[Case] = []
    faults: list[Fault] = []
    without_image = 0
    for folder in folders:
        there = NiftiFiles()
        files: list[Path] = []
        for name in (IMAGE, LABEL):
            file = there.find(folder / name)
            if isinstance(file, Fault):
                faults.append(file)
                file = Path(file.where)
            elif not file.is_file():
                faults.append(Fault(str(folder), f"has no {name}", _REMEDIES[name]))
            files.append(file)
        without_image += not files[0].is_file()
        cases.append(Case(folder.name, folder.name, files[0], files[1]))
    if without_image == len(folders):
        raise DatasetError(
            f"dataset_dir '{root}': none of its {len(folders)} case(s) has an {IMAGE}; "
            "KiTS23's repository comes without them. Run its own download command, "
            "kits23_download_data."
        )
    raise_layout_faults(faults, cases, subject=f"KiTS23 dataset '{root}'")
    return cases
