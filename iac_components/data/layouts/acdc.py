"""The ACDC challenge's layout: ``training/patientNNN/patientNNN_frameNN[_gt].nii.gz``.

Bernard et al., IEEE TMI 37(11), 2018. Each patient has two labelled frames, end-diastole and
end-systole, in either order of time (patient090 has end-systole first); both are cases.
"""

from __future__ import annotations

import re
from pathlib import Path

from iac_components.data.case import Case
from iac_components.data.faults import DatasetError, Fault, found_in
from iac_components.data.layouts.catalogue import raise_layout_faults, register_layout
from iac_components.data.layouts.nifti_files import ambiguous, files_by_stem

__all__ = ["read_acdc"]

# fullmatch leaves out patientNNN_4d.nii.gz.
_FRAME = re.compile(r"(?P<patient>patient\d+)_frame\d+(?P<truth>_gt)?")
_PATIENT = re.compile(r"patient\d+")


@register_layout("acdc")
def read_acdc(dataset_dir: Path) -> list[Case]:
    """List all frames that have a ground truth; a case is one frame.

    Args:
        dataset_dir: the folder that holds ``training``, or ``training`` itself.

    Raises:
        DatasetError: if no patient folder is found, or frames and ground truths do not pair up.
    """
    training = dataset_dir / "training"
    root = training if training.is_dir() else dataset_dir
    patients = sorted(p for p in root.iterdir() if p.is_dir() and _PATIENT.fullmatch(p.name))
    if not patients:
        raise DatasetError(
            f"dataset_dir '{root}': expected ACDC's folders patient001, patient002, ... there or "
            f"in 'training', found {found_in(root)}. "
            "Pass the unpacked ACDC folder with --dataset_dir."
        )
    cases: list[Case] = []
    faults: list[Fault] = []
    for patient in patients:
        found_cases, found_faults = _read_patient(patient)
        cases += found_cases
        faults += found_faults
    raise_layout_faults(faults, cases, subject=f"ACDC dataset '{root}'")
    return cases


def _read_patient(folder: Path) -> tuple[list[Case], list[Fault]]:
    """Pair one patient's frames with their ground truths, and say what does not pair."""
    images: dict[str, Path] = {}
    truths: dict[str, Path] = {}
    faults: list[Fault] = []
    for stem, files in files_by_stem(folder).items():
        match = _FRAME.fullmatch(stem)
        if match is None:
            continue
        # The challenge's own ending wins, as elsewhere.
        path = next((file for file in files if file.name == f"{stem}.nii.gz"), files[0])
        if len(files) > 1 and path.name != f"{stem}.nii.gz":
            faults.append(ambiguous(files))
        if match["patient"] != folder.name:
            faults.append(
                Fault(str(path), f"lies in the folder of {folder.name}", "Move it to its patient.")
            )
        elif match["truth"]:
            truths[stem.removesuffix("_gt")] = path
        else:
            images[stem] = path
    if not images and not truths:
        faults.append(
            Fault(
                str(folder),
                f"holds no frame ({folder.name}_frameNN.nii.gz)",
                "Download this patient again, or remove the folder.",
            )
        )
    faults += [
        Fault(
            str(images[name]),
            f"has no ground truth {name}_gt.nii.gz",
            "Add it or remove the frame.",
        )
        for name in images.keys() - truths.keys()
    ]
    faults += [
        Fault(str(truths[name]), f"has no image {name}.nii.gz", "Add it or remove the label.")
        for name in truths.keys() - images.keys()
    ]
    faults.sort(key=lambda fault: fault.where)
    paired = sorted(images.keys() & truths.keys())
    return [Case(folder.name, name, images[name], truths[name]) for name in paired], faults
