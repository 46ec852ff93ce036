"""Official folder layouts, by name: a reader turns a downloaded folder into cases."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from iac_components.common.registry import Registry
from iac_components.data.case import Case, entry_files
from iac_components.data.faults import DatasetError, Fault, raise_faults
from iac_components.data.nifti.volume_file import read_volume

__all__ = [
    "LayoutReader",
    "find_dataset",
    "raise_layout_faults",
    "read_dataset",
    "register_layout",
    "registered_layouts",
]

LayoutReader = Callable[[Path], list[Case]]
"""``reader(dataset_dir)`` returns all labelled cases, or raises DatasetError with all faults."""

_REGISTRY: Registry[LayoutReader] = Registry("layout")

_FILES: set[str] = set()
"""Layouts whose data set is given by a file rather than a folder."""
registered_layouts = _REGISTRY.names


def register_layout(
    name: str, *, takes_file: bool = False
) -> Callable[[LayoutReader], LayoutReader]:
    """Return a decorator that registers a reader.

    Args:
        name: of the layout.
        takes_file: whether ``dataset_dir`` is a file, such as a list of cases.

    Raises:
        ValueError: if the name is taken.
    """
    if takes_file:
        _FILES.add(name)
    return _REGISTRY.register(name)


def read_dataset(dataset_dir: str | Path, *, layout: str) -> list[Case]:
    """List the labelled cases of a dataset as downloaded.

    Args:
        dataset_dir: the dataset's folder.
        layout: name of its folder layout.

    Returns:
        The cases with absolute paths, sorted by patient and name; at least one.

    Raises:
        ValueError: if no such layout is registered.
        DatasetError: if the folder is missing, empty, not of that layout or incomplete; all
            faults are listed at once; or if two cases have one name, under which results could
            not be told apart.
    """
    folder = find_dataset(dataset_dir, layout=layout)
    cases = sorted(_REGISTRY[layout](folder))
    raise_faults(_same_names(cases), subject=f"Dataset '{folder}'")
    return cases


def raise_layout_faults(faults: Sequence[Fault], cases: Sequence[Case], *, subject: str) -> None:
    """Raise one error for a layout's faults and for its damaged files; return if it has no fault.

    The checks before a training, which would find the damaged files, need a layout without fault:
    a missing file would hide them.

    Args:
        faults: what the layout's reader found.
        cases: the cases that it found.
        subject: what was checked, for the first line of the message.

    Raises:
        DatasetError: if ``faults`` is not empty.
    """
    if not faults:
        return
    entries = [case.entry() for case in cases]
    files = [
        file for entry in entries for key in ("image", "label") for file in entry_files(entry, key)
    ]
    told = {fault.where for fault in faults}
    there = [file for file in dict.fromkeys(files) if file not in told and os.path.isfile(file)]
    damaged = [found for found in map(read_volume, there) if isinstance(found, Fault)]
    raise_faults([*faults, *damaged], subject=subject)


def _same_names(cases: Sequence[Case]) -> list[Fault]:
    """Return a fault for every case whose name an earlier one has."""
    first: dict[str, Case] = {}
    faults: list[Fault] = []
    for case in cases:
        other = first.setdefault(case.name, case)
        if other is case:
            continue
        if other.image == case.image:
            problem, remedy = f"is named twice, as case '{case.name}'", "Name it once."
        else:
            problem = f"has the same case name, '{case.name}', as '{_image(other)}'"
            remedy = "Rename one of the two, and its label."
        faults.append(Fault(_image(case), problem, remedy))
    return faults


def _image(case: Case) -> str:
    """Return the file of a case's image, or of its first channel."""
    return str(case.image if isinstance(case.image, Path) else case.image[0])


def find_dataset(dataset_dir: str | Path, *, layout: str) -> Path:
    """Return a dataset's folder, or the file that stands for it, as an absolute path.

    Raises:
        ValueError: if no such layout is registered.
        DatasetError: if it is missing.
    """
    _REGISTRY.require(layout)
    folder = Path(dataset_dir).expanduser().absolute()
    if layout in _FILES:
        if not folder.is_file():
            found = "a folder" if folder.is_dir() else "nothing"
            raise DatasetError(
                f"dataset_dir '{folder}': expected a file of layout '{layout}', found {found}. "
                "Pass the file that lists the cases with --dataset_dir."
            )
        return folder
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise DatasetError(
            f"dataset_dir '{folder}': expected a folder of layout '{layout}', found {found}. "
            "Pass the downloaded dataset's folder with --dataset_dir."
        )
    return folder
